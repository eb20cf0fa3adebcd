import { tagOf, type WireReader } from "../../otlp/wire-reader.ts";
import { keyTag, valueTag } from "./key-value-reader.ts";
import { valueTags } from "./value-text.ts";

const itemTag = tagOf(1, "length");

/**
 * How many texts, bytes and keys are in the arrays and maps of the `AnyValue` from `start` up to `end`, at any depth; one more than `max` if there are more.
 * Those of a malformed part do not count. Moves the reader.
 */
export function textsInContainers(
  reader: WireReader,
  { start, end }: { readonly start: number; readonly end: number },
  max: number,
): number {
  const first = reader.bytes[start];
  if (first === valueTags.string || end - start <= 2) {
    return 0; // Nearly all values.
  }
  reader.position = start;
  return textsIn(reader, end, { before: 0, max });
}

interface Count {
  readonly before: number;
  readonly max: number;
}

/** Counts from the reader's position, no further than it has to. */
function textsIn(reader: WireReader, end: number, { before, max }: Count): number {
  let texts = before;
  while (reader.position < end && texts <= max) {
    const tag = reader.tag(end);
    const isContainer = tag === valueTags.array || tag === valueTags.kvlist;
    if (!isContainer) {
      texts += tag === valueTags.string || tag === valueTags.bytes ? 1 : 0;
      if (!reader.skip(tag, end)) {
        return before;
      }
      continue;
    }
    const stop = reader.length(end);
    if (stop < 0) {
      return before;
    }
    texts = itemsIn(reader, stop, { before: texts, max }, tag === valueTags.kvlist);
    reader.position = stop;
  }
  return texts;
}

function itemsIn(reader: WireReader, end: number, { before, max }: Count, isMap: boolean): number {
  let texts = before;
  while (reader.position < end && texts <= max) {
    const tag = reader.tag(end);
    const stop = tag === itemTag ? reader.length(end) : -1;
    if (stop < 0) {
      if (tag === itemTag || !reader.skip(tag, end)) {
        return texts;
      }
      continue;
    }
    texts = isMap
      ? entryTexts(reader, stop, { before: texts, max })
      : textsIn(reader, stop, { before: texts, max });
    reader.position = stop;
  }
  return texts;
}

function entryTexts(reader: WireReader, end: number, { before, max }: Count): number {
  let texts = before;
  while (reader.position < end && texts <= max) {
    const tag = reader.tag(end);
    const stop = tag === keyTag || tag === valueTag ? reader.length(end) : -1;
    if (stop < 0) {
      if (tag === keyTag || tag === valueTag || !reader.skip(tag, end)) {
        return texts;
      }
      continue;
    }
    texts = tag === keyTag ? texts + 1 : textsIn(reader, stop, { before: texts, max });
    reader.position = stop;
  }
  return texts;
}
