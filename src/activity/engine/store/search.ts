/**
 * How many rows a search may still read. A search that has none left is cut: what it has found is not all, and the caller gives the
 * cautious answer.
 */
export class Search {
  left: number;

  constructor(most: number) {
    this.left = most;
  }

  /** Whether another row may be read, which is counted. */
  reads(): boolean {
    this.left--;
    return this.left >= 0;
  }

  /** Whether a row was not read. */
  get isCut(): boolean {
    return this.left < 0;
  }
}
