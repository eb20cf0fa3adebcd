/** How sure a decision is. */
export type Confidence = "confirmed" | "probable" | "presumed";

/** What is fixed for a reason of eviction. */
interface ReasonRow {
  /** What a journal stores. Never changes, and is never given to another reason. */
  readonly storedId: number;
  /** Of several reasons that fall due at one moment the one with the lowest number counts. */
  readonly precedence: number;
  /** How sure an eviction is, unless the policy knows better. */
  readonly confidence: Confidence;
  /** How sure it is that a tool is over that was evicted for it, for what is open inside the tool. */
  readonly endConfidence: Confidence;
  /** Whether it evicts runs, and not only their tools and model calls. */
  readonly evictsRuns: boolean;
  /** Whether the end of a run that was evicted for it is known, as if its sender had reported it. */
  readonly isEndKnown: boolean;
  /** Which later start of the same work takes the eviction back. */
  readonly reopensOn: "nothing" | "relay_or_later_heartbeat" | "later_heartbeat";
  /** Which window of the circuit breaker counts it. */
  readonly breaker: "ended" | "silent";
  /** One line for the documentation: when it applies. */
  readonly description: string;
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
