import type { DiskFile } from "./disk.ts";
import {
  decodeFileHeader,
  decodeFrameHeader,
  type FileHeader,
  type FrameHeader,
  fileHeaderBytes,
  frameHeaderBytes,
  isIntact,
  maxPayloadBytes,
} from "./format.ts";

/** The number of bytes read at a time, unless a frame is larger. */
const chunkBytes = 1024 * 1024;
/** So many zeros at the end of a file can be writes that did not reach the disk: two groups. More are looked at no further. */
const mostZeroBytes = 2 * (maxPayloadBytes + frameHeaderBytes);
const zeros = new Uint8Array(chunkBytes);

/** The result of reading a file. */
export interface FileReading {
  /** Absent if it cannot be read, or if it is the header of another file. */
  readonly header?: FileHeader;
  readonly sizeBytes: number;
  /** The length of the beginning that is intact. */
  readonly intactBytes: number;
  /**
   * The flaw after the intact beginning. `torn`: an interrupted write, where the file ends within a frame or contains zeros
   * instead of one. `damaged`: data that was complete once. `stopped`: `onFrame` returned false.
   */
  readonly flaw: "none" | "torn" | "damaged" | "stopped";
  /** The last intact frame. */
  readonly last?: FrameHeader;
}

/** Reads a file of the directory to its first flaw; rejects with an `Error` whose message is for an operator. */
export type ReadFile = (
  name: string,
  expected: Pick<FileHeader, "kind" | "number">,
  onFrame: (frame: FrameHeader, payload: Uint8Array) => boolean,
) => Promise<FileReading>;

/** A file that another version of this program wrote. */
export class UnknownVersionError extends Error {
  readonly version: number;
  constructor(version: number) {
    super(`It has format version ${version}.`);
    this.version = version;
  }
}

/**
 * Reads a file from its beginning to its first flaw. `onFrame` gets the payload as bytes that are valid only during the call,
 * and returns whether to continue. Rejects with an {@link UnknownVersionError}, and with the system's error if the file
 * cannot be read.
 */
export async function readJournalFile(
  file: DiskFile,
  expected: Pick<FileHeader, "kind" | "number">,
  onFrame: (frame: FrameHeader, payload: Uint8Array) => boolean,
): Promise<FileReading> {
  const sizeBytes = await file.size();
  const window = new Window(file, sizeBytes);
  const head = await window.bytes(0, fileHeaderBytes);
  if (head === undefined) {
    return { sizeBytes, intactBytes: 0, flaw: sizeBytes === 0 ? "none" : "torn" };
  }
  const decoded = decodeFileHeader(head);
  if (decoded.status === "unknown_version") {
    throw new UnknownVersionError(decoded.version);
  }
  if (decoded.status === "damaged") {
    return { sizeBytes, intactBytes: 0, flaw: await window.flawAt(0) };
  }
  const { header } = decoded;
  if (header.kind !== expected.kind || header.number !== expected.number) {
    return { sizeBytes, intactBytes: 0, flaw: "damaged" };
  }
  let at = fileHeaderBytes;
  let last: FrameHeader | undefined;
  const ending = (flaw: FileReading["flaw"]): FileReading => ({
    header,
    sizeBytes,
    intactBytes: at,
    flaw,
    ...(last === undefined ? {} : { last }),
  });

  while (at < sizeBytes) {
    const frameHead = await window.bytes(at, frameHeaderBytes);
    if (frameHead === undefined) {
      return ending("torn");
    }
    const frame = decodeFrameHeader(frameHead);
    if (frame === undefined) {
      return ending(await window.flawAt(at));
    }
    const end = at + frameHeaderBytes + frame.payloadBytes;
    const payload = await window.bytes(at + frameHeaderBytes, frame.payloadBytes);
    if (payload === undefined) {
      return ending("torn");
    }
    if (!isIntact(frame, payload)) {
      // Before a power cut, the pages of the last write may have reached the disk in any order.
      return ending(end === sizeBytes ? "torn" : "damaged");
    }
    if (!onFrame(frame, payload)) {
      return ending("stopped");
    }
    last = frame;
    at = end;
  }
  return ending("none");
}

/** The part of a file that is in memory: 1 MiB, or one frame if that is larger (32 MiB at most). */
class Window {
  readonly #file: DiskFile;
  readonly #sizeBytes: number;
  #buffer: Uint8Array;
  #start = 0;
  #length = 0;

  constructor(file: DiskFile, sizeBytes: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
    this.#buffer = new Uint8Array(Math.min(chunkBytes, sizeBytes));
  }

  /** The bytes at a position, valid until the next call; `undefined` if the file ends before them. */
  async bytes(position: number, length: number): Promise<Uint8Array | undefined> {
    if (position + length > this.#sizeBytes) {
      return undefined;
    }
    if (position < this.#start || position + length > this.#start + this.#length) {
      if (length > this.#buffer.length) {
        this.#buffer = new Uint8Array(length);
      }
      this.#start = position;
      this.#length = await this.#file.read(this.#buffer, position);
      if (this.#length < length) {
        return undefined;
      }
    }
    return this.#buffer.subarray(position - this.#start, position - this.#start + length);
  }

  /**
   * Zeros up to the end are a write that did not reach the disk; any other byte was written once. More zeros than a write has are the
   * hole of a file that somebody has made longer, which may be of any length.
   */
  async flawAt(position: number): Promise<"torn" | "damaged"> {
    if (this.#sizeBytes - position > mostZeroBytes) {
      return "damaged";
    }
    for (let at = position; at < this.#sizeBytes; at += chunkBytes) {
      const length = Math.min(chunkBytes, this.#sizeBytes - at);
      const chunk = await this.bytes(at, length);
      if (chunk === undefined || Buffer.compare(chunk, zeros.subarray(0, length)) !== 0) {
        return "damaged";
      }
    }
    return "torn";
  }
}
