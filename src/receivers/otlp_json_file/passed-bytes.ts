import { type Fingerprint, type Piece, pieceOf } from "./fingerprint.ts";
import type { ReadAt } from "./read-at.ts";

/**
 * Of the beginning of the file, and of the last line. Long enough for the first ids and times behind the attributes of a resource, which
 * are the same in every line of a sender.
 */
const headBytes = 16 * 1024;

/** Of the bytes before the offset, for lines that are short. */
const endBytes = 4 * 1024;

/**
 * Makes the fingerprint of a file from the bytes that were read, as far as they were passed. A fingerprint from bytes that are read once
 * more would be that of other content, if the file was replaced meanwhile.
 *
 * Three pieces: the first 16 KiB of the file, the last 4 KiB that were passed, and the first 16 KiB of the last line if it is longer
 * than 4 KiB. The head of the file alone proves little: it may be the same line in many files. Keeps 40 KiB.
 */
export class PassedBytes {
  #offset = 0;
  readonly #head = Buffer.allocUnsafe(headBytes);
  /** The hash of a full head, which does not change any more. */
  #headPiece: Piece | undefined;
  /** Twice as long as needed, so that the end is rarely moved. */
  readonly #end = Buffer.allocUnsafe(2 * endBytes);
  #endLength = 0;
  readonly #line = Buffer.allocUnsafe(headBytes);
  #lineAt = 0;
  #isLineEnded = false;

  /** As after passing everything before the offset. `undefined` when the file is shorter. */
  static async before(offset: number, readAt: ReadAt): Promise<PassedBytes | undefined> {
    const passed = new PassedBytes();
    const head = passed.#head.subarray(0, Math.min(offset, headBytes));
    const end = passed.#end.subarray(0, Math.min(offset, endBytes));
    const endAt = offset - end.length;
    if ((await readAt(head, 0)) < head.length || (await readAt(end, endAt)) < end.length) {
      return undefined;
    }
    passed.#offset = offset;
    passed.#endLength = end.length;
    passed.#lineAt = offset;
    return passed;
  }

  get offset(): number {
    return this.#offset;
  }

  /** The next bytes of the file. */
  pass(bytes: Uint8Array): void {
    if (this.#isLineEnded) {
      this.#isLineEnded = false;
      this.#lineAt = this.#offset;
    }
    putAt(this.#head, this.#offset, bytes);
    putAt(this.#line, this.#offset - this.#lineAt, bytes);
    this.#passEnd(bytes.subarray(Math.max(0, bytes.length - endBytes)));
    this.#offset += bytes.length;
  }

  /** A line has ended; the next byte begins another one. */
  endLine(): void {
    this.#isLineEnded = true;
  }

  fingerprint(): Fingerprint {
    const pieces: Piece[] = [];
    if (this.#offset > 0) {
      pieces.push(this.#pieceOfHead());
    }
    if (this.#offset > headBytes) {
      const end = this.#end.subarray(Math.max(0, this.#endLength - endBytes), this.#endLength);
      const endAt = this.#offset - end.length;
      if (this.#lineAt < endAt) {
        const line = this.#line.subarray(0, Math.min(headBytes, this.#offset - this.#lineAt));
        pieces.push(pieceOf(line, this.#lineAt));
      }
      pieces.push(pieceOf(end, endAt));
    }
    return pieces;
  }

  #pieceOfHead(): Piece {
    if (this.#offset < headBytes) {
      return pieceOf(this.#head.subarray(0, this.#offset), 0);
    }
    this.#headPiece ??= pieceOf(this.#head, 0);
    return this.#headPiece;
  }

  #passEnd(bytes: Uint8Array): void {
    if (this.#endLength + bytes.length > this.#end.length) {
      this.#end.copyWithin(0, this.#endLength - endBytes, this.#endLength);
      this.#endLength = endBytes;
    }
    this.#end.set(bytes, this.#endLength);
    this.#endLength += bytes.length;
  }
}

/** Copies as much as there is room for behind the position. */
function putAt(into: Buffer, position: number, bytes: Uint8Array): void {
  if (position < into.length) {
    into.set(bytes.subarray(0, into.length - position), position);
  }
}
