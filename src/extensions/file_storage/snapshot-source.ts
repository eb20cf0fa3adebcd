import { maxRecordBytes } from "../../component/storage.ts";

/** The records of a snapshot. Keeps an exception of the owner's code in `thrown`, to distinguish it from one of the disk. */
export class SnapshotSource implements Iterable<Uint8Array> {
  readonly #records: Iterable<Uint8Array>;
  thrown: { readonly error: unknown } | undefined;

  constructor(records: Iterable<Uint8Array>) {
    this.#records = records;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    try {
      for (const record of this.#records) {
        if (record.length > maxRecordBytes) {
          throw new RangeError(`A record of a snapshot has more than ${maxRecordBytes} bytes.`);
        }
        yield record;
      }
    } catch (error) {
      this.thrown = { error };
      throw error;
    }
  }
}
