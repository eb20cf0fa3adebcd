/** A longer text matches only `*`, which bounds the cost of one span. */
const longestText = 512;

/**
 * A pattern for a whole text, compared byte by byte: `*` matches any number of characters, including none; every other
 * character matches itself, in the same case.
 */
export class Glob {
  /** The texts between the asterisks; one part if there is no asterisk. */
  readonly #parts: readonly Buffer[];
  readonly #first: Buffer;
  readonly #last: Buffer;
  readonly #fixedLength: number;

  constructor(pattern: string) {
    this.#parts = pattern.split("*").map((part) => Buffer.from(part));
    this.#first = this.#parts[0] ?? Buffer.alloc(0);
    this.#last = this.#parts.at(-1) ?? this.#first;
    this.#fixedLength = this.#parts.reduce((sum, { length }) => sum + length, 0);
  }

  /** Whether the text that is `bytes` from `start` up to `end` matches. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (this.#parts.length === 1) {
      return length === this.#fixedLength && isAt(this.#first, bytes, start);
    }
    if (length < this.#fixedLength || (length > longestText && this.#fixedLength > 0)) {
      return false;
    }
    const stop = end - this.#last.length;
    return (
      isAt(this.#first, bytes, start) &&
      isAt(this.#last, bytes, stop) &&
      (this.#parts.length === 2 || this.#hasMiddle(bytes, start + this.#first.length, stop))
    );
  }

  /** Whether the parts between the first and the last follow each other. The earliest place of each is enough. */
  #hasMiddle(bytes: Uint8Array, from: number, to: number): boolean {
    let at = from;
    for (let index = 1; index < this.#parts.length - 1; index++) {
      const part = this.#parts[index] ?? this.#first;
      while (at + part.length <= to && !isAt(part, bytes, at)) {
        at++;
      }
      at += part.length;
      if (at > to) {
        return false;
      }
    }
    return true;
  }
}

function isAt(part: Buffer, bytes: Uint8Array, start: number): boolean {
  let index = 0;
  while (index < part.length && part[index] === bytes[start + index]) {
    index++;
  }
  return index === part.length;
}
