/** Finds in which of the records of a request one of several texts is. Looks through the request once for each text, however many records it has. */
export class TextFinder {
  readonly #bytes: Buffer;
  readonly #texts: readonly Buffer[];
  /** Of each text, where it is next. */
  readonly #positions: Float64Array;
  /** The first of them. */
  #next = 0;

  constructor(bytes: Uint8Array, texts: readonly string[]) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#texts = texts.map((text) => Buffer.from(text));
    this.#positions = new Float64Array(texts.length).fill(-1);
  }

  /** Whether a text is between these bytes. What is asked for must ascend. */
  isIn(start: number, end: number): boolean {
    if (this.#next >= end) {
      return false;
    }
    let isFound = false;
    this.#next = Number.POSITIVE_INFINITY;
    for (const [index, text] of this.#texts.entries()) {
      let at = this.#positions[index] ?? 0;
      if (at < start) {
        const found = this.#bytes.indexOf(text, start);
        at = found < 0 ? Number.POSITIVE_INFINITY : found;
        this.#positions[index] = at;
      }
      this.#next = Math.min(this.#next, at);
      isFound ||= at + text.length <= end;
    }
    return isFound;
  }
}
