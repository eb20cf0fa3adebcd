import type { EvictionReason } from "../../../../../src/processors/session_activity/kinds.ts";
import type { ActivityLimits } from "../../../../../src/processors/session_activity/machine/activity-limits.ts";
import type { Occurrence } from "./occurrence.ts";
import { Tally } from "./tally.ts";

export type Kind = "other" | "run" | "tool" | "model_call";

/** How an eviction for silence waits: not, for a lateness, or until anything at all is heard. */
export type Hold = "none" | "once" | "untilInput";

/** All that is known of a process. */
export interface Process {
  readonly id: number;
  readonly place: number;
  /** Rank of the best source it was heard from. */
  rank: number;
  heardAtMs: number;
  /** Between the heartbeats it promised. */
  intervalMs: number | undefined;
  state: "alive" | "replaced" | "deleted" | "gone";
  hold: Hold;
  /** When what is said of it by others, or held back, is decided. */
  verdictMs: number;
}

export interface Trace {
  readonly key: string;
  readonly id: number;
  readonly process: number;
  hadOwner: boolean;
  ownerEndMs: number;
}

export interface Span {
  readonly key: string;
  readonly id: number;
  readonly trace: Trace;
  parent: Span | undefined;
  group: Group | undefined;
  kind: Kind;
  /** `unknown`: a child named it, or a pause. */
  state: "unknown" | "open" | "ended" | "evicted";
  isHarness: boolean;
  isInner: boolean;
  isRelayed: boolean;
  hasReference: boolean;
  hasFailed: boolean;
  isClosedByRun: boolean;
  /** Came finished; whether it outlived its owner is not decided yet. */
  isUndecided: boolean;
  /** It was evicted, and its sender's end is known. */
  isSettled: boolean;
  isForgotten: boolean;
  name: number;
  seq: number;
  /** The sender's clock. */
  startMs: number;
  endMs: number;
  /** Ours. */
  openedAtMs: number;
  heardAtMs: number;
  undecidedSinceMs: number;
  buriedAtMs: number;
  evictedAtMs: number;
  reason: EvictionReason | undefined;
  leaseMs: number;
  hold: Hold;
  heldUntilMs: number;
  /** It was too old while its session waited for a person, so its age is asked for after that. */
  isParked: boolean;
  /** An inner run that came before its parent: what that is, it may be one owner with. */
  awaitsParent: boolean;
}

/** What is judged together: a session, an owner tree, or what waits for its way to an owner. */
export interface Group {
  readonly order: number;
  readonly process: number;
  readonly members: Set<Span>;
  readonly references: Set<string>;
  /** The trace that it waits for, while it has neither an owner nor a reference. */
  looseIn: Trace | undefined;
  /** Loose for want of any owner above, as opposed to an ancestor that has not arrived. */
  isFallback: boolean;
  hadOwner: boolean;
  /** Its eviction was held back once. */
  isHeld: boolean;
  /** When it is judged. */
  dueMs: number | undefined;
  /** When its last owner ended, by our clock. */
  closedAtMs: number;
  ownerEndMs: number;
  ownerEndSeq: number;
  cutoffMs: number;
  cutoffSeq: number;
  /** When it was told to be over, by our clock and the sender's. */
  endedAtMs: number | undefined;
  sessionEndMs: number;
  sessionEndSeq: number;
  /** Of harness runs: items left open, items completed. */
  claimed: number;
  completed: number;
  finishedTools: number;
  explained: number;
  anonymous: number;
  activeSinceMs: number;
  heardAtMs: number;
  isToldStalled: boolean;
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
  readonly groups = new Set<Group>();
  readonly references = new Map<string, Group>();
  groupsMade = 0;
  /** Closed spans in the order in which they are forgotten; owners and what was evicted are remembered for longer. */
  readonly tombstones: Span[] = [];
  readonly longTombstones: Span[] = [];
  readonly undecided: Span[] = [];
  /** Waits for a person, the oldest first, and those that ended before they began. */
  readonly waits = new Map<string, { group: Group; readonly sinceMs: number }>();
  readonly overBefore = new Set<string>();
  readonly requests = new Map<string, Request>();
  readonly met = new Map<string, number>();
  /** Tools that report the calls they are asked for, as "process name". */
  readonly reporting = new Set<string>();
  readonly unpairedRuns = new Set<Span>();
  readonly unpairedHarnessRuns = new Set<Span>();
  /** Work that has less open work below than before. */
  readonly eased = new Set<Span>();
  readonly confirmed: Window;
  readonly silent: Window;
  heardAtMs = Number.NEGATIVE_INFINITY;
  isHoldTold = false;
  readonly tally = new Tally();
  readonly occurrences: Occurrence[] = [];

  /** Where the next order comes from; 0: the oldest comes first. */
  #chance: number;

  /** `order`: with 0 what may be decided in any order is decided the oldest first, else in an order of that number. */
  constructor(limits: ActivityLimits, order: number) {
    this.limits = limits;
    this.#chance = order;
    const closed = { untilMs: Number.NEGATIVE_INFINITY, isMass: false };
    this.confirmed = { lengthMs: Math.min(1000, limits.allowedLatenessMs), ...closed };
    this.silent = { lengthMs: 10_000, ...closed };
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

  /** A lateness from now. */
  get latestMs(): number {
    return this.nowMs + this.limits.allowedLatenessMs;
  }
}
