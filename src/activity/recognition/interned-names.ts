/**
 * Numbers texts from 1, as small as possible. Keeps a text and its number while it has holders; when the last one releases it,
 * the number is free for another text. As many texts are kept as have holders, whose owner bounds them.
 */
export class InternedNames {
  readonly #known = new Map<string, { readonly number: number; holders: number }>();
  readonly #free: number[] = [];
  #next = 1;

  /** The number of `text`, which has one holder more. */
  acquire(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) {
      known.holders++;
      return known.number;
    }
    const number = this.#free.pop() ?? this.#next++;
    this.#known.set(text, { number, holders: 1 });
    return number;
  }

  /** Ends one `acquire`. */
  release(text: string): void {
    const known = this.#known.get(text);
    if (known !== undefined && --known.holders === 0) {
      this.#known.delete(text);
      this.#free.push(known.number);
    }
  }

  /** Acquires `text` with the number that it had before a restart, unless it has a number already. */
  restore(text: string, number: number): void {
    const known = this.#known.get(text);
    if (known !== undefined) {
      known.holders++;
      return;
    }
    for (; this.#next <= number; this.#next++) {
      this.#free.push(this.#next);
    }
    const at = this.#free.indexOf(number);
    if (at !== -1) {
      this.#free.splice(at, 1);
    }
    this.#known.set(text, { number, holders: 1 });
  }
}
