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

  column(cell: number): TableColumn {
    return new TableColumn(this, cell);
  }
}

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
