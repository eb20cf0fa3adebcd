import type { KeySet } from "./keys.ts";
import { attributeTypes, type SpanBatch } from "./span-batch.ts";
import { tagOf, type WireReader } from "./wire-reader.ts";

const keyTag = tagOf(1, "length");
const valueTag = tagOf(2, "length");

const boolTag = tagOf(attributeTypes.bool, "varint");
const intTag = tagOf(attributeTypes.int, "varint");
const doubleTag = tagOf(attributeTypes.double, "fixed64");
const stringTag = tagOf(attributeTypes.string, "length");
const arrayTag = tagOf(attributeTypes.array, "length");
const kvlistTag = tagOf(attributeTypes.kvlist, "length");
const bytesTag = tagOf(attributeTypes.bytes, "length");

/**
 * Reads the `KeyValue` from `reader.position` up to `end` and appends a row to the attribute columns
 * when `keys` knows its key and its value can be read. False when the `KeyValue` is malformed; its
 * value is looked into only for a known key, so that what is malformed does not depend on `keys`.
 */
export function readAttribute(
  reader: WireReader,
  end: number,
  keys: KeySet | undefined,
  batch: SpanBatch,
): boolean {
  const start = reader.position;
  let keyStart = start;
  let keyEnd = start;
  let valueStart = start;
  let valueEnd = start;
  let values = 0;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === keyTag) {
      keyEnd = reader.length(end);
      if (keyEnd < 0) {
        return false;
      }
      keyStart = reader.position;
      reader.position = keyEnd;
    } else if (tag === valueTag) {
      valueEnd = reader.length(end);
      if (valueEnd < 0) {
        return false;
      }
      valueStart = reader.position;
      reader.position = valueEnd;
      values += 1;
    } else if (!reader.skip(tag, end)) {
      return false;
    }
  }
  if (keys === undefined || values === 0) {
    return true;
  }
  const key = keys.match(reader.bytes, keyStart, keyEnd);
  if (key < 0) {
    return true;
  }
  const row = batch.attributeCount;
  batch.ensureAttributes(row + 1);
  batch.attributeKey.set(row, key);
  batch.attributeType.set(row, 0);
  let isReadable: boolean;
  if (values === 1) {
    reader.position = valueStart;
    isReadable = readValue(reader, valueEnd, batch, row);
  } else {
    reader.position = start;
    isReadable = readMergedValues(reader, end, batch, row);
  }
  if (isReadable && batch.attributeType.get(row) !== 0) {
    batch.attributeCount = row + 1;
  }
  return true;
}

/** A `value` that is sent in parts: protobuf merges them, so the last member that is set holds. */
function readMergedValues(reader: WireReader, end: number, batch: SpanBatch, row: number): boolean {
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === valueTag) {
      const stop = reader.length(end);
      if (!readValue(reader, stop, batch, row)) {
        return false;
      }
      reader.position = stop;
    } else {
      reader.skip(tag, end);
    }
  }
  return true;
}

/** Reads an `AnyValue` into the row; the last member that is set holds. False when malformed. */
function readValue(reader: WireReader, end: number, batch: SpanBatch, row: number): boolean {
  while (reader.position < end) {
    const tag = reader.tag(end);
    switch (tag) {
      case stringTag:
      case arrayTag:
      case kvlistTag:
      case bytesTag: {
        const stop = reader.length(end);
        if (stop < 0) {
          return false;
        }
        write(batch, row, tag >>> 3, reader.position, stop);
        reader.position = stop;
        break;
      }
      case boolTag:
        if (!reader.varint64(end)) {
          return false;
        }
        write(batch, row, attributeTypes.bool, (reader.hi | reader.lo) === 0 ? 0 : 1, 0);
        break;
      case intTag:
        if (!reader.varint64(end)) {
          return false;
        }
        write(batch, row, attributeTypes.int, reader.hi, reader.lo);
        break;
      case doubleTag: {
        const at = reader.position;
        if (end - at < 8) {
          return false;
        }
        const hi = reader.view.getInt32(at + 4, true);
        write(batch, row, attributeTypes.double, hi, reader.view.getInt32(at, true));
        reader.position = at + 8;
        break;
      }
      default:
        if (!reader.skip(tag, end)) {
          return false;
        }
    }
  }
  return true;
}

function write(batch: SpanBatch, row: number, type: number, a: number, b: number): void {
  batch.attributeType.set(row, type);
  batch.attributeA.set(row, a);
  batch.attributeB.set(row, b);
}
