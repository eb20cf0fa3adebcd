/** How good a dialect is as the source of a process's work: the best one that the process sends counts. */
export const sourceRanks = { none: -1, finishedSpans: 0, starts: 1, relay: 2 } as const;

/** What can become of a signal; the values of `openclaw.result`. */
export const signalResults = [
  "started",
  "guessed",
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
  "foreign",
  "overlong",
  "malformed",
] as const;

export type SignalResult = (typeof signalResults)[number];

/** For the documentation: what each result means. */
export const resultMeanings: Readonly<Record<SignalResult, string>> = {
  started: "work started",
  guessed:
    "work started of which only its name, or finished spans of the same name, say what it is. Also counted in `started`",
  heartbeat: "a repeated start of open work, or an `entity.state`: renews the lease",
  revived: "evicted work goes on and is tracked again, or a tool starts whose request was evicted",
  ended: "open work ended",
  finished: "work arrived finished: its start and its end at once",
  reconciled: "the end of evicted work arrived",
  duplicate: "the end of work that has ended, or is no longer tracked, arrived again",
  stale: "a start of work that has ended, was evicted or is no longer tracked. It changes nothing",
  late_start: "a start that is late. Also counted in `late_starts`",
  untracked:
    "the work is not tracked: a limit was reached, it has neither a parent nor a session, or its sender cannot be identified",
  superseded: "a better source of the same process reports this work, or has reported it",
  gone: "the process reported its end",
  unwatched: "a relay or preload no longer watches its process",
  link: "the span is no work: it only links other spans, or another span reports the same work",
  session_started: "a session began",
  session_ended: "a session ended",
  paused: "work began to wait for a person",
  resumed: "the wait is over",
  implied: "a parent was named that has not arrived from this process",
  forgotten: "such a parent has not been named for `tombstone_ttl`, and was forgotten",
  requested: "a model requested a tool",
  answered: "the requested tool, or its result, arrived",
  claimed: "the gateway made a claim",
  repeated: "the claim or the pause is open, or the request is known, already",
  recovered: "the gateway recovered a session",
  idle: "the gateway reported a session idle",
  queued: "the gateway reported how many messages wait",
  evicted: "the gateway evicted markers itself; of `implied_parent`: such a tool was an orphan",
  unmatched: "no session, work or request is known that it could refer to",
  foreign:
    "it names another process than its sender. A report of spans then counts for its sender; an event about a process has no effect",
  overlong: "it promises a longer lease than `max_lease`, and so none",
  malformed: "it cannot be read",
};

const ofStart = [
  "started",
  "heartbeat",
  "revived",
  "stale",
  "late_start",
  "untracked",
  "link",
] as const;
/** Of a start of which nothing but its name may say what it is. */
const ofAnyStart = [...ofStart, "guessed"] as const;
const ofEnd = ["ended", "finished", "reconciled", "duplicate", "untracked", "link"] as const;
const ofBoth = [...new Set([...ofStart, ...ofEnd])];

/** What is fixed for a dialect. */
interface DialectRow {
  /** Its name in metrics and docs. */
  readonly name: string;
  /**
   * Its names in comments and tests. S0 to S9: formats in which senders report work, processes, sessions, pauses and claims. I1 to I4:
   * conclusions from other data, which are an implied parent, a requested tool, the open items of a harness run, and a finished
   * marker that outlived its owner. Finished spans have no code of their own.
   */
  readonly codes: readonly string[];
  /**
   * The value in `SignalBatch.dialect`, and what a journal stores in four bits. Never changes, and is never given to another
   * dialect. The numbers have no gaps.
   */
  readonly storedId: number;
  readonly rank: (typeof sourceRanks)[keyof typeof sourceRanks];
  /** What can become of its signals. */
  readonly results: readonly SignalResult[];
  /** For the documentation: how its signals look on the wire. */
  readonly onTheWire: string;
  /** For the documentation: whether the span or record is forwarded; empty if it has none of its own. */
  readonly handling: string;
}

/**
 * Every source format that signals are read from, one row each, in the order of the documentation. To add one: a row with the
 * next `storedId`, a file in `recognition/dialects` and its line in `log-dialect-table.ts` or `span-dialect-table.ts`; metrics,
 * docs and dashboards follow with `npm run generate`.
 */
