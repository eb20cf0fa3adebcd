/** What a whole config may have, over all of its files, variables and references. More than any config has, and little enough to be checked in a second. */
export interface ReadLimits {
  readonly maxBytes: number;
  /** Lines, and entries, lists and maps on one line. */
  readonly maxSeparators: number;
  /** Colons, dashes and question marks that YAML may take for the beginning of a value. */
  readonly maxIndicators: number;
  /** Values, after aliases and references are resolved. */
  readonly maxValues: number;
}

const limits: ReadLimits = {
  maxBytes: 4 * 2 ** 20,
  maxSeparators: 10_000,
  maxIndicators: 40_000,
  maxValues: 20_000,
};

/** Counts what is read for one config, so that many small parts are no more than a large one. */
export class ReadBudget {
  #bytes = 0;
  #separators = 0;
  #indicators = 0;
  #values = 0;

  /** Call it before a text is parsed. Why the config is too large with it; undefined if it is not. */
  addText(text: string): string | undefined {
    this.#bytes += text.length;
    if (this.#bytes > limits.maxBytes) {
      return "makes the config larger than 4 MiB, the most that its files, variables and references may have together.";
    }
    this.#separators += countOf(text, /[,\n[{]/g);
    this.#indicators += countOf(text, /[-:?][ \t]/g);
    return this.#separators > limits.maxSeparators || this.#indicators > limits.maxIndicators
      ? `makes the config longer than ${limits.maxSeparators} lines and entries of lists, the most that it may have.`
      : undefined;
  }

  /** Counts a value. False if it is one too many. */
  addValue(): boolean {
    this.#values += 1;
    return this.#values <= limits.maxValues;
  }
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
