/** The shortest and the longest time between two collections. */
export interface CollectionIntervals {
  readonly minMs: number;
  readonly maxMs: number;
}

/** A collection that frees less than this share of the memory is not worth its time. */
const worthwhileShare = 0.05;
/** Where the shortest interval is 0, doubling begins here. */
const firstIntervalMs = 1_000;

/**
 * Decides when garbage is collected. A collection blocks the process and may free nothing, because the memory is in use. So while
 * collections free little, the time between them doubles.
 */
export class CollectionSchedule {
  #lastMs = Number.NEGATIVE_INFINITY;
  #intervalMs = 0;

  /** Whether a collection is due. */
  isDue(nowMs: number, { minMs, maxMs }: CollectionIntervals): boolean {
    return nowMs - this.#lastMs >= Math.min(Math.max(minMs, this.#intervalMs), maxMs);
  }

  /** A collection has just freed `freedShare` of the memory that was in use. */
  onCollected(nowMs: number, freedShare: number, { minMs, maxMs }: CollectionIntervals): void {
    this.#lastMs = nowMs;
    this.#intervalMs =
      freedShare >= worthwhileShare
        ? 0
        : Math.min(2 * Math.max(minMs, this.#intervalMs, firstIntervalMs / 2), maxMs);
  }
}
