import type { Outcome } from "./world.ts";

/** How to have the same senders and faults again. */
export function againText(seed: number, seconds: number): string {
  return `CHAOS_SEED=${seed} CHAOS_SECONDS=${seconds} npm run chaos`;
}

/** Faults, requests, items and evictions, by what they are and how many there were. An empty name is an empty line. */
export function survivedRows(
  outcome: Outcome,
): readonly (readonly [name: string, value: string | number])[] {
  const { evictions, delivery, answers, peak } = outcome;
  const accepted = answers.get("accepted") ?? 0;
  const sent = [...answers.values()].reduce((sum, times) => sum + times, 0);
  return [
    ...[...outcome.faults].toSorted(([a], [b]) => a.localeCompare(b)),
    ["", ""],
    ["processes", outcome.lives],
    ["requests sent", sent],
    ["  accepted", accepted],
    ...[...answers]
      .filter(([answer]) => answer !== "accepted")
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([answer, times]) => [`  ${answer}`, times] as const),
    ["items accepted", delivery.answered],
    ["  delivered", delivery.delivered],
    ["  delivered more than once", delivery.repeated],
    ["  delivered, though the answer was lost", delivery.unanswered],
    ["  refused for good by the backend", delivery.refused],
    ["  missing", delivery.missing],
    ["  altered", delivery.altered],
    ["orphans that had to be evicted, and were", evictions.right],
    ["  missed", evictions.missed],
    ["  false evictions", evictions.wrong],
    ["  evictions of what was reported too late", evictions.late],
    ["  markers that cannot be judged", evictions.undecided],
    ["events that came more than once", evictions.repeats],
    ["pages read", outcome.scrapes],
    ["slowest acceptance of a sender with a good network, ms", outcome.worstGoodAnswerMs],
    ["peak memory, MiB", peak.rssMiB],
    ["most open files", peak.files],
    ["contradictions", outcome.contradictions.length],
  ];
}

/** What the stack has survived, as a table for people. */
export function survivedText(outcome: Outcome, seed: number, seconds: number): string {
  const rows = survivedRows(outcome);
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return [
    `Survived in ${outcome.seconds} s, ${seconds} s of them under all faults, with seed ${seed}:`,
    ...lines,
    `Again: ${againText(seed, seconds)}`,
  ].join("\n");
}

const mostLines = 400;

/** What went wrong, and what led to the first of it. */
export function failureText(outcome: Outcome, seed: number, seconds: number): string {
  const [first] = outcome.contradictions;
  if (first === undefined) {
    return "";
  }
  const at = (ms: number) => `${(ms / 1000).toFixed(2).padStart(8)} s`;
  const before = outcome.timeline.filter(({ atMs }) => atMs <= first.atMs).slice(-mostLines);
  return [
    `${outcome.contradictions.length} contradictions. The first, ${at(first.atMs).trim()} after the start, about a ${first.about}:`,
    first.what,
    "",
    "What had happened:",
    ...before.map(({ atMs, what }) => `${at(atMs)}  ${what}`),
    "",
    `The logs of the collector are in ${outcome.logs}.`,
    "All contradictions:",
    ...outcome.contradictions
      .slice(0, mostLines)
      .map(({ atMs, about, what }) => `${at(atMs)}  ${about}: ${what}`),
    `Again: ${againText(seed, seconds)}`,
  ].join("\n");
}
