/** The versions of a snapshot that the program reads; it writes the last one. */
export type SnapshotVersion = 1 | 2 | 3;

export const snapshotVersion = 3;

/** A column of numbers whose cells can be copied out and replaced. */
interface SnapshotColumn {
  toBytes(rows: number): Uint8Array;
  fromBytes(bytes: Uint8Array): void;
}

/**
 * A stream that state is written to or read from. Each part of the engine has one method `snapshot(stream)`, which passes
 * all of its state through the stream in a fixed order: a writer returns each value as it is, a reader returns the saved one.
 */
export interface SnapshotStream {
  /** Whether values are read, as opposed to written. */
  readonly isLoading: boolean;
  /** Writes `value` and returns it, or returns the saved value. */
  number(value: number): number;
  numbers(values: readonly number[]): number[];
  texts(values: readonly string[]): string[];
  /** Writes the first `rows` cells, or replaces all cells by the saved ones. */
  column(column: SnapshotColumn, rows: number): void;
}

/** A snapshot does not hold what the program expects. */
export class SnapshotError extends Error {}

/**
 * Writes a snapshot: copies of all state, so that later changes of the engine do not change it.
 *
 * Keeps the pieces until it is dropped; as large as the engine's state, which the limits bound.
 */
export class EngineSnapshotWriter implements SnapshotStream {
  readonly isLoading = false;
  /** The bytes of the snapshot, in order. */
  readonly pieces: Uint8Array[] = [];

  number(value: number): number {
    this.#add(new Float64Array([value]));
    return value;
  }

  numbers(values: readonly number[]): number[] {
    this.number(values.length);
    this.#add(Float64Array.from(values));
    return [...values];
  }

  texts(values: readonly string[]): string[] {
    const bytes = new TextEncoder().encode(JSON.stringify(values));
    this.number(bytes.length);
    this.pieces.push(bytes);
    return [...values];
  }

  column(column: SnapshotColumn, rows: number): void {
    const bytes = column.toBytes(rows);
    this.number(bytes.length);
    this.pieces.push(bytes);
  }

  #add(numbers: Float64Array): void {
    this.pieces.push(new Uint8Array(numbers.buffer));
  }
}

/** Reads what an `EngineSnapshotWriter` wrote. Throws a `SnapshotError` where the bytes end too early. */
export class EngineSnapshotReader implements SnapshotStream {
  readonly isLoading = true;
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether all bytes were read. */
  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  number(): number {
    return this.#numbers(1)[0] ?? 0;
  }

  numbers(): number[] {
    return this.#numbers(this.number());
  }

  texts(): string[] {
    const texts: unknown = JSON.parse(new TextDecoder().decode(this.#take(this.number())));
    if (!Array.isArray(texts)) {
      throw new SnapshotError(
        "The saved state holds something else where a list of texts is expected.",
      );
    }
    return texts.map(String);
  }

  column(column: SnapshotColumn): void {
    column.fromBytes(this.#take(this.number()));
  }

  #numbers(count: number): number[] {
    const bytes = this.#take(count * 8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: count }, (_, index) => view.getFloat64(index * 8, true));
  }

  #take(length: number): Uint8Array {
    const end = this.#position + length;
    if (!(length >= 0 && end <= this.#bytes.length)) {
      throw new SnapshotError("The saved state ends too early.");
    }
    const bytes = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return bytes;
  }
}
