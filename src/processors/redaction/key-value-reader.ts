import { tagOf, type WireReader } from "../../otlp/wire-reader.ts";

export const keyTag = tagOf(1, "length");
export const valueTag = tagOf(2, "length");

/** Where the key and the value of a `KeyValue` are. If one is sent twice, these are the last ones, which count. */
export interface KeyValueRange {
  keyStart: number;
  keyEnd: number;
  valueStart: number;
  /** Where the value ends; before `valueStart` if there is none. */
  valueEnd: number;
  /** How many fields it has of both. */
  fields: number;
}

/** An attribute has one key and one value, and perhaps fields that are not known yet. */
const maxFields = 1_000;

/** Reads the `KeyValue` from `start` up to `end`; undefined if it is malformed or has more than 1000 fields. Moves the reader. */
export function readKeyValue(
  reader: WireReader,
  start: number,
  end: number,
): Readonly<KeyValueRange> | undefined {
  const range: KeyValueRange = {
    keyStart: start,
    keyEnd: start,
    valueStart: start,
    valueEnd: start - 1,
    fields: 0,
  };
  reader.position = start;
  for (let left = maxFields; reader.position < end; left--) {
    const tag = reader.tag(end);
    if (left === 0) {
      return undefined;
    }
    if (tag !== keyTag && tag !== valueTag) {
      if (!reader.skip(tag, end)) {
        return undefined;
      }
      continue;
    }
    const stop = reader.length(end);
    if (stop < 0) {
      return undefined;
    }
    range.fields += 1;
    if (tag === keyTag) {
      range.keyStart = reader.position;
      range.keyEnd = stop;
    } else {
      range.valueStart = reader.position;
      range.valueEnd = stop;
    }
    reader.position = stop;
  }
  return range;
}
