import { envelopeTags } from "./envelope-reader.ts";
import { WireReader } from "./wire-reader.ts";

/**
 * Goes through the records (spans, metrics, log records) of a well-formed trace, log or metric request, in wire order. For the rare request
 * that is read record by record; unreadable data ends the walk. Keeps only its position, because a request may consist of millions of
 * empty parts.
 */
export class RecordCursor {
  /** Where the whole field of the record starts: tag, length, message. */
  fieldStart = 0;
  /** The message alone, as byte offsets. */
  start = 0;
  end = 0;
  /** The part of the request that has it, and the part of that. */
  resourcePartStart = 0;
  resourcePartEnd = 0;
  scopePartStart = 0;
  scopePartEnd = 0;
  readonly #bytes: Uint8Array;
  readonly #reader: WireReader;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#reader = new WireReader(bytes);
  }

  /** Goes to the next record; false if there is none. */
  next(): boolean {
    const reader = this.#reader;
    const { length } = this.#bytes;
    while (reader.position < length) {
      const isInScope = reader.position < this.scopePartEnd;
      const isInResource = reader.position < this.resourcePartEnd;
      const around = isInScope ? this.scopePartEnd : isInResource ? this.resourcePartEnd : length;
      const fieldStart = reader.position;
      const tag = reader.tag(around);
      const wanted = isInScope
        ? envelopeTags.record
        : isInResource
          ? envelopeTags.scopePart
          : envelopeTags.resourcePart;
      if (tag !== wanted) {
        if (!reader.skip(tag, around)) {
          return false;
        }
        continue;
      }
      const end = reader.length(around);
      if (end < 0) {
        return false;
      }
      const start = reader.position;
      if (isInScope) {
        this.fieldStart = fieldStart;
        this.start = start;
        this.end = end;
        reader.position = end;
        return true;
      }
      if (isInResource) {
        this.scopePartStart = start;
        this.scopePartEnd = end;
      } else {
        this.resourcePartStart = start;
        this.resourcePartEnd = end;
      }
    }
    return false;
  }

  /** The bytes of the resource that has the record. */
  resource(): Uint8Array {
    return this.#head(this.resourcePartStart, this.resourcePartEnd);
  }

  /** The bytes of the instrumentation scope that has the record. */
  scope(): Uint8Array {
    return this.#head(this.scopePartStart, this.scopePartEnd);
  }

  /** The first field of a part; protobuf merges it if it is there several times. */
  #head(start: number, end: number): Uint8Array {
    const reader = new WireReader(this.#bytes);
    reader.position = start;
    const pieces: Uint8Array[] = [];
    while (reader.position < end && pieces.length < maxPieces) {
      const tag = reader.tag(end);
      const isHead = tag === envelopeTags.resource;
      const stop = isHead ? reader.length(end) : -1;
      if (stop >= 0) {
        pieces.push(this.#bytes.subarray(reader.position, stop));
        reader.position = stop;
      } else if (isHead || !reader.skip(tag, end)) {
        break;
      }
    }
    const [only = new Uint8Array(0)] = pieces;
    return pieces.length > 1 ? Buffer.concat(pieces) : only;
  }
}

/** Of a resource or a scope that is there more often, the rest is left out: senders write one. */
const maxPieces = 16;