export const dialects = {
  relay: {
    name: "relay",
    codes: ["S0"],
    storedId: 6,
    rank: sourceRanks.relay,
    results: [...ofBoth, "superseded", "unwatched"],
    onTheWire:
      "spans of the scope `openclaw-activity-relay`, from the plugin for OpenClaw. A start has no end time; the end repeats the span. A start repeated with `openclaw.progress` is progress",
    handling: "consumed, never forwarded",
  },
  liveSpan: {
    name: "live_span",
    codes: ["S1"],
    storedId: 1,
    rank: sourceRanks.starts,
    results: [...new Set([...ofAnyStart, ...ofEnd, "superseded", "unwatched"] as const)],
    onTheWire:
      "a span whose `end_time_unix_nano` is 0 or absent. A repeat is a heartbeat of work that is tracked; it takes no evicted work back. Its end is the finished span, or a copy of it with `openclaw.activity.signal` of `end`",
    handling: "consumed, never forwarded",
  },
  datadogPartial: {
    name: "datadog_partial",
    codes: ["S2"],
    storedId: 2,
    rank: sourceRanks.starts,
    results: [...ofAnyStart, "superseded"],
    onTheWire:
      "a span with `_dd.partial_version` of 0 or more: a snapshot. Its lease is three times the longest gap between the arrivals of two snapshots, 15 minutes at most; one that is delivered twice is one",
    handling: "consumed",
  },
  logfirePending: {
    name: "logfire_pending",
    codes: ["S3"],
    storedId: 3,
    rank: sourceRanks.starts,
    results: [...ofAnyStart, "superseded", "malformed"],
    onTheWire:
      "a span with `logfire.span_type` of `pending_span`: its **parent** has started, below `logfire.pending_parent_id`",
    handling: "consumed, unless `forward_pending_spans`",
  },
  partialLog: {
    name: "partial_log",
    codes: ["S4"],
    storedId: 4,
    rank: sourceRanks.starts,
    results: [...ofBoth, "guessed", "superseded", "foreign", "overlong", "malformed"],
    onTheWire:
      "a log record with `partial.event` of `heartbeat` or `stop`. Body: OTLP of one span, as protobuf or JSON (`partial.body.type`). `partial.frequency` sets the lease",
    handling: "consumed; forwarded if it cannot be read",
  },
  spanStateLog: {
    name: "span_state_log",
    codes: ["S5"],
    storedId: 5,
    rank: sourceRanks.starts,
    results: [...ofBoth, "guessed", "superseded", "foreign", "malformed"],
    onTheWire:
      "a log record with `span.state` of `heartbeat` or `ended`. Body as above. `span_state_interval` sets the lease",
    handling: "consumed; forwarded if it cannot be read",
  },
  entityEvent: {
    name: "entity_event",
    codes: ["S6"],
    storedId: 7,
    rank: sourceRanks.none,
    results: ["heartbeat", "gone", "foreign", "overlong", "untracked"],
    onTheWire:
      "a log record `entity.state` (a heartbeat, with `entity.report.interval`) or `entity.delete` of the sending process",
    handling: "forwarded",
  },
  sessionEvent: {
    name: "session_event",
    codes: ["S7"],
    storedId: 8,
    rank: sourceRanks.none,
    results: ["session_started", "session_ended", "unmatched", "untracked", "malformed"],
    onTheWire:
      "a log record `session.start` or `session.end` with `session.id`. A start with `session.previous_id` ends the previous session",
    handling: "forwarded",
  },
  sessionClaim: {
    name: "session_claim",
    codes: ["S9"],
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
    onTheWire:
      "log records of the scope `openclaw-activity-relay` under the gateway's own names: `session.stalled`, `session.stuck`, `session.long_running`, `session.recovery.requested`, `session.recovery.completed`, `session.state`, `message.queued`, `session.activity.evicted`. The same names from another scope are ignored",
    handling: "consumed, unless `forward_claims`",
  },
  pauseEvent: {
    name: "pause_event",
    codes: ["S8"],
    storedId: 9,
    rank: sourceRanks.none,
    results: ["paused", "repeated", "resumed", "unmatched", "untracked"],
    onTheWire:
      "a log record `gen_ai.agent.paused`, `gen_ai.agent.resumed`, `gen_ai.agent.pause.resolved`; an open span `claude_code.tool.blocked_on_user`",
    handling: "forwarded; the open span is consumed",
  },
  span: {
    name: "span",
    codes: ["I3", "I4"],
    storedId: 0,
    rank: sourceRanks.finishedSpans,
    results: [...ofEnd, "superseded"],
    onTheWire:
      "any span with an end time: an end, or a start and an end at once. From stock OpenClaw also: how many items a harness run left open (I3), and tools that ended long after their run (I4)",
    handling: "forwarded byte for byte",
  },
  requestedTool: {
    name: "requested_tool",
    codes: ["I2"],
    storedId: 11,
    rank: sourceRanks.none,
    results: ["requested", "answered", "repeated", "unmatched", "superseded", "untracked"],
    onTheWire:
      "the content of a finished model call, if it is captured: the tool calls that the model requested, and the tool results that it received",
    handling: "",
  },
  impliedParent: {
    name: "implied_parent",
    codes: ["I1"],
    storedId: 10,
    rank: sourceRanks.none,
    results: ["implied", "link", "duplicate", "untracked", "superseded", "evicted", "forgotten"],
    onTheWire:
      "a span names a parent that has not arrived. That parent is open; its kind is unknown until it arrives. A span that always is inside a tool (`claude_code.tool.blocked_on_user`) proves that its parent is a tool",
    handling: "",
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

/** Narrows a number out of a column or a journal; `span` for a number that no dialect has. */
export function toDialect(storedId: number): Dialect {
  return dialectRows[storedId]?.storedId ?? dialects.span.storedId;
}
