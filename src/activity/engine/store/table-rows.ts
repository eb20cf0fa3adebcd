/** A column that can grow. */
interface TableColumn {
  readonly capacity: number;
  ensure(rows: number): void;
}

/** How many rows a table has. */
export interface RowCounts {
  /** Rows ever used. Each row below it is in use or vacant. */
  readonly count: number;
  /** Rows in use. */
  readonly size: number;
}

/**
 * Which rows of a table are in use.
 *
 * Keeps one number for each vacant row. Nothing bounds it here: the callers of a table bound how many rows are in use. Rows
 * that are released are taken again, the last one first, and columns never shrink.
 */
export class TableRows implements RowCounts {
  readonly #columns: readonly TableColumn[];
  count = 0;
  size = 0;
  #vacant: number[] = [];
  /** Rows for which all columns have room. */
  #capacity = 0;

  /** `columns` are all columns of the table, which grow together. */
  constructor(columns: readonly TableColumn[]) {
    this.#columns = columns;
  }

  /** The rows that `take` returns next, the last one first. */
  get vacant(): readonly number[] {
    return this.#vacant;
  }

  /** A row that is not in use. Its cells have the values of the row that was released, or 0. */
  take(): number {
    const row = this.#vacant.pop() ?? this.count++;
    this.size++;
    if (row >= this.#capacity) {
      for (const column of this.#columns) {
        column.ensure(row + 1);
      }
      this.#capacity = Math.min(...this.#columns.map(({ capacity }) => capacity));
    }
    return row;
  }

  /** Makes a row that is in use vacant. */
  release(row: number): void {
    this.#vacant.push(row);
    this.size--;
  }

  /** Sets which rows are in use to what a snapshot says. The columns are read from the snapshot afterwards. */
  restore(count: number, vacant: readonly number[]): void {
    this.count = count;
    this.size = count - vacant.length;
    this.#vacant = [...vacant];
    this.#capacity = 0;
  }
}
