import { lengthField } from "../../otlp/byte-replacements.ts";
import { maxMessageDepth } from "../../otlp/message-description.ts";
import { tagOf } from "../../otlp/wire-reader.ts";
import type { Fate, FieldRange, RedactionContext } from "./redaction-context.ts";
import { ScalarRedactor, type ValueTask } from "./scalar-redactor.ts";
import { isScalarTag, valueTags, valueText } from "./value-text.ts";

const itemTag = tagOf(1, "length");

/** Redacts an `AnyValue` and all that is in it. */
export class ValueRedactor {
  readonly #context: RedactionContext;
  readonly #scalars: ScalarRedactor;
  readonly #mapEntry: (range: FieldRange, task: ValueTask) => boolean;

  /** `mapEntry` redacts the entry of a map; false if it is malformed. */
  constructor(
    context: RedactionContext,
    mapEntry: (range: FieldRange, task: ValueTask) => boolean,
  ) {
    this.#context = context;
    this.#scalars = new ScalarRedactor(context);
    this.#mapEntry = mapEntry;
  }

  /** Redacts what is in the `AnyValue` from `start` up to `end`. */
  redact(start: number, end: number, task: ValueTask): Fate {
    const reader = this.#context.reader;
    const { bytes } = reader;
    if (task.depth > maxMessageDepth) {
      return "broken";
    }
    // Nearly all values are one text.
    if (task.search === undefined && !task.hasLists && bytes[start] === valueTags.string) {
      reader.position = start + 1;
      if (reader.length(end) === end) {
        return "stay";
      }
    }
    if (task.hasLists && (task.level === "attribute" || task.isBlocked)) {
      const fate = this.#listedValue(start, end, task);
      if (fate !== undefined) {
        return fate;
      }
    }
    reader.position = start;
    let fate: Fate = "stay";
    while (reader.position < end && fate !== "delete" && fate !== "broken") {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      const lengthStart = reader.position;
      if (!isLengthTag(tag)) {
        if (!reader.skip(tag, end)) {
          return "broken";
        }
        if (isScalarTag(tag)) {
          fate = this.#scalars.number(
            { fieldStart, lengthStart, start: fieldStart, end: reader.position },
            task,
          );
        }
        continue;
      }
      const stop = reader.length(end);
      if (stop < 0) {
        return "broken";
      }
      const range = { fieldStart, lengthStart, start: reader.position, end: stop };
      if (tag === valueTags.string || tag === valueTags.bytes) {
        fate = this.#scalars.text(range, task, tag === valueTags.bytes);
      } else {
        fate = this.#items(range, task, tag === valueTags.kvlist);
      }
      reader.position = stop;
    }
    return fate;
  }

  /** The items of an array or the entries of a map. */
  #items(range: FieldRange, task: ValueTask, isMap: boolean): Fate {
    const reader = this.#context.reader;
    const mark = this.#context.edits.open(range.lengthStart);
    let isGood = true;
    for (let index = 0; isGood && reader.position < range.end; ) {
      const fieldStart = reader.position;
      const tag = reader.tag(range.end);
      if (tag !== itemTag) {
        isGood = reader.skip(tag, range.end);
        continue;
      }
      const lengthStart = reader.position;
      const end = reader.length(range.end);
      if (end < 0) {
        return "broken";
      }
      const item = { fieldStart, lengthStart, start: reader.position, end };
      isGood = isMap ? this.#mapEntry(item, task) : this.#arrayItem(item, task, index);
      index += 1;
      reader.position = end;
    }
    this.#context.edits.close(mark, range.lengthStart, range.start, range.end);
    return isGood ? "stay" : "broken";
  }

  #arrayItem(range: FieldRange, task: ValueTask, index: number): boolean {
    const mark = this.#context.edits.open(range.lengthStart);
    const path = innerPath(this.#context.summary, task.path, `[${index}]`);
    const fate = this.redact(range.start, range.end, {
      ...task,
      level: task.level === "attribute" ? "nested" : task.level,
      path,
      depth: task.depth + 2,
    });
    if (fate === "delete") {
      this.#context.edits.backTo(mark);
      this.#context.edits.remove(range.fieldStart, range.end);
      if (task.level === "body") {
        this.#context.summary?.add("redacted", true, path);
      }
    } else {
      this.#context.edits.close(mark, range.lengthStart, range.start, range.end);
    }
    return fate !== "broken";
  }

  /**
   * What the lists do with an attribute that is no text: nothing (undefined), or it is allowed or becomes a masked text as a whole. A text is left to
   * `ScalarRedactor`.
   */
  #listedValue(start: number, end: number, task: ValueTask): Fate | undefined {
    const { lists } = this.#context.program;
    const { bytes } = this.#context.reader;
    if (bytes[start] === valueTags.string) {
      return undefined;
    }
    const isWritten = lists.redactsAllTypes;
    const written = isWritten ? valueText(this.#context.reader, start, end) : "";
    if (lists.isAllowedValue(written)) {
      this.#scalars.noteAllowed(task);
      return this.redact(start, end, { ...task, hasLists: false });
    }
    if (!task.isBlocked && !isWritten) {
      return undefined;
    }
    const masked = task.isBlocked
      ? lists.masked(written)
      : lists.withBlockedMasked(written, this.#context.budget);
    if (masked === written && !task.isBlocked) {
      return this.redact(start, end, { ...task, hasLists: false });
    }
    const text = Buffer.from(masked);
    this.#context.search(task.search, text, 0, text.length);
    this.#context.edits.replace(
      start,
      end,
      lengthField(
        valueTags.string,
        this.#context.found.count > 0 ? this.#context.withoutFoundIn(text) : text,
      ),
    );
    this.#scalars.countListed(task);
    return "stay";
  }
}

/** The way to a value, which only the summary of a body shows. */
export function innerPath(
  summary: RedactionContext["summary"],
  outer: string,
  inner: string,
): string {
  return summary === undefined || outer === "" ? inner : `${outer}.${inner}`;
}

function isLengthTag(tag: number): boolean {
  return (
    tag === valueTags.string ||
    tag === valueTags.array ||
    tag === valueTags.kvlist ||
    tag === valueTags.bytes
  );
}
