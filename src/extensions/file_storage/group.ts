import { crc32 } from "node:zlib";
import {
  encodeFrameHeader,
  frameHeaderBytes,
  maxPayloadBytes,
  recordHeaderBytes,
} from "./format.ts";

/** A larger buffer is released after use, so that one burst does not occupy memory for ever. */
const keptBytes = 4 * 1024 * 1024;
const firstBytes = 64 * 1024;

/**
 * Records that will be written at once, already in the form of their frame. It holds up to 32 MiB; `add` refuses a record
 * that does not fit. A buffer that grew beyond 4 MiB is released after use.
 */
export class Group {
  /** How many records it holds. */
  count = 0;
  /** The length of the frame. */
  byteLength = frameHeaderBytes;
  #bytes = new Uint8Array(firstBytes);
  #view = new DataView(this.#bytes.buffer);

  /** Copies a record into the group. Returns `false` and does nothing if the group would become too large. */
  add(record: Uint8Array): boolean {
    const at = this.byteLength;
    const end = at + recordHeaderBytes + record.length;
    if (end > this.#bytes.length && !this.#grow(end)) {
      return false;
    }
    this.#view.setUint32(at, record.length, true);
    this.#bytes.set(record, at + recordHeaderBytes);
    this.byteLength = end;
    this.count += 1;
    return true;
  }

  /** The frame, with its first record numbered `sequence`. The bytes are valid until `clear`. */
  seal({ sequence, unixMs }: { readonly sequence: number; readonly unixMs: number }): Uint8Array {
    const frame = this.#bytes.subarray(0, this.byteLength);
    encodeFrameHeader(frame, {
      payloadBytes: this.byteLength - frameHeaderBytes,
      records: this.count,
      unixMs,
      sequence,
      payloadCrc: crc32(frame.subarray(frameHeaderBytes)),
    });
    return frame;
  }

  clear(): void {
    this.byteLength = frameHeaderBytes;
    this.count = 0;
    if (this.#bytes.length > keptBytes) {
      this.#replace(new Uint8Array(firstBytes));
    }
  }

  #grow(neededBytes: number): boolean {
    const most = frameHeaderBytes + maxPayloadBytes;
    if (neededBytes > most) {
      return false;
    }
    const bytes = new Uint8Array(Math.min(most, Math.max(neededBytes, this.#bytes.length * 2)));
    bytes.set(this.#bytes.subarray(0, this.byteLength));
    this.#replace(bytes);
    return true;
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
