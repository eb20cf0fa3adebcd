import { envelopeTags } from "./envelope-reader.ts";
import { WireReader } from "./wire-reader.ts";

/** The position of a record (a span, a metric, a log record) in a request, as byte offsets. */
export interface RecordRange {
  /** Index into `RecordRanges.resources`. */
  readonly resource: number;
  /** Index into `RecordRanges.scopes`. */
  readonly scope: number;
  /** The whole field: tag, length, message. */
  readonly fieldStart: number;
  /** The message alone. */
  readonly start: number;
  readonly end: number;
}

export interface RecordRanges {
  /** Per part of the request, the bytes of its resource; protobuf merges them if there are several. */
  readonly resources: readonly Uint8Array[];
  /** The same of the instrumentation scope, per part of a scope. */
  readonly scopes: readonly Uint8Array[];
  readonly records: readonly RecordRange[];
}

/**
 * The positions of the records of a well-formed trace, log or metric request, in wire order. For the rare
 * request that is read record by record; unreadable data ends the walk.
 */
export function recordRangesOf(bytes: Uint8Array): RecordRanges {
  const reader = new WireReader(bytes);
  const resources: Uint8Array[] = [];
  const scopes: Uint8Array[] = [];
  const records: RecordRange[] = [];
  eachField(reader, bytes.length, (partTag, partEnd) => {
    if (partTag !== envelopeTags.resourcePart) {
      return;
    }
    const pieces: Uint8Array[] = [];
    const resource = resources.length;
    eachField(reader, partEnd, (tag, end) => {
      if (tag === envelopeTags.resource) {
        pieces.push(bytes.subarray(reader.position, end));
      } else if (tag === envelopeTags.scopePart) {
        const scopePieces: Uint8Array[] = [];
        const scope = scopes.length;
        eachField(reader, end, (fieldTag, fieldEnd, fieldStart) => {
          const start = reader.position;
          if (fieldTag === envelopeTags.record) {
            records.push({ resource, scope, fieldStart, start, end: fieldEnd });
          } else if (fieldTag === envelopeTags.scope) {
            scopePieces.push(bytes.subarray(start, fieldEnd));
          }
        });
        scopes.push(merged(scopePieces));
      }
    });
    resources.push(merged(pieces));
  });
  return { resources, scopes, records };
}

function merged(pieces: readonly Uint8Array[]): Uint8Array {
  const [only = new Uint8Array(0)] = pieces;
  return pieces.length > 1 ? Buffer.concat(pieces) : only;
}

/** Calls `visit` for each length-delimited field up to `end`, with the reader at its first byte. */
function eachField(
  reader: WireReader,
  end: number,
  visit: (tag: number, end: number, fieldStart: number) => void,
): void {
  while (reader.position < end) {
    const fieldStart = reader.position;
    const tag = reader.tag(end);
    if ((tag & 7) === 2) {
      const stop = reader.length(end);
      if (stop < 0) {
        return;
      }
      visit(tag, stop, fieldStart);
      reader.position = stop;
    } else if (!reader.skip(tag, end)) {
      return;
    }
  }
}
