/** How long the machine waits and how much it remembers. Durations in milliseconds. */
export interface ActivityLimits {
  /** How long after the last owner ended a marker may still report its end. */
  readonly allowedLatenessMs: number;
  /** Open work without any signal for this long is given up. */
  readonly maxAgeMs: number;
  /** How long ended and evicted markers are remembered. */
  readonly tombstoneTtlMs: number;
  /** Sessions (or owner trees) with open work; more are untracked. */
  readonly maxSessions: number;
  /** Open runs, tools and model calls; more are untracked. */
  readonly maxOpenWork: number;
  /** Ended and evicted spans and links that are remembered; the oldest go first. */
  readonly maxTombstones: number;
}
