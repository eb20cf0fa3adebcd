import type { ReplacementMark } from "../../otlp/byte-replacements.ts";
import { maxMessageDepth } from "../../otlp/message-description.ts";
import { forgetView, tagOf, WireReader } from "../../otlp/wire-reader.ts";
import { isPlainValue } from "./plain-value.ts";
import type { Fate, FieldRange, RedactionContext } from "./redaction-context.ts";
import { ScalarRedactor, textField, type ValueTask } from "./scalar-redactor.ts";
import { type Steps, type Stepwise, stepsOf } from "./steps.ts";
import { innerPath } from "./summary-attributes.ts";
import { maxSearchedBytes } from "./value-search.ts";
import { isScalarTag, valueTags, valueText } from "./value-text.ts";

const itemTag = tagOf(1, "length");

/** The items of an array or the entries of a map that are being redacted. */
interface Items {
  readonly range: FieldRange;
  readonly task: ValueTask;
  readonly isMap: boolean;
  readonly mark: ReplacementMark;
  /** Of the next item. */
  index: number;
  /** Where the last one ends that was begun. */
  end: number;
  isGood: boolean;
}

/** What redacts the values in arrays and maps. */
export interface InnerRedactors {
  /** Redacts the entry of a map; false if it is malformed. */
  readonly mapEntry: (range: FieldRange, task: ValueTask) => Stepwise<boolean>;
  /** Redacts the value of an item of an array in which a rule hashes what those before it leave. */
  readonly hashedItem: (range: FieldRange, task: ValueTask) => Stepwise<Fate>;
}

/** Redacts what is in an `AnyValue`. */
export class ValueRedactor {
  readonly #context: RedactionContext;
  readonly #scalars: ScalarRedactor;
  readonly #inner: InnerRedactors;

  constructor(context: RedactionContext, inner: InnerRedactors) {
    this.#context = context;
    this.#scalars = new ScalarRedactor(context);
    this.#inner = inner;
  }

  /** Redacts the plain value from `start` up to `end`. */
  plain(start: number, end: number, task: ValueTask): Fate {
    const { reader } = this.#context;
    if (task.depth > maxMessageDepth) {
      return "broken";
    }
    const tag = reader.bytes[start] ?? 0;
    const lengthStart = start + 1;
    if (isScalarTag(tag)) {
      return this.#scalars.number({ fieldStart: start, lengthStart, start, end }, task);
    }
    if (task.search === undefined && !this.#scalars.isListed(task)) {
      return "stay";
    }
    reader.position = lengthStart;
    reader.length(end);
    const range = { fieldStart: start, lengthStart, start: reader.position, end };
    return this.#scalars.text(range, task, tag === valueTags.bytes);
  }

  /** Redacts any value from `start` up to `end`. Moves the reader. */
  redact(start: number, end: number, task: ValueTask): Stepwise<Fate> {
    if (task.depth > maxMessageDepth) {
      return "broken";
    }
    const isListed = this.#scalars.isListed(task) && (task.level === "attribute" || task.isBlocked);
    return isListed ? this.#listed(start, end, task) : this.#content(start, end, task);
  }

