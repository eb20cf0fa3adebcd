/**
 * How we are told of work. The value of `openclaw.dialect`, in the order of `SignalBatch.dialect`; the
 * later source of a process wins over the earlier ones.
 */
export const dialectNames = ["span", "live_span", "relay", "entity_event"] as const;

export const dialects = { span: 0, liveSpan: 1, relay: 2, entityEvent: 3 } as const;

export type Dialect = (typeof dialects)[keyof typeof dialects];

/** What can become of a signal; the values of `openclaw.result`. */
export const signalResults = [
  "started",
  "heartbeat",
  "ended",
  "finished",
  "reconciled",
  "duplicate",
  "stale",
  "late_start",
  "untracked",
  "superseded",
  "gone",
  "link",
] as const;

export type SignalResult = (typeof signalResults)[number];

const ofStart = ["started", "heartbeat", "stale", "late_start", "untracked", "link"] as const;
const ofEnd = ["ended", "finished", "reconciled", "duplicate", "untracked", "link"] as const;

/** Which results each dialect can have. */
export const resultsOf: Readonly<Record<(typeof dialectNames)[number], readonly SignalResult[]>> = {
  span: [...ofEnd, "superseded"],
  live_span: [...ofStart, "superseded"],
  relay: [...new Set([...ofStart, ...ofEnd])],
  entity_event: ["heartbeat", "gone"],
};
