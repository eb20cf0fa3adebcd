import { attributeTypes } from "../../otlp/span-batch.ts";
import { tagOf, type WireReader } from "../../otlp/wire-reader.ts";

export const valueTags = {
  string: tagOf(attributeTypes.string, "length"),
  bool: tagOf(attributeTypes.bool, "varint"),
  int: tagOf(attributeTypes.int, "varint"),
  double: tagOf(attributeTypes.double, "fixed64"),
  array: tagOf(attributeTypes.array, "length"),
  kvlist: tagOf(attributeTypes.kvlist, "length"),
  bytes: tagOf(attributeTypes.bytes, "length"),
} as const;

const keyTag = tagOf(1, "length");
const valueTag = tagOf(2, "length");
const itemTag = tagOf(1, "length");

/** A value that holds nothing. */
const nothing = Symbol("nothing");
type Item = string | { readonly json: string } | typeof nothing;

/**
 * The text of the `AnyValue` from `start` up to `end`, as the Collector's `AsString` writes it: numbers in decimal, bytes in base64, arrays and maps as
 * JSON with sorted keys. Of several members the last one counts. The value must be well-formed. Moves the reader.
 */
export function valueText(reader: WireReader, start: number, end: number): string {
  const item = itemOf(reader, start, end);
  if (item === nothing) {
    return "";
  }
  return typeof item === "string" ? item : item.json;
}

function itemOf(reader: WireReader, start: number, end: number): Item {
  let item: Item = nothing;
  reader.position = start;
  while (reader.position < end) {
    const tag = reader.tag(end);
    const from = reader.position;
    switch (tag) {
      case valueTags.int:
        reader.varint64(end);
        item = { json: String((BigInt(reader.hi) << 32n) | BigInt(reader.lo >>> 0)) };
        continue;
      case valueTags.bool:
        reader.varint64(end);
        item = { json: String((reader.hi | reader.lo) !== 0) };
        continue;
      case valueTags.double:
        item = { json: String(reader.view.getFloat64(from, true)) };
        reader.skip(tag, end);
        continue;
      case valueTags.string:
      case valueTags.bytes:
      case valueTags.array:
      case valueTags.kvlist: {
        const stop = reader.length(end);
        item = lengthItem(reader, tag, stop);
        reader.position = stop;
        continue;
      }
      default:
        if (!reader.skip(tag, end)) {
          return item;
        }
    }
  }
  return item;
}

function lengthItem(reader: WireReader, tag: number, stop: number): Item {
  const start = reader.position;
  switch (tag) {
    case valueTags.string:
      return textOf(reader.bytes, start, stop);
    case valueTags.bytes:
      return bufferOf(reader.bytes, start, stop).toString("base64");
    case valueTags.array:
      return { json: `[${itemsOf(reader, stop).join(",")}]` };
    default:
      return { json: mapJson(reader, stop) };
  }
}

function itemsOf(reader: WireReader, end: number): string[] {
  const items: string[] = [];
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag !== itemTag) {
      if (!reader.skip(tag, end)) {
        break;
      }
      continue;
    }
    const stop = reader.length(end);
    items.push(jsonOf(itemOf(reader, reader.position, stop)));
    reader.position = stop;
  }
  return items;
}

function mapJson(reader: WireReader, end: number): string {
  const entries = new Map<string, string>();
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag !== itemTag) {
      if (!reader.skip(tag, end)) {
        break;
      }
      continue;
    }
    const stop = reader.length(end);
    let key = "";
    let value = "null";
    while (reader.position < stop) {
      const inner = reader.tag(stop);
      const innerEnd = inner === keyTag || inner === valueTag ? reader.length(stop) : -1;
      if (innerEnd < 0) {
        if (!reader.skip(inner, stop)) {
          break;
        }
      } else if (inner === keyTag) {
        key = textOf(reader.bytes, reader.position, innerEnd);
        reader.position = innerEnd;
      } else {
        value = jsonOf(itemOf(reader, reader.position, innerEnd));
        reader.position = innerEnd;
      }
    }
    entries.set(key, value);
    reader.position = stop;
  }
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, value]) => `${goJson(key)}:${value}`).join(",")}}`;
}

function jsonOf(item: Item): string {
  if (item === nothing) {
    return "null";
  }
  return typeof item === "string" ? goJson(item) : item.json;
}

/** As Go's `encoding/json` writes a text. */
function goJson(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Whether a value behind this tag is a number or a truth value. */
export function isScalarTag(tag: number): boolean {
  return tag === valueTags.int || tag === valueTags.bool || tag === valueTags.double;
}

export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return bufferOf(bytes, start, end).toString("utf8");
}

function bufferOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}