  /** Redacts what is in a value. */
  #content(start: number, end: number, task: ValueTask): Stepwise<Fate> {
    const { reader } = this.#context;
    reader.position = start;
    const tag = reader.tag(end);
    const isMap = tag === valueTags.kvlist;
    const lengthStart = reader.position;
    return (isMap || tag === valueTags.array) && reader.length(end) === end
      ? this.#items({ fieldStart: start, lengthStart, start: reader.position, end }, task, isMap)
      : this.#members(start, end, task);
  }

  /** Redacts each member of a value. There should be only one. */
  *#members(start: number, end: number, task: ValueTask): Steps<Fate> {
    const { reader } = this.#context;
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
          const range = { fieldStart, lengthStart, start: fieldStart, end: reader.position };
          fate = this.#scalars.number(range, task);
        }
      } else {
        const stop = reader.length(end);
        if (stop < 0) {
          return "broken";
        }
        const range = { fieldStart, lengthStart, start: reader.position, end: stop };
        const redacted =
          tag === valueTags.string || tag === valueTags.bytes
            ? this.#scalars.text(range, task, tag === valueTags.bytes)
            : this.#items(range, task, tag === valueTags.kvlist);
        fate = typeof redacted === "object" ? yield* redacted : redacted;
        reader.position = stop;
      }
      if (this.#context.mustPause()) {
        yield;
      }
    }
    return fate;
  }

  /** The items of an array or the entries of a map. */
  #items(range: FieldRange, task: ValueTask, isMap: boolean): Stepwise<Fate> {
    const mark = this.#context.edits.open(range.lengthStart);
    const items: Items = { range, task, isMap, mark, index: 0, end: range.start, isGood: true };
    const steps = this.#advance(items);
    return steps === undefined ? this.#finish(items) : this.#rest(items, steps);
  }

  *#rest(items: Items, first: Steps<boolean>): Steps<Fate> {
    for (let steps: Steps<boolean> | undefined = first; steps !== undefined; ) {
      items.isGood = yield* steps;
      steps = this.#advance(items);
    }
    return this.#finish(items);
  }

  /** Redacts items up to the last one, or returns the steps that the next one takes. Moves the reader from where the one before it ends. */
  #advance(items: Items): Steps<boolean> | undefined {
    const { reader, edits } = this.#context;
    const { task, isMap, mark } = items;
    const last = items.range.end;
    reader.position = items.end;
    while (items.isGood && reader.position < last) {
      const fieldStart = reader.position;
      const tag = reader.tag(last);
      if (tag !== itemTag) {
        items.isGood = reader.skip(tag, last);
        continue;
      }
      const lengthStart = reader.position;
      const end = reader.length(last);
      if (end < 0) {
        items.isGood = false;
        return undefined;
      }
      const item = { fieldStart, lengthStart, start: reader.position, end };
      edits.compact(reader.bytes, mark);
      const isGood = isMap
        ? this.#inner.mapEntry(item, task)
        : this.#arrayItem(item, task, items.index);
      items.index += 1;
      items.end = end;
      if (typeof isGood === "object") {
        return isGood;
      }
      items.isGood = isGood;
      reader.position = end;
      if (isGood && this.#context.mustPause()) {
        return pause();
      }
    }
    return undefined;
  }

  #finish({ range, mark, isGood }: Items): Fate {
    this.#context.edits.close(mark, range.lengthStart, range.start, range.end);
    return isGood ? "stay" : "broken";
  }

  #arrayItem(range: FieldRange, outer: ValueTask, index: number): Stepwise<boolean> {
    const { summary } = this.#context;
    const task: ValueTask = {
      ...outer,
      level: outer.level === "attribute" ? "nested" : outer.level,
      path: summary === undefined ? outer.path : innerPath(summary, outer.path, `[${index}]`),
      depth: outer.depth + 2,
    };
    const mark = this.#context.edits.open(range.lengthStart);
    const fate = this.#itemValue(range, task);
    return typeof fate === "object"
      ? this.#largeItem(fate, range, task, mark)
      : this.#closeItem(fate, range, task, mark);
  }

  #itemValue(range: FieldRange, task: ValueTask): Stepwise<Fate> {
    const { start, end } = range;
    if (task.inside !== undefined && task.inside.hashedBy >= 0) {
      return this.#inner.hashedItem(range, task);
    }
    return isPlainValue(this.#context.reader.bytes, start, end)
      ? this.plain(start, end, task)
      : this.redact(start, end, task);
  }

  *#largeItem(
    steps: Steps<Fate>,
    range: FieldRange,
    task: ValueTask,
    mark: ReplacementMark,
  ): Steps<boolean> {
    return this.#closeItem(yield* steps, range, task, mark);
  }

  #closeItem(fate: Fate, range: FieldRange, task: ValueTask, mark: ReplacementMark): boolean {
    const { edits, summary } = this.#context;
    if (fate === "delete") {
      edits.backTo(mark);
      edits.remove(range.fieldStart, range.end);
      if (task.level === "body") {
        summary?.add("redacted", true, task.path);
      }
    } else {
      edits.close(mark, range.lengthStart, range.start, range.end);
    }
    return fate !== "broken";
  }

  /**
   * What the lists do with an array or a map that is an attribute or has a blocked key: it is allowed, or becomes a masked text as a whole. Else they apply to what is in it.
   */
  *#listed(start: number, end: number, task: ValueTask): Steps<Fate> {
    const { program, reader, edits } = this.#context;
    const { lists } = program;
    const isBody = task.level === "body";
    const isWritten = lists.redactsAllTypes && !isBody;
    const isLong = isWritten && end - start > maxSearchedBytes;
    const written = isWritten && !isLong ? valueText(reader, start, end) : "";
    if (!isBody && !isLong && lists.isAllowedValue(written)) {
      this.#scalars.noteAllowed(task);
      return yield* stepsOf(this.#content(start, end, { ...task, lists: "none" }));
    }
    if (task.isBlocked || (isLong && lists.blocksValues)) {
      const masked = lists.masked(isLong ? reader.bytes.subarray(start, end) : written);
      edits.replace(start, end, textField(masked));
      this.#scalars.countListed(task);
      return "stay";
    }
    if (isWritten && !isLong && lists.blocksValues) {
      const fate = yield* this.#asText(start, end, task);
      if (fate !== undefined) {
        return fate;
      }
    }
    return yield* stepsOf(this.#content(start, end, task));
  }

  /**
   * Masks in the text of what the rules leave of a value, if something in it is blocked. Else nothing changes, and it returns undefined, as it does if something in the value
   * is kept: then the lists apply to each value in it.
   */
  *#asText(start: number, end: number, task: ValueTask): Steps<Fate | undefined> {
    const { program, reader, edits, budget, summary } = this.#context;
    const before = this.#context.checkpoint();
    const summaryBefore = summary?.checkpoint();
    const keptBefore = this.#context.kept;
    const { matchesLeft } = budget;
    const fate = yield* stepsOf(this.#content(start, end, { ...task, lists: "blocked keys" }));
    if (fate === "broken" || fate === "delete") {
      return fate;
    }
    const rest = edits.changed(reader.bytes, start, end, before.mark);
    const text = valueText(new WireReader(rest), 0, rest.length);
    forgetView();
    const masked = program.lists.withBlockedMasked(text, budget);
    if (masked === text || this.#context.kept > keptBefore) {
      this.#context.backTo(before);
      if (summaryBefore !== undefined) {
        summary?.backTo(summaryBefore);
      }
      budget.matchesLeft = matchesLeft;
      return undefined;
    }
    edits.backTo(before.mark);
    edits.replace(start, end, textField(masked));
    this.#scalars.countListed(task);
    return fate;
  }
}

function* pause(): Steps<boolean> {
  yield;
  return true;
}

function isLengthTag(tag: number): boolean {
  return (
    tag === valueTags.string ||
    tag === valueTags.array ||
    tag === valueTags.kvlist ||
    tag === valueTags.bytes
  );
}
