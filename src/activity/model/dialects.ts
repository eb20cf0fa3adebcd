/** How good a dialect is as the source of a process's work: the best one that the process sends counts. */
export const sourceRanks = { none: -1, finishedSpans: 0, starts: 1, relay: 2 } as const;

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

/** What is fixed for a dialect. */
interface DialectRow {
  /** Its name in metrics and docs. */
  readonly name: string;
  /**
   * The value in `SignalBatch.dialect`, and what a journal stores in four bits. Never changes, and is never given to another
   * dialect. The numbers have no gaps.
   */
  readonly storedId: number;
  readonly rank: (typeof sourceRanks)[keyof typeof sourceRanks];
  /** What can become of its signals. */
  readonly results: readonly SignalResult[];
}

/**
 * Every source format that signals are read from, one row each. To add one: a row with the next `storedId`, a file in
 * `recognition/dialects` and its line in the table there; metrics and docs follow.
 */
export const dialects = {
  span: {
    name: "span",
    storedId: 0,
    rank: sourceRanks.finishedSpans,
    results: [...ofEnd, "superseded"],
  },
  liveSpan: {
    name: "live_span",
    storedId: 1,
    rank: sourceRanks.starts,
    results: [...ofStart, "superseded", "unwatched"],
  },
  datadogPartial: {
    name: "datadog_partial",
    storedId: 2,
    rank: sourceRanks.starts,
    results: [...ofStart, "superseded"],
  },
  logfirePending: {
    name: "logfire_pending",
    storedId: 3,
    rank: sourceRanks.starts,
    results: [...ofStart, "superseded", "malformed"],
  },
  partialLog: {
    name: "partial_log",
    storedId: 4,
    rank: sourceRanks.starts,
    results: [...ofBoth, "superseded", "malformed"],
  },
  spanStateLog: {
    name: "span_state_log",
    storedId: 5,
    rank: sourceRanks.starts,
    results: [...ofBoth, "superseded", "malformed"],
  },
  relay: {
    name: "relay",
    storedId: 6,
    rank: sourceRanks.relay,
    results: [...ofBoth, "superseded", "unwatched"],
  },
  entityEvent: {
    name: "entity_event",
    storedId: 7,
    rank: sourceRanks.none,
    results: ["heartbeat", "gone", "untracked"],
  },
  sessionEvent: {
    name: "session_event",
    storedId: 8,
    rank: sourceRanks.none,
    results: ["session_started", "session_ended", "unmatched", "untracked", "malformed"],
  },
  pauseEvent: {
    name: "pause_event",
    storedId: 9,
    rank: sourceRanks.none,
    results: ["paused", "resumed", "unmatched", "untracked"],
  },
  impliedParent: {
    name: "implied_parent",
    storedId: 10,
    rank: sourceRanks.none,
    results: ["implied", "link", "duplicate", "untracked", "superseded", "evicted", "forgotten"],
  },
  requestedTool: {
    name: "requested_tool",
    storedId: 11,
    rank: sourceRanks.none,
    results: ["requested", "answered", "repeated", "unmatched", "superseded", "untracked"],
  },
  sessionClaim: {
    name: "session_claim",
    storedId: 12,
    rank: sourceRanks.none,
    results: [
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
  },
} as const satisfies Readonly<Record<string, DialectRow>>;

type Row = (typeof dialects)[keyof typeof dialects];

/** The values of `openclaw.dialect`. */
export type DialectName = Row["name"];

export type Dialect = Row["storedId"];

/** All rows, each at the index that is its `storedId`. */
export const dialectRows: readonly Row[] = Object.values(dialects).toSorted(
  (a, b) => a.storedId - b.storedId,
);

/** The name of each dialect, at the index that is its `storedId`. */
export const dialectNames: readonly DialectName[] = dialectRows.map(({ name }) => name);

const ranks = Int8Array.from(dialectRows, ({ rank }) => rank);

/** Narrows a number out of a column or a journal; `span` for a number that no dialect has. */
export function toDialect(storedId: number): Dialect {
  return dialectRows[storedId]?.storedId ?? dialects.span.storedId;
}

/** The rank of a dialect out of a column. */
export function sourceRankOf(storedId: number): number {
  return ranks[storedId] ?? sourceRanks.none;
}
