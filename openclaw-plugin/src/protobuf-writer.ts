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

  /** A copy of the bytes written after `from`, an earlier `length`. */
  since(from: number): Buffer {
    return Buffer.from(this.#bytes.subarray(from, this.#at));
  }

  /** Field of type `int32`, `int64`, `uint32`, `enum`: a non-negative integer below 2^53. */
  integer(field: number, value: number): void {
    this.#reserve(20);
    this.#varint(field * 8);
    this.#varint(value);
  }

  /** Field of type `fixed64` that holds nanoseconds, given whole milliseconds below 2^44. */
  nanoseconds(field: number, ms: number): void {
    this.#reserve(18);
    this.#varint(field * 8 + 1);
    // In halves, since the product does not fit a number: ms = high · 2^22 + low. A bigint takes five times as long.
    const high = Math.floor(ms / 2 ** 22) * 1_000_000;
    const low = (ms % 2 ** 22) * 1_000_000 + (high % 1_024) * 2 ** 22;
    this.#uint32(low % 2 ** 32);
    this.#uint32(Math.floor(high / 1_024) + Math.floor(low / 2 ** 32));
  }

  text(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#reserve(length + 20);
    this.#varint(field * 8 + 2);
    this.#varint(length);
    if (length === value.length && length < 64) {
      // Short and ASCII, as nearly all texts are: a loop is faster than a call into Node's native code.
      for (let at = 0; at < length; at += 1) {
        this.#bytes[this.#at++] = value.charCodeAt(at);
      }
    } else {
      this.#at += this.#bytes.write(value, this.#at, "utf8");
    }
  }

  /** Field of type `bytes`, given as lower-case hex digits. */
  hex(field: number, digits: string): void {
    this.#reserve(digits.length / 2 + 20);
    this.#varint(field * 8 + 2);
    this.#varint(digits.length / 2);
    for (let at = 0; at < digits.length; at += 2) {
      this.#bytes[this.#at++] = hexDigit(digits, at) * 16 + hexDigit(digits, at + 1);
    }
  }

  /** Begins a message of a known length; the next `length` bytes are its content. */
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

  /** Opens a message; the fields written until `close` are its content. Returns the argument for `close`. */
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

  /** Appends encoded bytes unchanged. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #uint32(value: number): void {
    this.#bytes[this.#at++] = value;
    this.#bytes[this.#at++] = value / 2 ** 8;
    this.#bytes[this.#at++] = value / 2 ** 16;
    this.#bytes[this.#at++] = value / 2 ** 24;
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

/** How many bytes the varint of a non-negative integer takes. */
export function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) {
    width += 1;
  }
  return width;
}

function hexDigit(digits: string, at: number): number {
  const code = digits.charCodeAt(at);
  return code < 58 ? code - 48 : code - 87;
}
