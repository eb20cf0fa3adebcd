/**
 * Open addressing from a 32-bit hash to row numbers. Rows live elsewhere; the caller compares them.
 * Deleting shifts later entries back, so there are no tombstones and probes stay short.
 */
export class IdIndex {
  /** Two numbers per cell, side by side because both are looked at: row + 1 (0 when free) and hash. */
  #cells = new Int32Array(2 * 64);
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
    return this.#entry(cell) - 1;
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
    const cells = this.#cells;
    const mask = this.#mask;
    let hole = hash & mask;
    while (this.#entry(hole) !== row + 1) {
      hole = (hole + 1) & mask;
    }
    this.#size--;
    for (let cell = (hole + 1) & mask; ; cell = (cell + 1) & mask) {
      const entry = this.#entry(cell);
      if (entry === 0) {
        break;
      }
      const hashThere = cells[2 * cell + 1] ?? 0;
      // An entry may move back only if the hole lies between its home and where it is.
      if (((cell - hashThere) & mask) >= ((cell - hole) & mask)) {
        cells[2 * hole] = entry;
        cells[2 * hole + 1] = hashThere;
        hole = cell;
      }
    }
    cells[2 * hole] = 0;
  }

  #entry(cell: number): number {
    return this.#cells[2 * cell] ?? 0;
  }

  #seek(hash: number, from: number): number {
    const cells = this.#cells;
    for (let cell = from; ; cell = (cell + 1) & this.#mask) {
      if ((cells[2 * cell] ?? 0) === 0) {
        return -1;
      }
      if (cells[2 * cell + 1] === hash) {
        return cell;
      }
    }
  }

  #place(hash: number, row: number): void {
    let cell = hash & this.#mask;
    while (this.#entry(cell) !== 0) {
      cell = (cell + 1) & this.#mask;
    }
    this.#cells[2 * cell] = row + 1;
    this.#cells[2 * cell + 1] = hash;
  }

  #grow(): void {
    const cells = this.#cells;
    this.#cells = new Int32Array(cells.length * 2);
    this.#mask = cells.length - 1;
    for (let at = 0; at < cells.length; at += 2) {
      const entry = cells[at] ?? 0;
      if (entry !== 0) {
        this.#place(cells[at + 1] ?? 0, entry - 1);
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
