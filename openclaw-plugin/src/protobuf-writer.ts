/**
 * Appends protobuf fields to one growing buffer, for the few field types OTLP needs. It can be used again after
 * `reset`, which keeps the memory.
 */
export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(16_384);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  reset(): void {
    this.#at = 0;
  }

  /** A copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }

  /** Field of type `int32`, `int64`, `uint32`, `enum`: a non-negative integer below 2^53. */
  integer(field: number, value: number): void {
    this.#reserve(20);
    this.#varint(field * 8);
    this.#varint(value);
  }

  /** Field of type `fixed64`. */
  fixed64(field: number, value: bigint): void {
    this.#reserve(18);
    this.#varint(field * 8 + 1);
    this.#at = this.#bytes.writeBigUInt64LE(value, this.#at);
  }

  text(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#reserve(length + 20);
    this.#varint(field * 8 + 2);
    this.#varint(length);
    this.#at += this.#bytes.write(value, this.#at, "utf8");
  }

  /** Field of type `bytes`, given as hex digits. */
  hex(field: number, digits: string): void {
    this.#reserve(digits.length / 2 + 20);
    this.#varint(field * 8 + 2);
    this.#varint(digits.length / 2);
    this.#at += this.#bytes.write(digits, this.#at, "hex");
  }

  /** Begins a message of a known length: what is written next is its content. */
  prefix(field: number, length: number): void {
    this.#reserve(20);
    this.#varint(field * 8 + 2);
    this.#varint(length);
  }

  /** A message written by `content`. */
  message(field: number, content: () => void): void {
    const from = this.open(field);
    content();
    this.close(from);
  }

  /** Opens a message; what is written until `close` is its content. Returns what `close` wants. */
  open(field: number): number {
    this.#reserve(20);
    this.#varint(field * 8 + 2);
    // Spans are longer than 127 bytes and shorter than 16 384: two bytes of length fit without moving anything.
    this.#at += 2;
    return this.#at;
  }

  close(from: number): void {
    const length = this.#at - from;
    const width = varintWidth(length);
    if (width !== 2) {
      this.#reserve(width);
      this.#bytes.copyWithin(from - 2 + width, from, this.#at);
    }
    this.#at = from - 2;
    this.#varint(length);
    this.#at += length;
  }

  /** Bytes that were written elsewhere, as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }

  #reserve(more: number): void {
    if (this.#at + more > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + more));
      this.#bytes.copy(larger, 0, 0, this.#at);
      this.#bytes = larger;
    }
  }
}

/** How many bytes a non-negative integer takes. */
export function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) {
    width += 1;
  }
  return width;
}
