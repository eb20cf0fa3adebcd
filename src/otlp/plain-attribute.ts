import { isText } from "./text-check.ts";
import { tagOf, type WireReader } from "./wire-reader.ts";

// Constants of this module are part of the machine code, imported ones are looked up at every use.
const keyTag = tagOf(1, "length");
const valueTag = tagOf(2, "length");
const stringTag = tagOf(1, "length");
const boolTag = tagOf(2, "varint");
const intTag = tagOf(3, "varint");
const doubleTag = tagOf(4, "fixed64");

/** Whether it is a valid `KeyValue` in the shape that nearly all have: a short key, then a value of a common type. */
export function isPlainAttribute({ bytes, view }: WireReader, start: number, end: number): boolean {
  const keyStart = start + 2;
  if (keyStart > end || bytes[start] !== keyTag) {
    return false;
  }
  const keyEnd = keyStart + (bytes[start + 1] ?? 0);
  let valueStart = keyEnd + 2;
  if (keyEnd >= keyStart + 0x80 || valueStart > end || bytes[keyEnd] !== valueTag) {
    return false;
  }
  let size = bytes[keyEnd + 1] ?? 0;
  if (size >= 0x80) {
    size = (size & 0x7f) | ((bytes[valueStart] ?? 0) << 7);
    valueStart += 1;
  }
  if (size >= 0x4000 || valueStart + size !== end || !isText(bytes, view, keyStart, keyEnd)) {
    return false;
  }
  switch (size === 0 ? stringTag : bytes[valueStart]) {
    case stringTag: {
      let textSize = bytes[valueStart + 1] ?? 0;
      let textStart = valueStart + 2;
      if (textSize >= 0x80) {
        textSize = (textSize & 0x7f) | ((bytes[textStart] ?? 0) << 7);
        textStart += 1;
      }
      return size === 0 || (textStart + textSize === end && isText(bytes, view, textStart, end));
    }
    case intTag:
    case boolTag:
      return size <= 11 && size >= 2 && isVarint(bytes, valueStart + 1, end);
    case doubleTag:
      return size === 9;
    default:
      return false;
  }
}

/** Whether the bytes are one varint. */
function isVarint(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end - 1 && (bytes[at] ?? 0) >= 0x80) {
    at += 1;
  }
  return at === end - 1 && (bytes[at] ?? 0) < 0x80;
}
