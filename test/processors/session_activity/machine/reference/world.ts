import type {
  BlockedBy,
  EvictionReason,
  Verdict,
} from "../../../../../src/processors/session_activity/kinds.ts";
import type { ActivityLimits } from "../../../../../src/processors/session_activity/machine/activity-limits.ts";
import type { Occurrence } from "./occurrence.ts";
import type { Owners } from "./owners.ts";
import { Tally } from "./tally.ts";
import type { Thing } from "./things.ts";

export type Kind = "other" | "run" | "tool" | "model_call";

/** How an eviction for silence waits: not, for a lateness, or until any input arrives. */
export type Hold = "none" | "once" | "untilInput";

/** All that is known of a process. */
export interface Process {
  readonly id: number;
  readonly place: number;
  /** Rank of the best source it was seen through. */
  rank: number;
  heardAtMs: number;
  /** Between the heartbeats it promised. */
  intervalMs: number | undefined;
  state: "alive" | "replaced" | "deleted" | "gone";
  hold: Hold;
  /** When what others say of it, or what is held back, is decided. */
  verdictMs: number;
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
  state: "unknown" | "open" | "ended" | "evicted";
  isHarness: boolean;
  isInner: boolean;
  isRelayed: boolean;
  /** Came from OpenClaw's own exporter. */
  isOpenclaw: boolean;
  hasFailed: boolean;
  isClosedByRun: boolean;
  /** Came finished; whether somebody else closed it is not decided yet. */
  isUndecided: boolean;
  /** It was evicted, and its sender's end is known. */
  isSettled: boolean;
  isForgotten: boolean;
  /** References that it carried. */
  readonly references: Set<string>;
  name: number;
  /** The sender's clock. */
  startMs: number;
  endMs: number;
  /** In the order of events. */
  start: Thing;
  end: Thing | undefined;
  /** When it, or what is below it, last made progress. */
  progressMs: number;
  /** Its silence was reported, while others made progress. */
  isDiagnosed: boolean;
  heardAtMs: number;
  undecidedSinceMs: number;
  buriedAtMs: number;
  evictedAtMs: number;
  reason: EvictionReason | undefined;
  leaseMs: number;
  hold: Hold;
  heldUntilMs: number;
  /** Of a run: the harness run of another trace that is one owner with it. */
  pairedWith: Span | undefined;
  /** Of a run: the model call that ended last in it, while it was known. */
  lastCall: { readonly atMs: number; readonly hasFailed: boolean } | undefined;
  /** Of a run: items that its end says were left open, and completed. */
  claimed: number;
  completed: number;
  /** Of a run: its tools that ended, what was left open and is known by name, what is only counted. */
  finishedTools: number;
  explained: number;
  anonymous: number;
}

export interface Request {
  readonly key: string;
  readonly process: number;
  readonly trace: Trace;
  readonly span: number;
  readonly name: number;
}

export interface Window {
  readonly lengthMs: number;
  untilMs: number;
  isMass: boolean;
}

/** The end of a session that is acted on at `dueMs`. */
export interface SessionNote {
  readonly references: readonly string[];
  readonly thing: Thing;
  readonly dueMs: number;
}

/** The idleness of a session: runs that were open then may have ended. */
export interface IdleNote {
  readonly runs: readonly Span[];
  readonly thing: Thing;
  readonly dueMs: number;
}

/** A wait for a person: of the span, else of the runs of the session that were open when it began. */
export interface Wait {
  readonly span: Span | undefined;
  readonly references: readonly string[];
  readonly thing: Thing;
}

/** What a gateway says of a session. */
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

/** Everything the reference machine knows, as plain as can be: to find something it looks at all. */
export class World {
  readonly limits: ActivityLimits;
  /** The moment that is being decided. */
  nowMs = 0;
  readonly processes = new Map<number, Process>();
  readonly latestAt = new Map<number, Process>();
  readonly sharedPlaces = new Set<number>();
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
  readonly overAt = new Map<string, Thing>();
  readonly allOverAt = new Map<string, Thing>();
  complaints: Complaint[] = [];
  /** Traces, as "trace key", and session references of which a run was ever known. */
  readonly hadRun = new Map<string, number>();
  /** Messages that wait, by session reference. */
  readonly queues = new Map<string, number>();
  records: SessionRecord[] = [];
  readonly requests = new Map<string, Request>();
  readonly met = new Map<string, number>();
  /** Model calls of which a tool was seen that they had asked for, as "trace/span". */
  readonly ran = new Set<string>();
  /** Tools that report the calls they are asked for, as "process name". */
  readonly reporting = new Set<string>();
  readonly unpairedRuns = new Set<Span>();
  readonly unpairedHarnessRuns = new Set<Span>();
  readonly silent: Window = {
    lengthMs: 10_000,
    untilMs: Number.NEGATIVE_INFINITY,
    isMass: false,
  };
  heardAtMs = Number.NEGATIVE_INFINITY;
  isHoldTold = false;
  /** How often what is known of spans has changed, and who owned what then. */
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
