import { hash } from "node:crypto";

const firstBytes = 4_096;
/** A larger buffer, for a resource or an attribute of that size, is not kept. */
const mostKeptBytes = 1024 * 1024;

/**
 * Keyed hashes of lists of bytes and texts. The bytes of a list are put together in one buffer that is used again: an ArrayBuffer for each
 * data point would keep the garbage collector busy.
 */
export class IdentityHash {
  readonly #key: Uint8Array;
  #buffer = Buffer.allocUnsafe(firstBytes);

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** The length of each part is part of it, so that no two lists have the same bytes. */
  of(parts: readonly (Uint8Array | string)[]): string {
    let at = this.#put(this.#key, 0);
    for (const part of parts) {
      at = this.#put(part, at);
    }
    const result = hash("sha256", this.#buffer.subarray(0, at), "base64");
    if (this.#buffer.length > mostKeptBytes) {
      this.#buffer = Buffer.allocUnsafe(firstBytes);
    }
    return result;
  }

  /** Puts a part and its length at a position, and returns the one behind it. */
  #put(part: Uint8Array | string, at: number): number {
    const size = typeof part === "string" ? Buffer.byteLength(part) : part.length;
    const start = at + 4;
    const end = start + size;
    if (end > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, 2 * this.#buffer.length));
      grown.set(this.#buffer.subarray(0, at));
      this.#buffer = grown;
    }
    this.#buffer.writeUInt32LE(size, at);
    if (typeof part === "string") {
      this.#buffer.write(part, start);
    } else {
      this.#buffer.set(part, start);
    }
    return end;
  }
}
