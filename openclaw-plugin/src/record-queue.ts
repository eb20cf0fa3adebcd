import type { ActivityRecord } from "./activity-record.ts";

/**
 * What waits to be sent, in order, never more than `limit`. When full, the oldest starts make room first: a start is
 * told again when the collector is back, if its work is still open, and an end says everything the start said. Only
 * when there are no starts left do the oldest ends and session events go.
 */
export class RecordQueue {
  readonly #limit: number;
  #records: ActivityRecord[] = [];
  #lost = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#records.length;
  }

  /** How many ends and session events were dropped for good. */
  get lost(): number {
    return this.#lost;
  }

  push(record: ActivityRecord): void {
    if (this.#records.length >= this.#limit) {
      this.#makeRoom();
    }
    this.#records.push(record);
  }

  /** The longest run of records of one signal at the head, at most `max`. They stay until `shift`. */
  head(max: number): readonly ActivityRecord[] {
    const signal = this.#records[0]?.signal;
    const end = this.#records.findIndex((record, at) => at === max || record.signal !== signal);
    return this.#records.slice(0, end < 0 ? undefined : end);
  }

  /** Removes those of `sent` that are still there; room may have been made while they were on their way. */
  remove(sent: readonly ActivityRecord[]): void {
    const gone = new Set(sent);
    this.#records = this.#records.filter((record) => !gone.has(record));
  }

  /** Makes room for a tenth of the limit, so that a full queue is not searched for every record. */
  #makeRoom(): void {
    let excess = Math.max(1, Math.floor(this.#limit / 10));
    const kept = this.#records.filter(
      (record) => !(record.signal === "span" && record.phase === "start" && excess-- > 0),
    );
    const more = Math.max(0, excess);
    this.#records = more === 0 ? kept : kept.slice(more);
    this.#lost += Math.min(more, kept.length);
  }
}
