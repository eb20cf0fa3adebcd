import { crc32 } from "node:zlib";
import { maxRecordBytes } from "../../component/storage.ts";

/** The version of the layout in DESIGN.md, which this module reads and writes. */
export const formatVersion = 1;
export const fileHeaderBytes = 64;
export const frameHeaderBytes = 32;
export const recordHeaderBytes = 4;

/** The largest payload of a frame: two records of the largest size, or many small ones. */
export const maxPayloadBytes = 2 * (maxRecordBytes + recordHeaderBytes);

const magic = Buffer.from("\x89ACJ\r\n\x1a\n", "latin1");
const kindCodes = { log: 1, snapshot: 2, end: 3 } as const;
const kinds = ["log", "snapshot", "end"] as const satisfies readonly (keyof typeof kindCodes)[];

export type FileKind = keyof typeof kindCodes;

export interface FileHeader {
  readonly kind: FileKind;
  /** The number of the segment, or how often `end` had been written; 0 for a snapshot. */
  readonly number: number;
  /** The number of the first record: in a segment, after a snapshot, or after the end of the log. */
  readonly sequence: number;
  readonly unixMs: number;
  /** Whether a file `end` was beside this file when it was written. Files of earlier versions do not say it. */
  readonly hasEndMark: boolean;
  /** In `end` only, and not in one of an earlier version. */
  readonly kept?: KeptState;
}

/** From what the state can be recovered, as the file `end` remembers it. */
export interface KeptState {
  /** The number of the newest snapshot; -1 if there is none. */
  readonly snapshot: number;
  /** The records from this number on are in the log, also those that the newest snapshot contains. */
  readonly logFrom: number;
}

/** Flags of a header. */
const hasEndMarkFlag = 1;
const hasKeptStateFlag = 2;

export interface FrameHeader {
  readonly payloadBytes: number;
  readonly records: number;
  readonly unixMs: number;
  /** The number of the first record. */
  readonly sequence: number;
  readonly payloadCrc: number;
}

/** The decoded header of a file. `unknown_version`: intact, but written by another version of this program. */
export type DecodedFileHeader =
  | { readonly status: "ok"; readonly header: FileHeader }
  | { readonly status: "unknown_version"; readonly version: number }
  | { readonly status: "damaged" };

export function encodeFileHeader(header: FileHeader): Uint8Array {
  const { kind, number, sequence, unixMs, hasEndMark, kept } = header;
  const bytes = new Uint8Array(fileHeaderBytes);
  const view = viewOf(bytes);
  bytes.set(magic);
  view.setUint32(8, formatVersion, true);
  view.setUint32(12, kindCodes[kind], true);
  view.setFloat64(16, number, true);
  view.setFloat64(24, sequence, true);
  view.setFloat64(32, unixMs, true);
  let flags = hasEndMark ? hasEndMarkFlag : 0;
  if (kept !== undefined) {
    flags |= hasKeptStateFlag;
    view.setFloat64(44, kept.snapshot, true);
    view.setFloat64(52, kept.logFrom, true);
  }
  view.setUint32(40, flags, true);
  view.setUint32(60, crc32(bytes.subarray(0, 60)), true);
  return bytes;
}

export function decodeFileHeader(bytes: Uint8Array): DecodedFileHeader {
  const view = viewOf(bytes);
  if (
    bytes.length < fileHeaderBytes ||
    magic.compare(bytes, 0, magic.length) !== 0 ||
    view.getUint32(60, true) !== crc32(bytes.subarray(0, 60))
  ) {
    return { status: "damaged" };
  }
  const version = view.getUint32(8, true);
  if (version !== formatVersion) {
    return { status: "unknown_version", version };
  }
  const code = view.getUint32(12, true);
  const kind = kinds.find((each) => kindCodes[each] === code);
  if (kind === undefined) {
    return { status: "damaged" };
  }
  const flags = view.getUint32(40, true);
  const kept = { snapshot: view.getFloat64(44, true), logFrom: view.getFloat64(52, true) };
  return {
    status: "ok",
    header: {
      kind,
      number: view.getFloat64(16, true),
      sequence: view.getFloat64(24, true),
      unixMs: view.getFloat64(32, true),
      hasEndMark: (flags & hasEndMarkFlag) !== 0,
      ...((flags & hasKeptStateFlag) === 0 ? {} : { kept }),
    },
  };
}

/** Writes a frame's header over the first 32 bytes of `into`. */
export function encodeFrameHeader(into: Uint8Array, frame: FrameHeader): void {
  const view = viewOf(into);
  view.setUint32(0, frame.payloadBytes, true);
  view.setUint32(4, frame.records, true);
  view.setFloat64(8, frame.unixMs, true);
  view.setFloat64(16, frame.sequence, true);
  view.setUint32(24, frame.payloadCrc, true);
  view.setUint32(28, crc32(into.subarray(0, 28)), true);
}

/** The frame header in the first 32 bytes, or `undefined` if it is damaged or not a frame header. */
export function decodeFrameHeader(bytes: Uint8Array): FrameHeader | undefined {
  const view = viewOf(bytes);
  if (view.getUint32(28, true) !== crc32(bytes.subarray(0, 28))) {
    return undefined;
  }
  const payloadBytes = view.getUint32(0, true);
  return payloadBytes > maxPayloadBytes
    ? undefined
    : {
        payloadBytes,
        records: view.getUint32(4, true),
        unixMs: view.getFloat64(8, true),
        sequence: view.getFloat64(16, true),
        payloadCrc: view.getUint32(24, true),
      };
}

/** Whether a payload matches its frame header: the checksum, and the number and lengths of its records. */
export function isIntact(frame: FrameHeader, payload: Uint8Array): boolean {
  if (crc32(payload) !== frame.payloadCrc) {
    return false;
  }
  let records = 0;
  let at = 0;
  const view = viewOf(payload);
  while (at + recordHeaderBytes <= payload.length) {
    at += recordHeaderBytes + view.getUint32(at, true);
    records += 1;
  }
  return at === payload.length && records === frame.records;
}

/** Calls `onRecord` with the records of an intact payload, without the first `skip`. The bytes are views into the payload. */
export function eachRecord(
  payload: Uint8Array,
  skip: number,
  onRecord: (record: Uint8Array) => void,
): void {
  const view = viewOf(payload);
  let at = 0;
  for (let index = 0; at < payload.length; index += 1) {
    const start = at + recordHeaderBytes;
    at = start + view.getUint32(at, true);
    if (index >= skip) {
      onRecord(payload.subarray(start, at));
    }
  }
}

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

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
