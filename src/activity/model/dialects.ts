/**
 * How we are told of work. The value of `openclaw.dialect`, in the order of
 * `SignalBatch.dialect`.
 */
export const dialectNames = [
  "span",
  "live_span",
  "datadog_partial",
  "logfire_pending",
  "partial_log",
  "span_state_log",
  "relay",
  "entity_event",
  "session_event",
  "pause_event",
  "implied_parent",
  "requested_tool",
  "session_claim",
] as const;

export type DialectName = (typeof dialectNames)[number];

export const dialects = {
  span: 0,
  liveSpan: 1,
  datadogPartial: 2,
  logfirePending: 3,
  partialLog: 4,
  spanStateLog: 5,
  relay: 6,
  entityEvent: 7,
  sessionEvent: 8,
  pauseEvent: 9,
  impliedParent: 10,
  requestedTool: 11,
  sessionClaim: 12,
} as const;

export type Dialect = (typeof dialects)[keyof typeof dialects];

/** How good a source of work a dialect is; the best one of a process wins. */
export const sourceRanks = { none: -1, finishedSpans: 0, starts: 1, relay: 2 } as const;

const rankOf: Readonly<Record<DialectName, number>> = {
  span: sourceRanks.finishedSpans,
  live_span: sourceRanks.starts,
  datadog_partial: sourceRanks.starts,
  logfire_pending: sourceRanks.starts,
  partial_log: sourceRanks.starts,
  span_state_log: sourceRanks.starts,
  relay: sourceRanks.relay,
  entity_event: sourceRanks.none,
  session_event: sourceRanks.none,
  pause_event: sourceRanks.none,
  implied_parent: sourceRanks.none,
  requested_tool: sourceRanks.none,
  session_claim: sourceRanks.none,
};

const ranks = Int8Array.from(dialectNames, (name) => rankOf[name]);

/** The rank of a dialect out of a column. */
export function sourceRankOf(dialect: number): number {
  return ranks[dialect] ?? sourceRanks.none;
}

/** What can become of a signal; the values of `openclaw.result`. */
export const signalResults = [
  "started",
  "heartbeat",
  "revived",
  "ended",
  "finished",
  "reconciled",
  "duplicate",
  "stale",
  "late_start",
  "untracked",
  "superseded",
  "gone",
  "unwatched",
  "link",
  "session_started",
  "session_ended",
  "paused",
  "resumed",
  "implied",
  "forgotten",
  "requested",
  "answered",
  "claimed",
  "repeated",
  "recovered",
  "idle",
  "queued",
  "evicted",
  "unmatched",
  "malformed",
] as const;

export type SignalResult = (typeof signalResults)[number];

const ofStart = [
  "started",
  "heartbeat",
  "revived",
  "stale",
  "late_start",
  "untracked",
  "link",
] as const;
const ofEnd = ["ended", "finished", "reconciled", "duplicate", "untracked", "link"] as const;
const ofBoth = [...new Set([...ofStart, ...ofEnd])];

/** Which results each dialect can have. */
export const resultsOf: Readonly<Record<DialectName, readonly SignalResult[]>> = {
  span: [...ofEnd, "superseded"],
  live_span: [...ofStart, "superseded", "unwatched"],
  datadog_partial: [...ofStart, "superseded"],
  logfire_pending: [...ofStart, "superseded", "malformed"],
  partial_log: [...ofBoth, "superseded", "malformed"],
  span_state_log: [...ofBoth, "superseded", "malformed"],
  relay: [...ofBoth, "superseded", "unwatched"],
  entity_event: ["heartbeat", "gone", "untracked"],
  session_event: ["session_started", "session_ended", "unmatched", "untracked", "malformed"],
  pause_event: ["paused", "resumed", "unmatched", "untracked"],
  requested_tool: ["requested", "answered", "repeated", "unmatched", "superseded", "untracked"],
  implied_parent: [
    "implied",
    "link",
    "duplicate",
    "untracked",
    "superseded",
    "evicted",
    "forgotten",
  ],
  session_claim: [
    "claimed",
    "repeated",
    "recovered",
    "idle",
    "queued",
    "evicted",
    "unmatched",
    "untracked",
    "malformed",
  ],
};
