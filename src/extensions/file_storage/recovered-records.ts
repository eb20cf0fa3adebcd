import { eachRecord, type FrameHeader } from "./format.ts";

/** What a recovery has handed over so far, and what it wants next. */
export class RecoveredRecords {
  readonly #take: (record: Uint8Array) => void;
  /** The number of the next record that is wanted. */
  next = 0;
  records = 0;
  bytes = 0;
  lastUnixMs: number | undefined;

  constructor(take: (record: Uint8Array) => void) {
    this.#take = take;
  }

  /** Hands over the records of a payload, from the `skip`-th on. */
  add(payload: Uint8Array, skip: number): void {
    eachRecord(payload, skip, (record) => {
      this.records += 1;
      this.bytes += record.length;
      this.#take(record);
    });
  }

  /** Clocks step back; what is wanted is the latest moment at which something was written. */
  see({ unixMs }: FrameHeader): void {
    this.lastUnixMs = Math.max(this.lastUnixMs ?? unixMs, unixMs);
  }
}
