/** The moment of a start, an end, or another signal, in the order of events. */
export interface Moment {
  /** The sender's order; 0 when it has none. */
  readonly seq: number;
  /** When it arrived, by our clock. */
  readonly atMs: number;
  /** The sender's clock; 0 when it is not set. */
  readonly timeMs: number;
  readonly process: number;
  readonly isEnd: boolean;
}

/** Whether `a` came before `b`. Equal: an end comes before what is no end. */
export function isBefore(a: Moment, b: Moment, latenessMs: number): boolean {
  const difference = differenceOf(a, b, latenessMs);
  return difference < 0 || (difference === 0 && a.isEnd && !b.isEnd);
}

function differenceOf(a: Moment, b: Moment, latenessMs: number): number {
  const byArrival = a.atMs - b.atMs;
  if (a.process !== b.process) {
    return byArrival;
  }
  if (a.seq > 0 && b.seq > 0) {
    return a.seq - b.seq;
  }
  if (Math.abs(byArrival) > latenessMs || a.timeMs <= 0 || b.timeMs <= 0) {
    return byArrival;
  }
  const offsets = a.atMs - a.timeMs - (b.atMs - b.timeMs);
  return Math.abs(offsets) <= latenessMs ? a.timeMs - b.timeMs : byArrival;
}

/** The first of some moments. */
export function firstOf(moments: readonly Moment[], latenessMs: number): Moment {
  return moments.reduce((first, moment) => (isBefore(moment, first, latenessMs) ? moment : first));
}

/** The last of some moments. */
export function lastOf(moments: readonly Moment[], latenessMs: number): Moment {
  const arrived = moments.toSorted((a, b) => a.atMs - b.atMs);
  return arrived.reduce((last, moment) => (isBefore(moment, last, latenessMs) ? last : moment));
}
