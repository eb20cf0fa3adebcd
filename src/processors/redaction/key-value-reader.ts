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

/** Reads the `KeyValue` from `start` up to `end`; undefined if it is malformed. Moves the reader. */
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
  while (reader.position < end) {
    const tag = reader.tag(end);
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
