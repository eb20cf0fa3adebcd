/** Something that happened in a process: when it arrived, and when it was by the sender's clock and order. */
export interface Moment {
  /** By our clock. */
  readonly atMs: number;
  /** By the sender's clock in Unix ms; 0 when it is not set. */
  readonly timeMs: number;
  /** The sender's order of events; 0 when it has none. */
  readonly seq: number;
}

/**
 * Orders what happened in one process: negative when `a` was first, 0 when nothing says. The sender's own order
 * counts first. Then arrival, where that differs by more than the lateness: nothing is delivered later than that. Then the
 * sender's clock, where it can be believed: both times are set, and nobody set the clock in between.
 */
export function compareMoments(a: Moment, b: Moment, allowedLatenessMs: number): number {
  if (a.seq > 0 && b.seq > 0) {
    return a.seq - b.seq;
  }
  const byArrival = a.atMs - b.atMs;
  if (Math.abs(byArrival) > allowedLatenessMs || a.timeMs <= 0 || b.timeMs <= 0) {
    return byArrival;
  }
  const offsetsDifferBy = Math.abs(a.atMs - a.timeMs - (b.atMs - b.timeMs));
  return offsetsDifferBy <= allowedLatenessMs ? a.timeMs - b.timeMs : byArrival;
}
