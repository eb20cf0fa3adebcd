import type { Int32Column } from "../../../otlp/columns.ts";
import type { TabulationHash } from "./tabulation-hash.ts";

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

/** The columns of a table that hold the words of a key. A key with fewer words has zeros in the others. */
export type KeyColumns = readonly [
  word0: Int32Column,
  word1: Int32Column,
  word2?: Int32Column,
  word3?: Int32Column,
  word4?: Int32Column,
];

const fewestCells = 64;

/**
 * Finds rows of a table by a key of up to five words, which are in columns of that table.
 *
 * Keeps two numbers a row: open addressing, at most three quarters full. The table bounds it. Deleting moves later entries
 * back, so that there are no markers of deleted entries and searches stay short.
 */
export class KeyIndex {
  readonly #columns: KeyColumns;
  readonly #keyedHash: TabulationHash;
  readonly #isWide: boolean;
  /** Two numbers per cell, side by side because both are read: row + 1 (0 when free) and hash. */
  #cells = new Int32Array(2 * fewestCells);
  #mask = fewestCells - 1;
  #size = 0;

  constructor(columns: KeyColumns, hash: TabulationHash) {
    this.#columns = columns;
    this.#keyedHash = hash;
    this.#isWide = columns.length > 3;
  }

  /** A row with this key, or -1. */
  find(a: number, b: number, c: number, d: number, e: number): number {
    const hash = this.#hash(a, b, c, d, e);
    const cells = this.#cells;
    for (let cell = hash & this.#mask; ; cell = (cell + 1) & this.#mask) {
      const entry = cells[2 * cell] ?? 0;
      if (entry === 0) {
        return -1;
      }
      if (cells[2 * cell + 1] === hash && this.matches(entry - 1, a, b, c, d, e)) {
        return entry - 1;
      }
    }
  }

  /** How many cells a search for the key of a row looks at, when the row is in the index. */
  searchedCells(row: number): number {
    const first = this.#hashOf(row);
    let searched = 1;
    for (let cell = first & this.#mask; this.#cells[2 * cell] !== row + 1; searched++) {
      cell = (cell + 1) & this.#mask;
    }
    return searched;
  }

  /** Whether a row has this key. */
  matches(row: number, a: number, b: number, c: number, d: number, e: number): boolean {
    const [word0, word1, word2, word3, word4] = this.#columns;
    return (
      word1.get(row) === b &&
      word0.get(row) === a &&
      (word2 === undefined || word2.get(row) === c) &&
      (word3 === undefined || word3.get(row) === d) &&
      (word4 === undefined || word4.get(row) === e)
    );
  }

  /**
   * Adds a row that is not in the index and has its key. No other row in the index may have that key: a search would walk all
   * of them.
   */
  add(row: number): void {
    if (this.#size * 4 >= (this.#mask + 1) * 3) {
      this.#grow();
    }
    const cells = this.#cells;
    const hash = this.#hashOf(row);
    let cell = hash & this.#mask;
    while (cells[2 * cell] !== 0) {
      cell = (cell + 1) & this.#mask;
    }
    cells[2 * cell] = row + 1;
    cells[2 * cell + 1] = hash;
    this.#size++;
  }

  /** Removes a row that is in the index and still has its key. */
  remove(row: number): void {
    const cells = this.#cells;
    const mask = this.#mask;
    let hole = this.#hashOf(row) & mask;
    while (cells[2 * hole] !== row + 1) {
      hole = (hole + 1) & mask;
    }
    this.#size--;
    for (let cell = (hole + 1) & mask; ; cell = (cell + 1) & mask) {
      const entry = cells[2 * cell] ?? 0;
      if (entry === 0) {
        break;
      }
      const hash = cells[2 * cell + 1] ?? 0;
      // An entry may move back only if the hole lies between its first cell and its present one.
      if (((cell - hash) & mask) >= ((cell - hole) & mask)) {
        cells[2 * hole] = entry;
        cells[2 * hole + 1] = hash;
        hole = cell;
      }
    }
    cells[2 * hole] = 0;
  }

  /** Replaces all entries by the rows from 0 to `rows` - 1 that are in use. */
  rebuild(rows: number, isUsed: (row: number) => boolean): void {
    this.#cells = new Int32Array(2 * fewestCells);
    this.#mask = fewestCells - 1;
    this.#size = 0;
    for (let row = 0; row < rows; row++) {
      if (isUsed(row)) {
        this.add(row);
      }
    }
  }

  #grow(): void {
    const old = this.#cells;
    this.#cells = new Int32Array(2 * old.length);
    this.#mask = old.length - 1;
    this.#size = 0;
    for (let at = 0; at < old.length; at += 2) {
      const entry = old[at] ?? 0;
      if (entry !== 0) {
        this.add(entry - 1);
      }
    }
  }

  #hashOf(row: number): number {
    const [word0, word1, word2, word3, word4] = this.#columns;
    return this.#hash(
      word0.get(row),
      word1.get(row),
      word2?.get(row) ?? 0,
      word3?.get(row) ?? 0,
      word4?.get(row) ?? 0,
    );
  }

  #hash(a: number, b: number, c: number, d: number, e: number): number {
    return this.#isWide ? this.#keyedHash.ofFive(a, b, c, d, e) : this.#keyedHash.ofThree(a, b, c);
  }
}
