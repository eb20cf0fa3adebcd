/**
 * Growable columns of numbers. A row costs its bytes and nothing else: no object, no boxing. Reading past the end returns 0;
 * writing needs `ensure` first. A column doubles, and shrinks only when it is replaced; its owner bounds the rows.
 *
 * There are three classes, and not one that takes the kind of array, because V8 keeps type feedback for each function in the
 * source: one `get` for three kinds of arrays is ten times slower than three of them (Node 24, November 2026).
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

  /** Gives back the room of many rows, whose cells are lost. */
  shrink(): void {
    if (this.#cells.length > keptRows) {
      this.#cells = new Int32Array(16);
    }
  }

  /** A copy of the first `rows` cells, as bytes in the byte order of the processor. Missing cells are 0. */
  toBytes(rows: number): Uint8Array {
    const copy = new Int32Array(rows);
    copy.set(this.#cells.subarray(0, rows));
    return new Uint8Array(copy.buffer);
  }

  /** Replaces all cells by those that `toBytes` copied. */
  fromBytes(bytes: Uint8Array): void {
    const cells = new Int32Array(
      doubledCapacity(16, bytes.byteLength / Int32Array.BYTES_PER_ELEMENT),
    );
    new Uint8Array(cells.buffer).set(bytes);
    this.#cells = cells;
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

  /** Gives back the room of many rows, whose cells are lost. */
  shrink(): void {
    if (this.#cells.length > keptRows) {
      this.#cells = new Float64Array(16);
    }
  }

  /** A copy of the first `rows` cells, as bytes in the byte order of the processor. Missing cells are 0. */
  toBytes(rows: number): Uint8Array {
    const copy = new Float64Array(rows);
    copy.set(this.#cells.subarray(0, rows));
    return new Uint8Array(copy.buffer);
  }

  /** Replaces all cells by those that `toBytes` copied. */
  fromBytes(bytes: Uint8Array): void {
    const cells = new Float64Array(
      doubledCapacity(16, bytes.byteLength / Float64Array.BYTES_PER_ELEMENT),
    );
    new Uint8Array(cells.buffer).set(bytes);
    this.#cells = cells;
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

  /** Gives back the room of many rows, whose cells are lost. */
  shrink(): void {
    if (this.#cells.length > keptRows) {
      this.#cells = new Uint8Array(16);
    }
  }

  /** A copy of the first `rows` cells, as bytes in the byte order of the processor. Missing cells are 0. */
  toBytes(rows: number): Uint8Array {
    const copy = new Uint8Array(rows);
    copy.set(this.#cells.subarray(0, rows));
    return new Uint8Array(copy.buffer);
  }

  /** Replaces all cells by those that `toBytes` copied. */
  fromBytes(bytes: Uint8Array): void {
    const cells = new Uint8Array(
      doubledCapacity(16, bytes.byteLength / Uint8Array.BYTES_PER_ELEMENT),
    );
    new Uint8Array(cells.buffer).set(bytes);
    this.#cells = cells;
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

/**
 * Growable rows of int32 cells, a fixed number per row, in one array, so that the cells of a row are
 * adjacent. A writer fills `cells` directly; readers use columns.
 */
export class Int32Table {
  // Declared only, so that they are never undefined: such a field is checked at every use.
  /** Cells per row. */
  declare readonly width: number;
  /** Row r has the cells from `r * width` on. Another array after each growth. */
  declare cells: Int32Array;

  constructor(width: number, rows = 16) {
    this.width = width;
    this.cells = new Int32Array(width * rows);
  }

  /** Makes room for `rows` rows, at least doubling. */
  ensure(rows: number): void {
    if (rows * this.width > this.cells.length) {
      const grown = new Int32Array(Math.max(rows * this.width, this.cells.length * 2));
      grown.set(this.cells);
      this.cells = grown;
    }
  }

  /** Gives back the room of many rows, whose cells are lost. */
  shrink(): void {
    if (this.cells.length > this.width * keptRows) {
      this.cells = new Int32Array(this.width * 16);
    }
  }

  column(cell: number): TableColumn {
    return new TableColumn(this, cell);
  }
}

/** A table for requests keeps room for so many rows from one to the next. Batches of SDKs have some hundred. */
const keptRows = 65_536;

/** One cell of every row. Reading past the end gives 0. */
export class TableColumn {
  readonly #table: Int32Table;
  readonly #cell: number;

  constructor(table: Int32Table, cell: number) {
    this.#table = table;
    this.#cell = cell;
  }

  get(row: number): number {
    return this.#table.cells[row * this.#table.width + this.#cell] ?? 0;
  }
}

function doubledCapacity(from: number, atLeast: number): number {
  let capacity = Math.max(from, 16);
  while (capacity < atLeast) {
    capacity *= 2;
  }
  return capacity;
}
