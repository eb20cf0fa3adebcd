/** A start, an end, or anything else that has a place in the order of events. */
export interface Thing {
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
export function isBefore(a: Thing, b: Thing, latenessMs: number): boolean {
  const difference = differenceOf(a, b, latenessMs);
  return difference < 0 || (difference === 0 && a.isEnd && !b.isEnd);
}

function differenceOf(a: Thing, b: Thing, latenessMs: number): number {
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

/** The first of some things. */
export function firstOf(things: readonly Thing[], latenessMs: number): Thing {
  return things.reduce((first, thing) => (isBefore(thing, first, latenessMs) ? thing : first));
}

/** The last of some things. */
export function lastOf(things: readonly Thing[], latenessMs: number): Thing {
  const arrived = things.toSorted((a, b) => a.atMs - b.atMs);
  return arrived.reduce((last, thing) => (isBefore(thing, last, latenessMs) ? last : thing));
}
