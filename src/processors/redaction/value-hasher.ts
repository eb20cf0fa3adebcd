import { lengthField } from "../../otlp/byte-replacements.ts";
import { tagOf } from "../../otlp/wire-reader.ts";
import { keyTag, valueTag } from "./key-value-reader.ts";
import { isPlainValue } from "./plain-value.ts";
import type { FieldRange, RedactionContext } from "./redaction-context.ts";
import type { Steps } from "./steps.ts";
import { valueTags, valueText } from "./value-text.ts";

const itemTag = tagOf(1, "length");
const memberTags: ReadonlySet<number> = new Set(Object.values(valueTags));

type ContentRange = Omit<FieldRange, "fieldStart">;

/** Hashes whole values: texts, bytes, numbers as texts, and all that is in arrays and maps, but keys. Keys only lose what rules detect in them. */
export class ValueHasher {
  readonly #context: RedactionContext;

  constructor(context: RedactionContext) {
    this.#context = context;
  }

  /** Hashes a plain value. False if there is nothing to hash: it is empty. */
  plain(start: number, end: number): boolean {
    const { reader } = this.#context;
    const tag = reader.bytes[start];
    if (tag !== valueTags.string && tag !== valueTags.bytes) {
      this.#replace(start, end, valueText(reader, start, end));
      return true;
    }
    reader.position = start + 1;
    reader.length(end);
    if (reader.position === end) {
      return false;
    }
    this.#replace(start, end, reader.bytes.subarray(reader.position, end));
    return true;
  }

  /**
   * Hashes the `AnyValue` from `start` up to `end`. Of several members the last one counts, and the others go. False if there is nothing to hash:
   * no value, or an empty one. Moves the reader.
   */
  *value(start: number, end: number, place: number): Steps<boolean> {
    const { edits } = this.#context;
    const member = this.#lastMember(start, end);
    if (member === undefined) {
      return false;
    }
    if (member.fieldStart > start) {
      edits.remove(start, member.fieldStart);
    }
    let isHashed = true;
    if (member.tag === valueTags.array || member.tag === valueTags.kvlist) {
      yield* this.#items(member, member.tag === valueTags.kvlist, place);
    } else {
      isHashed = this.plain(member.fieldStart, member.end);
    }
    if (end > member.end) {
      edits.remove(member.end, end);
    }
    return isHashed;
  }

  /** Where the array or the map begins and ends that is the last member of an `AnyValue`; undefined if that is none. Moves the reader. */
  lastItems(start: number, end: number): Pick<FieldRange, "start" | "end"> | undefined {
    const member = this.#lastMember(start, end);
    return member?.tag === valueTags.array || member?.tag === valueTags.kvlist
      ? { start: member.fieldStart, end: member.end }
      : undefined;
  }

  #lastMember(start: number, end: number): (FieldRange & { readonly tag: number }) | undefined {
    const { reader } = this.#context;
    let last: (FieldRange & { readonly tag: number }) | undefined;
    reader.position = start;
    while (reader.position < end) {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      const lengthStart = reader.position;
      if (!reader.skip(tag, end)) {
        break;
      }
      if (memberTags.has(tag)) {
        last = { tag, fieldStart, lengthStart, start: lengthStart, end: reader.position };
      }
    }
    return last;
  }

  /** The items of an array or the entries of a map. */
  *#items({ lengthStart, end }: FieldRange, isMap: boolean, place: number): Steps<void> {
    const { reader, edits } = this.#context;
    const mark = edits.open(lengthStart);
    reader.position = lengthStart;
    reader.length(end);
    const start = reader.position;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag !== itemTag) {
        if (!reader.skip(tag, end)) {
          break;
        }
        continue;
      }
      const itemLengthStart = reader.position;
      const stop = reader.length(end);
      const item = { lengthStart: itemLengthStart, start: reader.position, end: stop };
      if (isMap) {
        yield* this.#entry(item, place);
      } else if (!this.#plainField(item)) {
        yield* this.#valueField(item, place);
      }
      edits.compact(reader.bytes, mark);
      reader.position = stop;
      if (this.#context.mustPause()) {
        yield;
      }
    }
    edits.close(mark, lengthStart, start, end);
  }

  /** An entry of a map. */
  *#entry({ lengthStart, start, end }: ContentRange, place: number): Steps<void> {
    const { reader, edits } = this.#context;
    const mark = edits.open(lengthStart);
    reader.position = start;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag !== keyTag && tag !== valueTag) {
        if (!reader.skip(tag, end)) {
          break;
        }
        continue;
      }
      const fieldLengthStart = reader.position;
      const stop = reader.length(end);
      const field = { lengthStart: fieldLengthStart, start: reader.position, end: stop };
      if (tag === keyTag) {
        this.#key(field, place);
      } else if (!this.#plainField(field)) {
        yield* this.#valueField(field, place);
      }
      reader.position = stop;
    }
    edits.close(mark, lengthStart, start, end);
  }

  #key({ lengthStart, start, end }: ContentRange, place: number): void {
    const { program, reader } = this.#context;
    const newKey = program.keyDecision(reader.bytes, start, end).newKeyAt?.(place);
    if (newKey !== undefined) {
      this.#context.replaceContent(lengthStart, end, newKey.bytes);
      this.#context.count(newKey.rule);
    }
  }

  /** Hashes the value that is the content of a field; false if it is not plain. */
  #plainField({ lengthStart, start, end }: ContentRange): boolean {
    const { reader, edits } = this.#context;
    if (!isPlainValue(reader.bytes, start, end)) {
      return false;
    }
    const mark = edits.open(lengthStart);
    this.plain(start, end);
    edits.close(mark, lengthStart, start, end);
    return true;
  }

  *#valueField({ lengthStart, start, end }: ContentRange, place: number): Steps<void> {
    const mark = this.#context.edits.open(lengthStart);
    yield* this.value(start, end, place);
    this.#context.edits.close(mark, lengthStart, start, end);
  }

  #replace(start: number, end: number, text: Uint8Array | string): void {
    this.#context.edits.replace(start, end, textValue(this.#context.hash(text)));
  }
}

/** The content of an `AnyValue` that is this text. */
export function textValue(text: string | Uint8Array): Uint8Array {
  return lengthField(valueTags.string, Buffer.from(text));
}
