import { tagOf, WireReader } from "../../otlp/wire-reader.ts";
import { textAt } from "./metric-walk.ts";

/** An attribute as text. */
export interface TextAttribute {
  readonly key: string;
  /** Undefined if the value is nested too deep to be read. */
  readonly text: string | undefined;
}

/** Values that contain others nest at most this deep. */
const maxDepth = 8;
const maxItems = 128;

const keyTag = tagOf(1, "length");
const valueTag = tagOf(2, "length");
const stringTag = tagOf(1, "length");
const boolTag = tagOf(2, "varint");
const intTag = tagOf(3, "varint");
const doubleTag = tagOf(4, "fixed64");
const arrayTag = tagOf(5, "length");
const kvlistTag = tagOf(6, "length");
const bytesTag = tagOf(7, "length");
const itemTag = tagOf(1, "length");

type Plain = string | boolean | number | bigint | readonly Plain[] | { [key: string]: Plain };

/**
 * An attribute from the bytes of its `KeyValue`, written as the Collector writes values as text: arrays and maps as JSON, bytes as
 * base64, integers exactly.
 */
export function attributeOf(keyValue: Uint8Array): TextAttribute {
  const reader = new WireReader(keyValue);
  const { key, value } = readKeyValue(reader, 0, keyValue.length, 0);
  return { key, text: value === undefined ? undefined : textOf(value) };
}

function textOf(value: Plain): string {
  return typeof value === "object" ? jsonOf(value) : String(value);
}

/** JSON with integers of any size. `JSON.stringify` refuses those. */
function jsonOf(value: Plain): string {
  if (Array.isArray(value)) {
    return `[${value.map(jsonOf).join(",")}]`;
  }
  if (typeof value === "object") {
    const members = Object.entries(value).map(
      ([key, each]) => `${JSON.stringify(key)}:${jsonOf(each)}`,
    );
    return `{${members.join(",")}}`;
  }
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

function readKeyValue(
  reader: WireReader,
  start: number,
  end: number,
  depth: number,
): { readonly key: string; readonly value: Plain | undefined } {
  let key = "";
  let value: Plain | undefined = "";
  reader.position = start;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === keyTag || tag === valueTag) {
      const stop = reader.length(end);
      if (stop < 0) {
        break;
      }
      if (tag === keyTag) {
        key = textAt(reader.bytes, reader.position, stop);
      } else {
        value = readValue(reader, reader.position, stop, depth);
      }
      reader.position = stop;
    } else if (!reader.skip(tag, end)) {
      break;
    }
  }
  return { key, value };
}

/** The last member that is set applies. */
function readValue(
  reader: WireReader,
  start: number,
  end: number,
  depth: number,
): Plain | undefined {
  if (depth > maxDepth) {
    return undefined;
  }
  let value: Plain | undefined = "";
  reader.position = start;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === boolTag || tag === intTag) {
      if (!reader.varint64(end)) {
        break;
      }
      value = tag === boolTag ? (reader.lo | reader.hi) !== 0 : int64Of(reader.hi, reader.lo);
    } else if (tag === doubleTag && end - reader.position >= 8) {
      value = reader.view.getFloat64(reader.position, true);
      reader.position += 8;
    } else if ([stringTag, arrayTag, kvlistTag, bytesTag].includes(tag)) {
      const stop = reader.length(end);
      if (stop < 0) {
        break;
      }
      value = readLong(reader, tag, stop, depth);
      reader.position = stop;
    } else if (!reader.skip(tag, end)) {
      break;
    }
  }
  return value;
}

function readLong(reader: WireReader, tag: number, end: number, depth: number): Plain | undefined {
  const start = reader.position;
  switch (tag) {
    case stringTag:
      return textAt(reader.bytes, start, end);
    case bytesTag:
      return Buffer.from(reader.bytes.subarray(start, Math.min(end, start + 3_072))).toString(
        "base64",
      );
    case arrayTag:
      return readItems(reader, end, (from, to) => readValue(reader, from, to, depth + 1));
    default: {
      const pairs = readItems(reader, end, (from, to) => readKeyValue(reader, from, to, depth + 1));
      const members = pairs?.flatMap(({ key, value }) =>
        value === undefined ? [] : [[key, value] as const],
      );
      return members === undefined || members.length !== pairs?.length
        ? undefined
        : Object.fromEntries(members);
    }
  }
}

/** Undefined if an item is unreadable. Items beyond {@link maxItems} are left out. */
function readItems<T>(
  reader: WireReader,
  end: number,
  read: (start: number, end: number) => T | undefined,
): T[] | undefined {
  const items: T[] = [];
  while (reader.position < end && items.length < maxItems) {
    const tag = reader.tag(end);
    if (tag === itemTag) {
      const stop = reader.length(end);
      const item = stop < 0 ? undefined : read(reader.position, stop);
      if (item === undefined) {
        return undefined;
      }
      items.push(item);
      reader.position = stop;
    } else if (!reader.skip(tag, end)) {
      return undefined;
    }
  }
  return items;
}

function int64Of(hi: number, lo: number): bigint {
  return BigInt.asIntN(64, (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0));
}
