import type { BlockedBy, Verdict } from "../../../../src/activity/model/diagnosis.ts";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import type { EvictionReason } from "../../../../src/activity/model/reasons.ts";
import type { Lesson } from "./guesses.ts";
import type { Moment } from "./moments.ts";
import type { Occurrence } from "./occurrence.ts";
import type { Owners } from "./owners.ts";
import { Tally } from "./tally.ts";

export type Kind = "other" | "run" | "tool" | "model_call";

/** How an eviction for silence waits: not, for a lateness, or until any input arrives. */
export type Hold = "none" | "once" | "untilInput" | "untilHost";

/** All that is known of a process. */
export interface Process {
  readonly id: number;
  serviceHost: number;
  /** Rank of the best source it was seen through. */
  rank: number;
  seenAtMs: number;
  /** Between the heartbeats it promised. */
  intervalMs: number | undefined;
  state: "alive" | "replaced" | "deleted" | "gone";
  hold: Hold;
  /** When the reports of others about it, or what is held back, are decided. */
  verdictMs: number;
  /** Its relay reported what began before, by the sender's clock, and stopped; remembered for a while. */
  unwatched:
    | { readonly beforeMs: number; readonly aheadMs: number; readonly untilMs: number }
    | undefined;
  /** Its last heartbeat, and its last report that it ends. */
  stated: Moment | undefined;
  deleted: Moment | undefined;
}

export interface Trace {
  readonly key: string;
  readonly id: number;
  readonly process: number;
}

export interface Span {
  readonly key: string;
  readonly id: number;
  readonly trace: Trace;
  parent: Span | undefined;
  kind: Kind;
  /** `unknown`: a child named it, or a pause. */
  state: "unknown" | "open" | "ended" | "evicted" | "untracked";
  isHarness: boolean;
  isInner: boolean;
  isRelayed: boolean;
  /** Came from OpenClaw's own exporter. */
  isOpenclaw: boolean;
  isReportedAtStart: boolean;
  /** A tool that a harness run may count as two items. */
  isTwoItems: boolean;
  /** A tool that may outlive its run. */
  isDetached: boolean;
  /** A run of which another span is counted. */
  isUncounted: boolean;
  hasFailed: boolean;
  /** Of a model call: something is known of its input. Of a run: it neither succeeded nor failed. */
  isPrompted: boolean;
  isBrokenOff: boolean;
  /** Of a tool or a model call: it arrived finished, where no starts were reported; a tool perhaps without a call id. */
  hasCome: boolean;
  isUnkeyed: boolean;
  /** Of a tool that had been evicted before it came. */
  lateByMs: number | undefined;
  isClosedByRun: boolean;
  /** Arrived finished; whether it was closed from outside is not decided yet. */
  isUndecided: boolean;
  /** It was evicted, and its sender's end is known. */
  isSettled: boolean;
  /** Was reported as open after its process had reported that it ends. */
  isReportedAfterDelete: boolean;
  isForgotten: boolean;
  /** References that it carried. */
  readonly references: Set<string>;
  name: number;
  scope: number;
  alias: number;
  /** The same work as another span. */
  isSameWork: boolean;
  /** Its kind is a guess. */
  isGuess: boolean;
  /** The name of the span when it started and did not say what it is. */
  firstShape: number | undefined;
  /** It arrived finished, and when it ended is known. */
  isOver: boolean;
  /** The sender's clock. */
  startMs: number;
  endMs: number;
  /** In the order of events. */
  start: Moment;
  end: Moment | undefined;
  /** When it, or what is below it, last made progress. */
  progressMs: number;
  /** Its silence was reported, while others made progress. */
  isDiagnosed: boolean;
  seenAtMs: number;
  undecidedSinceMs: number;
  retainedAtMs: number;
  evictedAtMs: number;
  reason: EvictionReason | undefined;
  leaseMs: number;
  /** When the last snapshot of it was taken, by the sender's clock. */
  snapshotMs: number;
  hold: Hold;
  heldUntilMs: number;
  /** Of a run that has ended, how sure that is, unless it was reported. */
  endSureness: "probable" | "presumed" | undefined;
  /** Of a run: the harness run of another trace that is one owner with it. */
  pairedWith: Span | undefined;
  /** Of a run: the model call that ended last in it, while it was known. */
  lastCall: { readonly atMs: number; readonly hasFailed: boolean } | undefined;
  /** Of a run: items that its end reports as left open, and as completed. */
  claimed: number;
  completed: number;
  /** Of a run: as how many items each of its tools that ended may be counted; items known to have been open; what is only counted. */
  finishedItems: number[];
  matched: number;
  unnamed: number;
  /** Its count of open items was checked while its run was not known. */
  wasChecked: boolean;
}

/** A call that a model requested. */
export interface Call {
  readonly key: string;
  readonly name: number;
  state: "open" | "ran" | "answered";
}

/** The calls that a finished model call requested. */
export interface Response {
  readonly modelCall: Span;
  readonly atMs: number;
  readonly calls: Call[];
  /** When its tools ended well. */
  readonly ranMs: number[];
  hasKeyedTools: boolean;
}

/** A tool that arrived before its request. */
export interface EarlyTool {
  readonly name: number;
  /** When it ended, if it did so well. */
  readonly ranMs: readonly number[];
  readonly atMs: number;
}

/** A requested tool that was evicted. */
export interface EvictedCall {
  readonly atMs: number;
  /** Key of the run that requested it. */
  readonly run: string;
}

