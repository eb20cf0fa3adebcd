import type { KeySet } from "./keys.ts";
import { attributeCells, attributeTypes, type SpanBatch } from "./span-batch.ts";
import { tagOf, type WireReader } from "./wire-reader.ts";

// Constants of this module are part of the machine code, imported ones are looked up at every use.
const { key: keyCell, type: typeCell, a: aCell, b: bCell, width: cellsPerRow } = attributeCells;
const { string: stringType, int: intType } = attributeTypes;
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
 * Reads the `KeyValue` from `start` up to `end` and appends a row to the attribute columns when `keys`
 * knows its key and its value can be read. False when the `KeyValue` is malformed; its value is read
 * only for a known key, so `keys` never affects whether it is malformed. `reader.position` is
 * undefined afterwards.
 */
export function readAttribute(
  reader: WireReader,
  start: number,
  end: number,
  keys: KeySet | undefined,
  batch: SpanBatch,
): boolean {
  // Nearly all consist of a short key and a value; reading these directly takes half the time of the general way.
  const bytes = reader.bytes;
  const keyStart = start + 2;
  if (keyStart < end && bytes[start] === keyTag) {
    const keyEnd = keyStart + (bytes[start + 1] ?? 0);
    let valueStart = keyEnd + 2;
    if (keyEnd < keyStart + 0x80 && valueStart <= end && bytes[keyEnd] === valueTag) {
      let size = bytes[keyEnd + 1] ?? 0;
      if (size >= 0x80 && valueStart < end) {
        size = (size & 0x7f) | ((bytes[valueStart] ?? 0) << 7);
        valueStart += 1;
      }
      if (size < 0x4000 && valueStart + size === end) {
        const key = keys === undefined ? -1 : keys.match(bytes, keyStart, keyEnd);
        if (key >= 0) {
          appendValue(reader, valueStart, end, batch, key);
        }
        return true;
      }
    }
  }
  reader.position = start;
  return readAnyShape(reader, end, keys, batch);
}

/** The general way: fields in any order, sent twice or with others between them. */
function readAnyShape(
  reader: WireReader,
  end: number,
  keys: KeySet | undefined,
  batch: SpanBatch,
): boolean {
  const start = reader.position;
  let keyStart = start;
  let keyEnd = start;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === keyTag) {
      keyEnd = reader.length(end);
      if (keyEnd < 0) {
        return false;
      }
      keyStart = reader.position;
      reader.position = keyEnd;
    } else if (!reader.skip(tag, end)) {
      return false;
    }
  }
  const key = keys === undefined ? -1 : keys.match(reader.bytes, keyStart, keyEnd);
  if (key >= 0) {
    const base = newRow(batch, key);
    reader.position = start;
    keepRow(batch, readMergedValues(reader, end, batch.attributes.cells, base));
  }
  return true;
}

/** Appends a row for the `AnyValue` from `start` up to `end`; strings and integers go a short way. */
function appendValue(
  reader: WireReader,
  start: number,
  end: number,
  batch: SpanBatch,
  key: number,
): void {
  const base = newRow(batch, key);
  const cells = batch.attributes.cells;
  const tag = reader.bytes[start];
  const size = end - start - 2;
  if (tag === stringTag && size === reader.bytes[start + 1] && size < 0x80) {
    cells[base + typeCell] = stringType;
    cells[base + aCell] = start + 2;
    cells[base + bCell] = end;
    batch.attributeCount += 1;
    return;
  }
  reader.position = start + 1;
  if (tag === intTag && reader.varint64(end) && reader.position === end) {
    cells[base + typeCell] = intType;
    cells[base + aCell] = reader.hi;
    cells[base + bCell] = reader.lo;
    batch.attributeCount += 1;
    return;
  }
  reader.position = start;
  keepRow(batch, readValue(reader, end, cells, base));
}

/** Begins the row after the last one and returns where its cells start; it counts from `keepRow` on. */
function newRow(batch: SpanBatch, key: number): number {
  const base = batch.attributeCount * cellsPerRow;
  if (base >= batch.attributes.cells.length) {
    batch.attributes.ensure(batch.attributeCount + 1);
  }
  const cells = batch.attributes.cells;
  cells[base + keyCell] = key;
  cells[base + typeCell] = 0;
  return base;
}

/** An attribute whose value cannot be read, or is not set, has no row. */
function keepRow(batch: SpanBatch, isReadable: boolean): void {
  const base = batch.attributeCount * cellsPerRow;
  if (isReadable && batch.attributes.cells[base + typeCell] !== 0) {
    batch.attributeCount += 1;
  }
}

/** A `value` that is sent in parts: protobuf merges them, so the last member that is set holds. */
function readMergedValues(
  reader: WireReader,
  end: number,
  cells: Int32Array,
  base: number,
): boolean {
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === valueTag) {
      const stop = reader.length(end);
      if (!readValue(reader, stop, cells, base)) {
        return false;
      }
    } else {
      reader.skip(tag, end); // worked when the key was looked for
    }
  }
  return true;
}

/**
 * Reads the `AnyValue` from `reader.position` up to `end` into the cells of an attribute; the last
 * member that is set holds. False when it is malformed.
 */
function readValue(reader: WireReader, end: number, cells: Int32Array, base: number): boolean {
  while (reader.position < end) {
    const tag = reader.tag(end);
    let a = 0;
    let b = 0;
    switch (tag) {
      case stringTag:
      case arrayTag:
      case kvlistTag:
      case bytesTag:
        b = reader.length(end);
        if (b < 0) {
          return false;
        }
        a = reader.position;
        reader.position = b;
        break;
      case intTag:
      case boolTag:
        if (!reader.varint64(end)) {
          return false;
        }
        if (tag === intTag) {
          a = reader.hi;
          b = reader.lo;
        } else {
          a = (reader.hi | reader.lo) === 0 ? 0 : 1;
        }
        break;
      case doubleTag:
        if (end - reader.position < 8) {
          return false;
        }
        a = reader.view.getInt32(reader.position + 4, true);
        b = reader.view.getInt32(reader.position, true);
        reader.position += 8;
        break;
      default:
        if (!reader.skip(tag, end)) {
          return false;
        }
        continue;
    }
    cells[base + typeCell] = tag >>> 3;
    cells[base + aCell] = a;
    cells[base + bCell] = b;
  }
  return true;
}
