/**
 * Small numbers for texts, from 1, each as long as somebody holds it; a number that nobody holds is given again.
 */
export class InternedNames {
  readonly #known = new Map<string, { readonly number: number; holders: number }>();
  readonly #free: number[] = [];
  #next = 1;

  /** The number of `text`, held once more. */
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

  /** Ends one `hold`. */
  release(text: string): void {
    const known = this.#known.get(text);
    if (known !== undefined && --known.holders === 0) {
      this.#known.delete(text);
      this.#free.push(known.number);
    }
  }

  /** Holds `text` under the number that it had before a restart, unless it has one by now. */
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