export interface Window {
  readonly lengthMs: number;
  untilMs: number;
  isMass: boolean;
}

/** The end of a session that is acted on at `dueMs`. */
export interface SessionNote {
  readonly references: readonly string[];
  readonly moment: Moment;
  readonly dueMs: number;
}

/** The idleness of a session: runs that were open then may have ended. */
export interface IdleNote {
  readonly runs: readonly Span[];
  readonly moment: Moment;
  readonly dueMs: number;
}

/** A wait for a person: of the span, else of the runs of the session that were open when it began. */
export interface Wait {
  readonly span: Span | undefined;
  readonly references: readonly string[];
  readonly moment: Moment;
}

/** A gateway's complaint about a session. */
export interface Complaint {
  readonly references: readonly string[];
  readonly claim: number;
  readonly kind: Kind;
  readonly name: number;
  /** Key of the span that it names. */
  readonly named: string;
  span: Span | undefined;
  readonly sinceMs: number;
  queueDepth: number;
  verdict: Verdict | undefined;
}

/** A session with open runs, as it was last reported. */
export interface SessionRecord {
  key: string;
  runs: ReadonlySet<Span>;
  sinceMs: number;
  stalled: Stall | undefined;
}

export interface Stall {
  readonly state: "stalled" | "blocked_tool_call";
  readonly blockedBy: BlockedBy;
  /** What is silent: the runs that were open, and the marker that blocks them. */
  readonly runs: readonly Span[];
  readonly culprit: Span | undefined;
}

/** The state of the reference engine, as plain as can be: there are no indexes, every search looks at everything. */
export class World {
  readonly limits: ActivityLimits;
  /** The moment that is being decided. */
  nowMs = 0;
  readonly processes = new Map<number, Process>();
  readonly latestAt = new Map<number, Process>();
  /** When a signal last arrived from a host, and the hosts of which evictions are held back. In histories every service host is a host of its own. */
  readonly hostSeenAtMs = new Map<number, number>();
  readonly heldHosts = new Set<number>();
  readonly traces = new Map<string, Trace>();
  readonly spans = new Map<string, Span>();
  /** Closed spans in the order in which they are forgotten; runs and what was evicted are remembered for longer. */
  readonly tombstones: Span[] = [];
  readonly longTombstones: Span[] = [];
  readonly undecided: Span[] = [];
  sessionEnds: SessionNote[] = [];
  idles: IdleNote[] = [];
  /** Waits for a person by key, the oldest first, and those that ended before they began. */
  readonly waits = new Map<string, Wait>();
  readonly overAt = new Map<string, Moment>();
  readonly allOverAt = new Map<string, Moment>();
  complaints: Complaint[] = [];
  /** Traces, as "trace key", and session references of which a run was ever known. */
  readonly hadRun = new Map<string, number>();
  /** Messages that wait, by session reference. */
  readonly queues = new Map<string, number>();
  records: SessionRecord[] = [];
  readonly responses = new Map<Span, Response>();
  /** Tools that arrived before their request, and calls that were answered before it. */
  readonly earlyTools = new Map<string, EarlyTool>();
  readonly answered = new Map<string, { readonly atMs: number }>();
  readonly evictedCalls = new Map<string, EvictedCall>();
  /** When a trace, or a session, was last reported to wait or to wait no longer. */
  readonly waitedAtMs = new Map<string, number>();
  /** Tools that are reported when they are requested, as "process name". */
  readonly reporting = new Set<string>();
  /** Tools that may outlive their run, in the same way. */
  readonly background = new Set<string>();
  /** What finished spans were, as "process shape". */
  readonly lessons = new Map<string, Lesson>();
  readonly unpairedRuns = new Set<Span>();
  readonly unpairedHarnessRuns = new Set<Span>();
  readonly silent: Window = {
    lengthMs: 10_000,
    untilMs: Number.NEGATIVE_INFINITY,
    isMass: false,
  };
  /** When the first signal arrived from a process. */
  readonly firstSeenAt = new Map<number, number>();
  lastInputAtMs = Number.NEGATIVE_INFINITY;
  isHoldReported = false;
  /** How often the known spans have changed, and the owners as of a change. */
  changes = 0;
  owners: { readonly changes: number; readonly all: Owners } | undefined;
  readonly tally = new Tally();
  readonly occurrences: Occurrence[] = [];

  /** Where the next order comes from; 0: the oldest comes first. */
  #chance: number;

  /** `order`: with 0 what may be decided in any order is decided the oldest first, else in an order of that number. */
  constructor(limits: ActivityLimits, order: number) {
    this.limits = limits;
    this.#chance = order;
  }

  /** What may be decided in any order. */
  inAnyOrder<T>(items: Iterable<T>): T[] {
    const left = [...items];
    if (this.#chance === 0) {
      return left;
    }
    const ordered: T[] = [];
    while (left.length > 0) {
      // The finalizer of MurmurHash3, of a number that is another one each time: seeds that are neighbours give other orders.
      this.#chance = (this.#chance + 0x9e37_79b1) | 0 || 1;
      let bits = Math.imul(this.#chance ^ (this.#chance >>> 16), 0x85eb_ca6b);
      bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
      const at = ((bits ^ (bits >>> 16)) >>> 0) % left.length;
      ordered.push(...left.splice(at, 1));
    }
    return ordered;
  }

  get latenessMs(): number {
    return this.limits.allowedLatenessMs;
  }

  /** A lateness from now. */
  get latestMs(): number {
    return this.nowMs + this.limits.allowedLatenessMs;
  }
}
