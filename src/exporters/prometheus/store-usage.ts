/** Streams for each series, because many can coincide in one. */
const streamsPerSeries = 2;
/** Numbers of streams in memory, and lines of the page, for each series. */
const cellsPerSeries = 64;
const linesPerSeries = 32;
const labelCharactersPerSeries = 1_024;
/** A metric that is new when the series are used up needs an overflow, too, also where few series are allowed. */
const fewestOverflows = 1_000;

/** What one more point needs. */
export interface Needs {
  readonly streams?: number;
  readonly series?: number;
  readonly cells: number;
  readonly lines?: number;
  readonly labelCharacters?: number;
}

/** How much of its bounds a store uses, all of which follow from its series. */
export class StoreUsage {
  /** Without overflows. */
  series = 0;
  overflows = 0;
  streams = 0;
  cells = 0;
  lines = 0;
  labelCharacters = 0;
  readonly #maxSeries: number;

  constructor(maxSeries: number) {
    this.#maxSeries = maxSeries;
  }

  /** Whether the page has room for it. */
  fitsPage({ series = 0, lines = 0, labelCharacters = 0 }: Needs): boolean {
    // Overflows may have more lines than series; what needs none is not refused for that.
    return (
      (series === 0 || this.series + series <= this.#maxSeries) &&
      (lines === 0 || this.lines + lines <= linesPerSeries * this.#maxSeries) &&
      (labelCharacters === 0 ||
        this.labelCharacters + labelCharacters <= labelCharactersPerSeries * this.#maxSeries)
    );
  }

  /** Whether memory has room for it. */
  fitsMemory({ streams = 0, cells }: Needs): boolean {
    return (
      this.streams + streams <= streamsPerSeries * this.#maxSeries &&
      this.cells + cells <= cellsPerSeries * this.#maxSeries
    );
  }

  /** Whether a metric can have an overflow. Those are counted beside the series; the lines of large ones are limited, too. */
  fitsOverflow(cells: number): boolean {
    return (
      this.overflows < Math.max(this.#maxSeries, fewestOverflows) &&
      (isSmall(cells) || this.lines + cells <= 2 * linesPerSeries * this.#maxSeries)
    );
  }
}

/** Whether a value needs no more than a series may on average. */
export function isSmall(cells: number): boolean {
  return cells <= cellsPerSeries;
}
