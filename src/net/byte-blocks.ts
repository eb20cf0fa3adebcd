/** No block is larger. */
export const largestBlockBytes = 1024 * 1024;

/**
 * The bytes that have arrived, in blocks. A buffer that grows by doubling would leave as much garbage as it holds, and many bodies that
 * stop in the middle would take twice their bytes. A list of the chunks would keep an object for each, and a sender can send a byte at
 * a time.
 */
export class ByteBlocks {
  readonly #atMost: number;
  readonly #firstBytes: number;
  readonly #full: Uint8Array[] = [];
  /** The last block, and how much of it is in use. */
  #block: Uint8Array = new Uint8Array(0);
  #used = 0;
  length = 0;

  /** For `atMost` bytes; the first block has `firstBytes`, and each further one twice the bytes of the one before. */
  constructor(atMost: number, firstBytes: number) {
    this.#atMost = atMost;
    this.#firstBytes = firstBytes;
  }

  /** Takes a chunk as its first block, without a copy. */
  adopt(chunk: Uint8Array): void {
    this.#block = chunk;
    this.#used = chunk.length;
    this.length = chunk.length;
  }

  add(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#used === this.#block.length) {
        this.#open();
      }
      const part = chunk.subarray(at, at + this.#block.length - this.#used);
      this.#block.set(part, this.#used);
      this.#used += part.length;
      this.length += part.length;
      at += part.length;
    }
  }

  /** All bytes in one piece. */
  joined(): Uint8Array {
    const last = this.#block.subarray(0, this.#used);
    if (this.#full.length === 0) {
      return withoutSlack(last);
    }
    const bytes = Buffer.allocUnsafeSlow(this.length);
    let at = 0;
    for (const block of [...this.#full, last]) {
      bytes.set(block, at);
      at += block.length;
    }
    return bytes;
  }

  #open(): void {
    if (this.#block.length > 0) {
      this.#full.push(this.#block);
    }
    const wanted = Math.min(Math.max(this.#firstBytes, this.#block.length * 2), largestBlockBytes);
    this.#block = Buffer.allocUnsafeSlow(Math.min(wanted, this.#atMost - this.length));
    this.#used = 0;
  }
}

/**
 * A view keeps the whole memory behind it alive. Copies the bytes if more than a quarter of that memory is slack, else returns
 * `bytes` unchanged.
 */
export function withoutSlack(bytes: Uint8Array): Uint8Array {
  // Not slice(): on a Buffer it returns a view and does not copy.
  return bytes.length * 4 < bytes.buffer.byteLength * 3 ? new Uint8Array(bytes) : bytes;
}
