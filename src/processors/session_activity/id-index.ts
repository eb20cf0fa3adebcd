import { Int32Column } from "../../otlp/columns.ts";

/**
 * Open addressing from a 32-bit hash to row numbers. Rows live elsewhere; the caller compares them.
 * Deleting shifts later entries back, so there are no tombstones and probes stay short.
 */
export class IdIndex {
  /** Row + 1 per cell, 0 when free. */
  #cells = new Int32Column(64);
  #hashes = new Int32Column(64);
  #mask = 63;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The first cell under `hash`, or -1. With `next` and `row`, the way to look a row up without a closure. */
  first(hash: number): number {
    return this.#seek(hash, hash & this.#mask);
  }

  /** The next cell under `hash` after `cell`, or -1. */
  next(hash: number, cell: number): number {
    return this.#seek(hash, (cell + 1) & this.#mask);
  }

  /** The row in a cell that `first` or `next` gave. */
  row(cell: number): number {
    return this.#cells.get(cell) - 1;
  }

  /** Adds a row that is not in it. */
  add(hash: number, row: number): void {
    if (this.#size * 4 >= (this.#mask + 1) * 3) {
      this.#grow();
    }
    this.#place(hash, row);
    this.#size++;
  }

  /** Removes a row that is in it. */
  remove(hash: number, row: number): void {
    let hole = hash & this.#mask;
    while (this.#cells.get(hole) !== row + 1) {
      hole = (hole + 1) & this.#mask;
    }
    this.#size--;
    for (let cell = (hole + 1) & this.#mask; ; cell = (cell + 1) & this.#mask) {
      const entry = this.#cells.get(cell);
      if (entry === 0) {
        break;
      }
      const home = this.#hashes.get(cell) & this.#mask;
      // An entry may move back only if the hole lies between its home and where it is.
      if (((cell - home) & this.#mask) >= ((cell - hole) & this.#mask)) {
        this.#cells.set(hole, entry);
        this.#hashes.set(hole, this.#hashes.get(cell));
        hole = cell;
      }
    }
    this.#cells.set(hole, 0);
  }

  #seek(hash: number, from: number): number {
    for (let cell = from; ; cell = (cell + 1) & this.#mask) {
      if (this.#cells.get(cell) === 0) {
        return -1;
      }
      if (this.#hashes.get(cell) === hash) {
        return cell;
      }
    }
  }

  #place(hash: number, row: number): void {
    let cell = hash & this.#mask;
    while (this.#cells.get(cell) !== 0) {
      cell = (cell + 1) & this.#mask;
    }
    this.#cells.set(cell, row + 1);
    this.#hashes.set(cell, hash);
  }

  #grow(): void {
    const cells = this.#cells;
    const hashes = this.#hashes;
    const capacity = this.#mask + 1;
    this.#cells = new Int32Column(capacity * 2);
    this.#hashes = new Int32Column(capacity * 2);
    this.#mask = capacity * 2 - 1;
    for (let cell = 0; cell < capacity; cell++) {
      const entry = cells.get(cell);
      if (entry !== 0) {
        this.#place(hashes.get(cell), entry - 1);
      }
    }
  }
}

/** Mixes the words of an id into a well spread 32-bit hash. */
export function hashWords(a: number, b: number, c: number, d: number): number {
  let hash = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ b, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16) ^ c, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 15) ^ d, 0x165667b1);
  return hash ^ (hash >>> 16);
}
