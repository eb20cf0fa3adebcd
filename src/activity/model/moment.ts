/** When something happened in a process: by its arrival, and by the sender's clock and order. */
export interface Moment {
  /** Arrival, on the engine's clock. */
  readonly atMs: number;
  /** By the sender's clock, in Unix ms; 0 if that is not set. */
  readonly timeMs: number;
  /** The sender's order of events, from 1; 0 if it has none. */
  readonly seq: number;
}

/**
 * Orders two moments of one process: negative if `a` was first, 0 if the order is unknown. The first rule that applies decides:
 *
 * 1. Both have the sender's order: that order.
 * 2. They arrived more than `allowedLatenessMs` apart: the order of arrival, because no delivery takes longer.
 * 3. Both have a time of the sender, and its clock was not set between them: that time.
 * 4. The order of arrival.
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
