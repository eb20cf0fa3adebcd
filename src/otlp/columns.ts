/**
 * Growable columns of numbers. A row costs its bytes and nothing else: no object, no boxing.
 * Reading past the end gives 0; writing needs `ensure` first.
 */
export class Int32Column {
  #cells: Int32Array;

  constructor(capacity = 16) {
    this.#cells = new Int32Array(capacity);
  }

  get capacity(): number {
    return this.#cells.length;
  }

  get(row: number): number {
    return this.#cells[row] ?? 0;
  }

  set(row: number, value: number): void {
    this.#cells[row] = value;
  }

  /** Makes room for `rows` rows, doubling. */
  ensure(rows: number): void {
    if (rows > this.#cells.length) {
      const grown = new Int32Array(doubledCapacity(this.#cells.length, rows));
      grown.set(this.#cells);
      this.#cells = grown;
    }
  }
}

export class Float64Column {
  #cells: Float64Array;

  constructor(capacity = 16) {
    this.#cells = new Float64Array(capacity);
  }

  get capacity(): number {
    return this.#cells.length;
  }

  get(row: number): number {
    return this.#cells[row] ?? 0;
  }

  set(row: number, value: number): void {
    this.#cells[row] = value;
  }

  /** Makes room for `rows` rows, doubling. */
  ensure(rows: number): void {
    if (rows > this.#cells.length) {
      const grown = new Float64Array(doubledCapacity(this.#cells.length, rows));
      grown.set(this.#cells);
      this.#cells = grown;
    }
  }
}

export class Uint8Column {
  #cells: Uint8Array;

  constructor(capacity = 16) {
    this.#cells = new Uint8Array(capacity);
  }

  get capacity(): number {
    return this.#cells.length;
  }

  get(row: number): number {
    return this.#cells[row] ?? 0;
  }

  set(row: number, value: number): void {
    this.#cells[row] = value;
  }

  /** Makes room for `rows` rows, doubling. */
  ensure(rows: number): void {
    if (rows > this.#cells.length) {
      const grown = new Uint8Array(doubledCapacity(this.#cells.length, rows));
      grown.set(this.#cells);
      this.#cells = grown;
    }
  }
}

function doubledCapacity(from: number, atLeast: number): number {
  let capacity = Math.max(from, 16);
  while (capacity < atLeast) {
    capacity *= 2;
  }
  return capacity;
}
