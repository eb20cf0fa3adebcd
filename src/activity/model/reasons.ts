/** How sure a decision is. */
export type Confidence = "confirmed" | "probable" | "presumed";

/** The properties of a reason of eviction. */
interface ReasonRow {
  /** The number in the journal. It never changes and is never used for another reason. */
  readonly storedId: number;
  /** If several reasons are due at the same moment, the lowest number wins. */
  readonly precedence: number;
  /** The confidence of an eviction, unless the policy has better evidence. */
  readonly confidence: Confidence;
  /** The confidence that an evicted tool is over, for the work inside that tool. */
  readonly endConfidence: Confidence;
  /** Whether it evicts runs, or only their tools and model calls. */
  readonly evictsRuns: boolean;
  /** Whether an evicted run counts as ended, as if its sender had reported the end. */
  readonly isEndKnown: boolean;
  /** Which later start of the same work reverses the eviction. */
  readonly reopensOn: "nothing" | "relay_or_later_heartbeat" | "later_heartbeat";
  /** The window of the circuit breaker that counts it. */
  readonly breaker: "ended" | "silent";
  /** When it applies: one line of the documentation. */
  readonly description: string;
  /** For an operator: whether the work may still run, whether that matters, and what to check. */
  readonly whatToDo: string;
}

/**
 * Every reason of eviction, one row each. To add one: a row with a new `storedId`, and the policy that evicts for it; metrics,
 * docs and dashboards follow.
 */
export const reasons = {
  orphaned_no_owner: {
    storedId: 0,
    precedence: 0,
    confidence: "confirmed",
    endConfidence: "confirmed",
    evictsRuns: false,
    isEndKnown: false,
    reopensOn: "nothing",
    breaker: "ended",
    description:
      "All runs that hold the tool or model call have ended, nothing below it is open, and `allowed_lateness` has passed.",
    whatToDo:
      "Nothing waits for the work, so one eviction is safe to ignore. A process that the tool started may still run on the gateway's host. If one tool repeats, it loses completions: report it to its maintainer.",
  },
  session_ended: {
    storedId: 1,
    precedence: 1,
    confidence: "confirmed",
    endConfidence: "confirmed",
    evictsRuns: true,
    isEndKnown: true,
    reopensOn: "nothing",
    breaker: "ended",
    description: "The session was reported to have ended, and `allowed_lateness` has passed.",
    whatToDo:
      "The session is over, so this is safe to ignore. If it repeats, find out why the gateway ends sessions whose tools are open.",
  },
  process_gone: {
    storedId: 2,
    precedence: 2,
    confidence: "confirmed",
    endConfidence: "probable",
    evictsRuns: true,
    isEndKnown: false,
    reopensOn: "relay_or_later_heartbeat",
    breaker: "silent",
    description:
      "The sending process reported its end, or a newer process of its service took its place and it missed its heartbeats.",
    whatToDo:
      "Expected after a restart or an update of the gateway. Otherwise look for a crash in its log. Processes that a tool started may still run.",
  },
  lease_expired: {
    storedId: 3,
    precedence: 3,
    confidence: "probable",
    endConfidence: "probable",
    evictsRuns: true,
    isEndKnown: false,
    reopensOn: "relay_or_later_heartbeat",
    breaker: "silent",
    description: "The work, or its process, missed the heartbeats that it had promised.",
    whatToDo:
      "The work may still run. Check whether the process is alive. If it is dead, look for a crash or for the memory limit. If it is alive, check its event loop and the network to the collector.",
  },
  max_age: {
    storedId: 4,
    precedence: 4,
    confidence: "presumed",
    endConfidence: "presumed",
    evictsRuns: true,
    isEndKnown: false,
    reopensOn: "later_heartbeat",
    breaker: "silent",
    description: "The work sent no signal for `max_age`, and no other reason applied.",
    whatToDo:
      "The work may still run. Look for it on the gateway. If it is over, the sender reports no ends: use the relay or the preload. If such work really takes that long, raise `max_age`.",
  },
} as const satisfies Readonly<Record<string, ReasonRow>>;

/** Why work was evicted; the values of `openclaw.reason`. */
export type EvictionReason = keyof typeof reasons;

/** All reasons in order of precedence. */
export const evictionReasons: readonly EvictionReason[] = Object.keys(reasons)
  .filter((name): name is EvictionReason => Object.hasOwn(reasons, name))
  .toSorted((a, b) => reasons[a].precedence - reasons[b].precedence);

const byStoredId: ReadonlyMap<number, EvictionReason> = new Map(
  evictionReasons.map((name) => [reasons[name].storedId, name] as const),
);

/** The reason that was stored as `storedId`; undefined for a number that no reason has. */
export function reasonOf(storedId: number): EvictionReason | undefined {
  return byStoredId.get(storedId);
}
