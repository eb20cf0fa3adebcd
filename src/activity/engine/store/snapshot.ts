/** What wrote an archive; the last one is of now. */
export type SnapshotVersion = 1 | 2 | 3;

export const snapshotVersion = 3;

/** A column of numbers that can be copied out and put back. */
interface SnapshotColumn {
  toBytes(rows: number): Uint8Array;
  fromBytes(bytes: Uint8Array): void;
}

/**
 * Where state goes to and comes from. Each part of the machine has one method `archive(io)` that goes
 * through its state once; the same calls save it or, with a reader, replace it by what was saved.
 */
export interface SnapshotStream {
  /** Whether values come from here, as opposed to going in. */
  readonly isLoading: boolean;
  /** Saves `value` and gives it back, or gives what was saved. */
  number(value: number): number;
  numbers(values: readonly number[]): number[];
  texts(values: readonly string[]): string[];
  column(column: SnapshotColumn, rows: number): void;
}

/** What an archive holds is not what the program expects. */
export class SnapshotError extends Error {}

/** Collects state, as of now: nothing in it changes afterwards. */
export class EngineSnapshotWriter implements SnapshotStream {
  readonly isLoading = false;
  /** Pieces of bytes, in order. */
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

/** Gives back what an `ArchiveWriter` collected. Throws an `ArchiveError` when it is asked for more. */
export class EngineSnapshotReader implements SnapshotStream {
  readonly isLoading = true;
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether everything was asked for. */
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
      throw new SnapshotError("The saved state holds something else where texts are expected.");
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
