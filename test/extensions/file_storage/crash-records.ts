/** What a record with a number is; the same in every process. */
export function recordOf(number: number): Uint8Array {
  return Buffer.from(`r ${number} ${"abcdefgh".repeat((number * 37) % 60)}`);
}

const snapshotParts = 6;

/** A snapshot that stands for all records up to a number, in several parts so that it can break off. */
export function partsOfSnapshot(number: number): readonly Uint8Array[] {
  return Array.from({ length: snapshotParts }, (_, part) =>
    Buffer.from(`s ${number} ${part} ${"S".repeat(30_000)}`),
  );
}

/** Takes what is recovered, and throws when it is anything but a snapshot and the records right after it. */
export class Replay {
  #last = 0;
  #parts = 0;
  #records = 0;

  take(bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString();
    const [kind, number] = text.split(" ", 2);
    if (kind === "s" && this.#records === 0) {
      this.#last = this.#parts === 0 ? Number(number) : this.#last;
      const want = partsOfSnapshot(this.#last)[this.#parts];
      this.#parts += 1;
      if (want === undefined || Buffer.compare(want, bytes) !== 0) {
        throw new Error(`The snapshot ${number} has a wrong part.`);
      }
      return;
    }
    this.#records += 1;
    this.#last += 1;
    if (Buffer.compare(recordOf(this.#last), bytes) !== 0) {
      throw new Error(`Instead of record ${this.#last} there is ${text.slice(0, 40)}.`);
    }
  }

  /** The number of the last record. */
  end(): number {
    if (this.#parts !== 0 && this.#parts !== snapshotParts) {
      throw new Error(`The snapshot has ${this.#parts} parts.`);
    }
    return this.#last;
  }
}
