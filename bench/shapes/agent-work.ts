import { type ArrivingRequest, range } from "./request-shape.ts";
import { type Attributes, type SpanOf, tracesOf } from "./wire.ts";

/** Names that the tables of frameworks know: the shortest way to say what a span is. */
export const workNames = {
  run: "openclaw.run",
  harness: "openclaw.harness.run",
  tool: "openclaw.tool.execution",
  modelCall: "openclaw.model.call",
  /** By a rule of the benchmark's config. */
  detached: "detached",
} as const;

/** The session of that name. */
export function inSession(name: string | number): Attributes {
  return { "session.id": String(name) };
}

/** A request of one process. */
export function traces(items: readonly SpanOf[]): ArrivingRequest {
  return tracesOf({ process: 1, items });
}

export function finished(span: SpanOf): SpanOf {
  return { ...span, end: 1 };
}

/** Open runs, each in a trace of its own; of one session, where that is given. */
export function openRuns(n: number, session?: string): readonly SpanOf[] {
  return range(n, 1).map((id) => ({
    ...{ name: workNames.run, trace: id, id },
    ...(session === undefined ? {} : { attributes: inSession(session) }),
  }));
}

/** A tool of each of these runs. */
export function toolsOf(n: number): readonly SpanOf[] {
  return range(n, 1).map((id) => ({ name: workNames.tool, trace: id, id: id + n, parent: id }));
}

/** A run with many spans of that name directly below it. */
export function runWithMany(n: number, name: string): readonly SpanOf[] {
  return [
    { name: workNames.run, trace: 1, id: 1 },
    ...range(n, 2).map((id) => ({ name, trace: 1, id, parent: 1 })),
  ];
}
