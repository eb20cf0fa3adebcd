import type { RelayRecord } from "./relay-record.ts";

/**
 * What waits to be sent, in order, never more than `limit`. When full, the oldest starts make room first: a start is
 * told again when the collector is back, if its work is still open, and an end says everything the start said. What the
 * gateway says about its sessions goes next, since it says it again; only then do the oldest ends and other events go.
 */
export class RecordQueue {
  readonly #limit: number;
  #records: RelayRecord[] = [];
  #lost = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#records.length;
  }

  /** How many records other than starts were dropped for good. */
  get lost(): number {
    return this.#lost;
  }

  push(record: RelayRecord): void {
    if (this.#records.length >= this.#limit) {
      this.#makeRoom();
    }
    this.#records.push(record);
  }

  /** The longest run of spans, or of other records, at the head, at most `max`. They stay until `remove`. */
  head(max: number): readonly RelayRecord[] {
    const isSpan = this.#records[0]?.signal === "span";
    const end = this.#records.findIndex(
      (record, at) => at === max || (record.signal === "span") !== isSpan,
    );
    return this.#records.slice(0, end < 0 ? undefined : end);
  }

  /** Removes those of `sent` that are still there; room may have been made while they were on their way. */
  remove(sent: readonly RelayRecord[]): void {
    const gone = new Set(sent);
    this.#records = this.#records.filter((record) => !gone.has(record));
  }

  /** Makes room for a tenth of the limit, so that a full queue is not searched for every record. */
  #makeRoom(): void {
    const excess = Math.max(1, Math.floor(this.#limit / 10));
    const starts = this.#drop(
      excess,
      (record) => record.signal === "span" && record.phase === "start",
    );
    const claims = this.#drop(excess - starts, (record) => record.signal === "claim");
    this.#lost += claims + this.#drop(excess - starts - claims, () => true);
  }

  /** Drops the oldest records that may go, at most `max`. Returns how many. */
  #drop(max: number, mayGo: (record: RelayRecord) => boolean): number {
    let dropped = 0;
    this.#records = this.#records.filter((record) => {
      const goes = dropped < max && mayGo(record);
      dropped += goes ? 1 : 0;
      return !goes;
    });
    return dropped;
  }
}
