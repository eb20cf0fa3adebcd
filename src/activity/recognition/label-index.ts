/** What the index finds. The index sets `next`. */
export interface IndexedLabel {
  /** One byte a character. */
  readonly value: string;
  readonly hash: number;
  /** The next one with the same hash. */
  next?: this | undefined;
}

/** Finds texts by their hash. Looking one up creates no string. The caller bounds how many there are. */
export class LabelIndex<T extends IndexedLabel> {
  readonly #byHash = new Map<number, T>();

  /** The most entries that a lookup compares. */
  get longestSearch(): number {
    let longest = 0;
    for (const first of this.#byHash.values()) {
      let length = 0;
      for (let each: T | undefined = first; each !== undefined; each = each.next) {
        length++;
      }
      longest = Math.max(longest, length);
    }
    return longest;
  }

  /** The entry whose text is `length` bytes from `start`. */
  find(hash: number, bytes: Uint8Array, start: number, length: number): T | undefined {
    let found = this.#byHash.get(hash);
    while (found !== undefined && !isText(found.value, bytes, start, length)) {
      found = found.next;
    }
    return found;
  }

  add(entry: T): void {
    entry.next = this.#byHash.get(entry.hash);
    this.#byHash.set(entry.hash, entry);
  }

  remove(entry: T): void {
    let left: T | undefined;
    for (let each = this.#byHash.get(entry.hash); each !== undefined; ) {
      const { next }: { next?: T | undefined } = each;
      if (each !== entry) {
        each.next = left;
        left = each;
      }
      each = next;
    }
    if (left === undefined) {
      this.#byHash.delete(entry.hash);
    } else {
      this.#byHash.set(entry.hash, left);
    }
  }
}

function isText(value: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (value.length !== length) {
    return false;
  }
  for (let at = 0; at < length; at++) {
    if (value.charCodeAt(at) !== bytes[start + at]) {
      return false;
    }
  }
  return true;
}
