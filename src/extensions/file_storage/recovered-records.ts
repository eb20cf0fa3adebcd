import { eachRecord, type FrameHeader } from "./format.ts";

/** Passes recovered records to the owner. Keeps their count and the number of the next record needed, but no records. */
export class RecoveredRecords {
  readonly #take: (record: Uint8Array) => void;
  /** The number of the next record that is needed. */
  next = 0;
  records = 0;
  bytes = 0;
  lastUnixMs: number | undefined;

  constructor(take: (record: Uint8Array) => void) {
    this.#take = take;
  }

  /** Passes on the records of a payload, without the first `skip`. */
  add(payload: Uint8Array, skip: number): void {
    eachRecord(payload, skip, (record) => {
      this.records += 1;
      this.bytes += record.length;
      this.#take(record);
    });
  }

  /** Keeps the latest time of a write. It is a maximum, because clocks can step back. */
  noteTimeOf({ unixMs }: FrameHeader): void {
    this.lastUnixMs = Math.max(this.lastUnixMs ?? unixMs, unixMs);
  }
}
