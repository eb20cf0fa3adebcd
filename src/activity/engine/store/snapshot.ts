/** The versions of a snapshot that the program reads; it writes the last one. */
export type SnapshotVersion = 1 | 2 | 3 | 4 | 5;

export const snapshotVersion = 5;

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

/**
 * Reads what an `EngineSnapshotWriter` wrote, in one piece or in pieces of any length. Throws a `SnapshotError` where the bytes end
 * too early.
 *
 * Keeps the pieces that are not read yet. It empties the array that it is given, so that what is loaded is not in memory twice.
 */
export class EngineSnapshotReader implements SnapshotStream {
  readonly isLoading = true;
  /** The last piece first. */
  readonly #left: Uint8Array[];
  #piece: Uint8Array = nothing;

  constructor(bytes: Uint8Array | Uint8Array[]) {
    this.#left = Array.isArray(bytes) ? bytes.splice(0).reverse() : [bytes];
  }

  /** Whether all bytes were read. */
  get isAtEnd(): boolean {
    return this.#piece.length === 0 && this.#left.every(({ length }) => length === 0);
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
    if (!(length >= 0)) {
      throw new SnapshotError("The saved state ends too early.");
    }
    if (length <= this.#piece.length) {
      return this.#cut(length);
    }
    const available = this.#left.reduce((sum, piece) => sum + piece.length, this.#piece.length);
    if (length > available) {
      throw new SnapshotError("The saved state ends too early.");
    }
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      if (this.#piece.length === 0) {
        this.#piece = this.#left.pop() ?? nothing;
      }
      const part = this.#cut(Math.min(length - at, this.#piece.length));
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** The first bytes of the piece that is being read. */
  #cut(length: number): Uint8Array {
    const bytes = this.#piece.subarray(0, length);
    this.#piece = this.#piece.subarray(length);
    return bytes;
  }
}

const nothing = new Uint8Array(0);
