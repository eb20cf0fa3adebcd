import { maxMessageDepth } from "../../otlp/message-description.ts";
import { tagOf, type WireReader } from "../../otlp/wire-reader.ts";
import { keyTag, valueTag } from "./key-value-reader.ts";
import { isPlainValue } from "./plain-value.ts";
import { valueTags } from "./value-text.ts";

const itemTag = tagOf(1, "length");

/** What the arrays and maps of a value hold, at any depth. */
export interface ValueSize {
  /** Texts, bytes and keys. */
  texts: number;
  /** Items of arrays and entries of maps, whatever they are, and fields that should not be there: unknown ones, and those that are sent again. */
  items: number;
}

type Kind = "value" | "array" | "map" | "entry";

/** A message that is being counted. */
interface Counted {
  readonly kind: Kind;
  readonly end: number;
  fields: number;
}

/**
 * The size of the `AnyValue` from `start` up to `end`. Stops where there is more than `max` of something, or something is malformed, or nests too
 * deep. Moves the reader.
 */
export function valueSize(
  reader: WireReader,
  { start, end }: { readonly start: number; readonly end: number },
  max: Readonly<ValueSize>,
): ValueSize {
  const size = { texts: 0, items: 0 };
  const open: Counted[] = [{ kind: "value", end, fields: 0 }];
  reader.position = start;
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    if (reader.position >= last.end) {
      open.pop();
      continue;
    }
    const tag = reader.tag(last.end);
    const inner = innerKind(last.kind, tag);
    count(size, last, tag);
    if (size.texts > max.texts || size.items > max.items || open.length > maxMessageDepth) {
      break;
    }
    if (inner === undefined) {
      if (!reader.skip(tag, last.end)) {
        break;
      }
      continue;
    }
    const stop = reader.length(last.end);
    if (stop < 0) {
      break;
    }
    if (inner === "value" && isPlainValue(reader.bytes, reader.position, stop)) {
      size.texts += isTextTag(reader.bytes[reader.position]) ? 1 : 0;
      reader.position = stop;
      continue;
    }
    open.push({ kind: inner, end: stop, fields: 0 });
  }
  return size;
}

function innerKind(kind: Kind, tag: number): Kind | undefined {
  switch (kind) {
    case "value":
      return tag === valueTags.array ? "array" : tag === valueTags.kvlist ? "map" : undefined;
    case "entry":
      return tag === valueTag ? "value" : undefined;
    case "array":
      return tag === itemTag ? "value" : undefined;
    case "map":
      return tag === itemTag ? "entry" : undefined;
    default: {
      const never: never = kind;
      return never;
    }
  }
}

/** Counts a field of a message. */
function count(size: ValueSize, message: Counted, tag: number): void {
  message.fields += 1;
  const { kind, fields } = message;
  const isText = kind === "value" ? isTextTag(tag) : kind === "entry" && tag === keyTag;
  size.texts += isText ? 1 : 0;
  size.items += kind === "array" || kind === "map" || fields > (kind === "value" ? 1 : 2) ? 1 : 0;
}

function isTextTag(tag: number | undefined): boolean {
  return tag === valueTags.string || tag === valueTags.bytes;
}
