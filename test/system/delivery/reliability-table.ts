/** What became of the data of one fault. */
export interface Figures {
  readonly title: string;
  readonly promise: string;
  readonly spans: number;
  readonly missingSpans: number;
  readonly repeatedSpans: number;
  readonly events: number;
  readonly missingEvents: number;
  readonly repeatedEvents: number;
  readonly resentRequests: number;
  readonly seconds: number;
}

/** The page docs/reliability.md. */
export function reliabilityTable(figures: readonly Figures[], seconds: number): string {
  const rows = figures.map((each) => [
    each.title,
    each.spans,
    each.missingSpans,
    each.repeatedSpans,
    each.events,
    each.missingEvents,
    each.repeatedEvents,
    each.resentRequests,
  ]);
  const head = [
    "Fault",
    "Spans",
    "missing",
    "repeated",
    "Events",
    "missing",
    "repeated",
    "Requests sent again by the sender",
  ];
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return `# Reliability

<!-- Written by \`npm run test:delivery\`. -->

What happens to data while something is broken. Each row is a run of the real program for ${seconds} s with 200 spans and 2 orphaned tools per second, from a sender
that sends each request until it is accepted, to a backend that counts every span by its id and every event by its \`log.record.uid\`.
The fault lasts for the middle half of the run. [delivery.md](delivery.md) describes what an acknowledgement means.

${[line(head), line(head.map((_, at) => (at === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n")}

A repeated span or event arrived more than once: after a kill or a broken connection it is unknown whether the backend had taken a request, so the collector sends
it again. A repeated event has the same \`log.record.uid\`.
`;
}
