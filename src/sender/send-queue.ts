/** The order in which a full queue drops items. A repeated item is sent again anyway, so it does not count as lost. */
const worths = ["repeated", "minor", "lasting"] as const;
export type Worth = (typeof worths)[number];

export interface SendQueueOptions<T> {
  /** How many items may wait. */
  readonly limit: number;
  /** Default `lasting`. */
  readonly worthOf?: (item: T) => Worth;
  /** Only items of one kind go into one batch. */
  readonly kindOf?: (item: T) => unknown;
}

/**
 * Items that wait to be sent: each once, oldest first, never more than `limit`. A full queue drops the oldest items of the
 * lowest worth, and counts them unless they are `repeated`.
 */
export class SendQueue<T> {
  readonly #options: SendQueueOptions<T>;
  readonly #items = new Set<T>();
  #lost = 0;

  constructor(options: SendQueueOptions<T>) {
    this.#options = options;
  }

  get length(): number {
    return this.#items.size;
  }

  /** How many items were dropped, without repeated ones. */
  get lost(): number {
    return this.#lost;
  }

  has(item: T): boolean {
    return this.#items.has(item);
  }

  push(item: T): void {
    if (this.#items.size >= this.#options.limit && !this.#items.has(item)) {
      this.#makeRoom();
    }
    this.#items.add(item);
  }

  /** The longest batch at the head of the queue, at most `max` items. They stay in the queue until `remove`. */
  head(max: number): readonly T[] {
    const { kindOf } = this.#options;
    const batch: T[] = [];
    for (const item of this.#items) {
      const [first = item] = batch;
      if (batch.length === max || kindOf?.(item) !== kindOf?.(first)) {
        break;
      }
      batch.push(item);
    }
    return batch;
  }

  /** Removes items that were sent. Some may be gone: the queue also drops items that are being sent. */
  remove(items: readonly T[]): void {
    for (const item of items) {
      this.#items.delete(item);
    }
  }

  /** Removes an item that will not be sent. */
  drop(item: T): void {
    this.#lost += this.#items.delete(item) && this.#worthOf(item) !== "repeated" ? 1 : 0;
  }

  /** Makes room for a tenth of the limit, so that a full queue is not searched for every item. */
  #makeRoom(): void {
    let excess = Math.max(1, Math.floor(this.#options.limit / 10));
    for (const worth of worths) {
      for (const item of this.#items) {
        if (excess > 0 && this.#worthOf(item) === worth) {
          this.drop(item);
          excess -= 1;
        }
      }
    }
  }

  #worthOf(item: T): Worth {
    return this.#options.worthOf?.(item) ?? "lasting";
  }
}
