import { lengthField } from "../../otlp/byte-replacements.ts";
import { tagOf, type WireReader } from "../../otlp/wire-reader.ts";
import { keyTag, valueTag } from "./key-value-reader.ts";
import { valueTags, valueText } from "./value-text.ts";

const itemTag = tagOf(1, "length");

type HashText = (text: Uint8Array | string) => string;
/** What takes the place of a key of a map; undefined if it stays. */
type NewKey = (start: number, end: number) => Uint8Array | undefined;

/**
 * The content of the `AnyValue` from `start` up to `end` with its text hashed, or each text in its array or map, whose keys `newKey` may change. Numbers are hashed as texts. Of several members
 * the last one counts, and the others go. Undefined if there is nothing to hash: no value, or an empty text. Moves the reader.
 */
export function hashedValue(
  reader: WireReader,
  { start, end }: { readonly start: number; readonly end: number },
  hash: HashText,
  newKey: NewKey,
): Uint8Array | undefined {
  let last = 0;
  let from = start;
  let to = start;
  reader.position = start;
  while (reader.position < end) {
    const fieldStart = reader.position;
    const tag = reader.tag(end);
    const isMember = isMemberTag(tag);
    if (isMember) {
      last = tag;
      from = fieldStart;
    }
    if (!reader.skip(tag, end)) {
      break;
    }
    to = isMember ? reader.position : to;
  }
  if (last === 0) {
    return undefined;
  }
  reader.position = from;
  reader.tag(to);
  switch (last) {
    case valueTags.string: {
      reader.length(to);
      return reader.position === to
        ? undefined
        : textValue(hash(reader.bytes.subarray(reader.position, to)));
    }
    case valueTags.array:
    case valueTags.kvlist: {
      reader.length(to);
      return lengthField(
        last,
        hashedItems(reader, { end: to, isMap: last === valueTags.kvlist }, hash, newKey),
      );
    }
    default:
      return textValue(hash(valueText(reader, from, to)));
  }
}

function hashedItems(
  reader: WireReader,
  { end, isMap }: { readonly end: number; readonly isMap: boolean },
  hash: HashText,
  newKey: NewKey,
): Uint8Array {
  const parts: Uint8Array[] = [];
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag !== itemTag) {
      if (!reader.skip(tag, end)) {
        break;
      }
      continue;
    }
    const stop = reader.length(end);
    const start = reader.position;
    const content = isMap
      ? hashedEntry(reader, stop, hash, newKey)
      : (hashedValue(reader, { start, end: stop }, hash, newKey) ??
        reader.bytes.subarray(start, stop));
    parts.push(lengthField(itemTag, content));
    reader.position = stop;
  }
  return Buffer.concat(parts);
}

function hashedEntry(reader: WireReader, end: number, hash: HashText, newKey: NewKey): Uint8Array {
  const parts: Uint8Array[] = [];
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag !== keyTag && tag !== valueTag) {
      if (!reader.skip(tag, end)) {
        break;
      }
      continue;
    }
    const stop = reader.length(end);
    const start = reader.position;
    const content =
      tag === keyTag
        ? (newKey(start, stop) ?? reader.bytes.subarray(start, stop))
        : (hashedValue(reader, { start, end: stop }, hash, newKey) ??
          reader.bytes.subarray(start, stop));
    parts.push(lengthField(tag, content));
    reader.position = stop;
  }
  return Buffer.concat(parts);
}

/** The content of an `AnyValue` that is this text. */
export function textValue(text: string): Uint8Array {
  return lengthField(valueTags.string, Buffer.from(text));
}

function isMemberTag(tag: number): boolean {
  return Object.values(valueTags).some((member) => member === tag);
}
