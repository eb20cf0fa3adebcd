/** More levels of URLs are not distinguished. */
const maxLevels = 5;
/** A quote with more backslashes before it is taken for one with so many. */
const maxBackslashes = 15;

/**
 * The double quotes that are open at some place of a text, for each level of URLs: in a JSON string a backslash begins an escape, and in `CORP\nina` outside of one it most
 * likely does not.
 */
export class OpenQuotes {
  /** For each level of URLs a bit for each number of backslashes before the quote that is open. */
  readonly #open = new Uint16Array(maxLevels);

  /** A quote with so many backslashes opens a string, or closes one and those in it. */
  pass(urlLevel: number, backslashes: number): void {
    const bit = 1 << Math.min(backslashes, maxBackslashes);
    const open = this.#open[urlLevel] ?? 0;
    const outer = open & (bit - 1);
    this.#open[urlLevel] = (open & bit) === 0 ? outer | bit : outer;
  }

  /** Whether a string is open whose quote has so many backslashes. */
  isOpen(urlLevel: number, backslashes: number): boolean {
    const bit = 1 << Math.min(backslashes, maxBackslashes);
    return ((this.#open[urlLevel] ?? 0) & bit) !== 0;
  }

  /** No JSON string goes on in the next line. */
  endLine(urlLevel: number): void {
    this.#open[urlLevel] = 0;
  }

  /** Whether a letter behind so many backslashes is an escape of the string that is open, and no letter behind backslashes that are escaped. */
  isEscape(urlLevel: number, backslashes: number): boolean {
    const open = this.#open[urlLevel] ?? 0;
    if (open === 0) {
      return false;
    }
    // In JSON in JSON in JSON … a quote has 0, 1, 3, 7 … backslashes, and `\n` has one more.
    const period = 32 - Math.clz32(open);
    return backslashes % (2 * period) === period;
  }

  /** Whether a quote behind so many backslashes is escaped in a string of JavaScript or Python that the JSON string has: `"'it\\'s'"`. */
  isInnerEscape(urlLevel: number, backslashes: number): boolean {
    const open = this.#open[urlLevel] ?? 0;
    const period = 32 - Math.clz32(open);
    return open !== 0 && backslashes % (4 * period) === 2 * period;
  }
}
