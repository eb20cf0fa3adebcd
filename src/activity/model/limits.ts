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
  /** Open work without any signal for this long makes a session stalled. */
  readonly stalledAfterMs: number;
  /** A session that has had open work for this long is long-running. */
  readonly longRunningAfterMs: number;
  /** A wait for a person that lasts longer is taken to be over. */
  readonly maxPauseMs: number;
  /** How many deadlines and evicted markers one call takes on; more wait for the next. */
  readonly stepsPerCall: number;
  /** Events carry each evicted marker. */
  readonly tellsMarkers: boolean;
}
