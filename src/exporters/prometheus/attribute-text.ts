import { tagOf, WireReader } from "../../otlp/wire-reader.ts";
import { textAt } from "./metric-walk.ts";

/** An attribute as text. */
export interface TextAttribute {
  readonly key: string;
  /** Undefined if the value is a map, bytes, or a list of more than scalars, of which nothing is read. */
  readonly text: string | undefined;
  /** Of a list, its items as text. */
  readonly items?: readonly string[];
}

/** Longer lists are not read either. */
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

type Scalar = string | boolean | number | bigint;
type Plain = Scalar | readonly Scalar[];

/** An attribute from the bytes of its `KeyValue`, written as the Collector writes values as text: lists as JSON, integers exactly. */
export function attributeOf(keyValue: Uint8Array): TextAttribute {
  const reader = new WireReader(keyValue);
  const end = keyValue.length;
  let key = "";
  let value: Plain | undefined = "";
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
        value = readValue(reader, stop);
      }
      reader.position = stop;
    } else if (!reader.skip(tag, end)) {
      break;
    }
  }
  return typeof value === "object"
    ? { key, text: `[${value.map(jsonOf).join(",")}]`, items: value.map(String) }
    : { key, text: value === undefined ? undefined : String(value) };
}

/** JSON with integers of any size. `JSON.stringify` refuses those. */
function jsonOf(value: Scalar): string {
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

/** The last member that is set applies. */
function readValue(reader: WireReader, end: number): Plain | undefined {
  let value: Plain | undefined = "";
  while (reader.position < end) {
    const start = reader.position;
    if (reader.tag(end) === arrayTag) {
      const stop = reader.length(end);
      if (stop < 0) {
        break;
      }
      value = readItems(reader, stop);
      reader.position = stop;
      continue;
    }
    reader.position = start;
    const member = readMember(reader, end);
    if (member === "unreadable") {
      break;
    }
    value = member === "unknown" ? value : member.scalar;
  }
  return value;
}

/** Undefined unless all items are scalars. */
function readItems(reader: WireReader, end: number): readonly Scalar[] | undefined {
  const items: Scalar[] = [];
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag !== itemTag) {
      if (!reader.skip(tag, end)) {
        return undefined;
      }
      continue;
    }
    const stop = reader.length(end);
    const item = stop < 0 || items.length === maxItems ? undefined : readScalar(reader, stop);
    if (item === undefined) {
      return undefined;
    }
    items.push(item);
    reader.position = stop;
  }
  return items;
}

/** An item of a list. A list in a list is not read, however deep it is. */
function readScalar(reader: WireReader, end: number): Scalar | undefined {
  let value: Scalar | undefined = "";
  while (reader.position < end) {
    const member = readMember(reader, end);
    if (member === "unreadable") {
      break;
    }
    value = member === "unknown" ? value : member.scalar;
  }
  return value;
}

/** A field of an `AnyValue`: its scalar, undefined for what contains others and for bytes. */
function readMember(
  reader: WireReader,
  end: number,
): { readonly scalar: Scalar | undefined } | "unknown" | "unreadable" {
  const tag = reader.tag(end);
  if (tag === boolTag || tag === intTag) {
    if (!reader.varint64(end)) {
      return "unreadable";
    }
    const { hi, lo } = reader;
    return { scalar: tag === boolTag ? (lo | hi) !== 0 : int64Of(hi, lo) };
  }
  if (tag === doubleTag && end - reader.position >= 8) {
    const scalar = reader.view.getFloat64(reader.position, true);
    reader.position += 8;
    return { scalar };
  }
  if (tag === stringTag || tag === arrayTag || tag === kvlistTag || tag === bytesTag) {
    const stop = reader.length(end);
    if (stop < 0) {
      return "unreadable";
    }
    const scalar = tag === stringTag ? textAt(reader.bytes, reader.position, stop) : undefined;
    reader.position = stop;
    return { scalar };
  }
  return reader.skip(tag, end) ? "unknown" : "unreadable";
}

function int64Of(hi: number, lo: number): bigint {
  return BigInt.asIntN(64, (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0));
}
