import { type ByteReplacements, lengthField } from "../../otlp/byte-replacements.ts";
import { maxMessageDepth } from "../../otlp/message-description.ts";
import { tagOf, type WireReader } from "../../otlp/wire-reader.ts";
import { FoundRanges } from "./found-ranges.ts";
import { hashedValue } from "./hashed-value.ts";
import { keyTag, readKeyValue, valueTag } from "./key-value-reader.ts";
import { placeIndex } from "./redaction-places.ts";
import type { KeyDecision, RedactionProgram, ValueDecision } from "./redaction-program.ts";
import type { SummaryAttributes } from "./summary-attributes.ts";
import { matchesPerRequest, type SearchOutcome, type ValueSearch } from "./value-search.ts";
import { textOf, valueTags, valueText } from "./value-text.ts";

/** A field with a length: where its tag, its length and its content begin, and where it ends. */
export interface FieldRange {
  readonly fieldStart: number;
  readonly lengthStart: number;
  readonly start: number;
  readonly end: number;
}

/** A value and what is to be done with it. */
interface ValueTask {
  readonly place: number;
  readonly search: ValueSearch | undefined;
  /** Whether the lists of the Collector's processor apply. */
  readonly hasLists: boolean;
  /** Whether its key is blocked. */
  readonly isBlocked: boolean;
  /**
   * Where the value is, which decides what the lists do: of an attribute itself, below an attribute, or in the body of a log record, all of whose
   * keys have to be allowed.
   */
  readonly level: "attribute" | "nested" | "body";
  /** Its key, or in a body the way to it. */
  readonly path: string;
  readonly depth: number;
}

/** What becomes of the entry that holds a value. */
type Fate = Exclude<SearchOutcome, "ranges"> | "stay" | "broken";

const itemTag = tagOf(1, "length");
/** How many messages are around an attribute at least. */
const outerDepth = 4;
/** How many hashes of a request are kept, so that a session key on every span is hashed once. */
const maxHashes = 1_000;

/**
 * Redacts the attributes, bodies and texts of one request. Notes the changes in `edits`, which must come in the order of the bytes. Moves the reader.
 */
export class AttributeRedactor {
  readonly #program: RedactionProgram;
  readonly #reader: WireReader;
  readonly #edits: ByteReplacements;
  readonly #counts: Float64Array;
  readonly #found = new FoundRanges();
  readonly #budget = { matchesLeft: matchesPerRequest };
  readonly #searching = { found: this.#found, budget: this.#budget };
  readonly #hashes = new Map<string, string>();
  readonly #hasLists: boolean;
  /** The summary that the attributes belong to, if there is one. */
  summary: SummaryAttributes | undefined;
  /** Whether the attributes are those of an event that is content by its name. */
  isContent = false;

  constructor(
    program: RedactionProgram,
    {
      reader,
      edits,
      counts,
    }: {
      readonly reader: WireReader;
      readonly edits: ByteReplacements;
      readonly counts: Float64Array;
    },
  ) {
    this.#program = program;
    this.#reader = reader;
    this.#edits = edits;
    this.#counts = counts;
    this.#hasLists = program.lists.hasValues;
  }

  /**
   * Whether nothing changes in the attribute from `start` up to `end`, as in nearly all of them: a short key and one text, number or truth value. False
   * if that takes a closer look.
   */
  isUntouched(start: number, end: number, place: number): boolean {
    const { bytes } = this.#reader;
    const keyStart = start + 2;
    const keyEnd = keyStart + (bytes[start + 1] ?? 0);
    if (bytes[start] !== keyTag || keyEnd >= keyStart + 0x80 || bytes[keyEnd] !== valueTag) {
      return false;
    }
    const valueStart = contentStart(bytes, keyEnd + 1, end);
    if (valueStart < 0) {
      return false;
    }
    const decision = this.#program.keyDecision(bytes, keyStart, keyEnd);
    if (decision.isSummary || decision.isIgnored || !decision.isAllowed || decision.isBlocked) {
      return false;
    }
    const { wholeBy, search } = decision.valueAt(this.isContent ? twinOf(place) : place);
    if (wholeBy >= 0 || decision.newKeyAt !== undefined || this.#hasLists) {
      return false;
    }
    if (bytes[valueStart] === valueTags.string) {
      const textStart = contentStart(bytes, valueStart + 1, end);
      if (textStart < 0 || search === undefined) {
        return textStart >= 0;
      }
      const { outcome } = search.search(bytes, textStart, end, this.#searching);
      return outcome === "ranges" && this.#found.count === 0;
    }
    return isScalarTag(bytes[valueStart] ?? 0) && !this.#program.lists.redactsAllTypes
      ? isWholeScalar(bytes, valueStart, end)
      : false;
  }

  /** Redacts an attribute; false if it is malformed. */
  attribute(range: FieldRange, place: number): boolean {
    const reader = this.#reader;
    const keyValue = readKeyValue(reader, range.start, range.end);
    if (keyValue === undefined) {
      return false;
    }
    const { keyStart, keyEnd } = keyValue;
    const decision = this.#program.keyDecision(reader.bytes, keyStart, keyEnd);
    if (decision.isSummary && this.#isOfSummary(range, keyValue, decision)) {
      return true;
    }
    if (decision.isIgnored) {
      this.summary?.add("ignored", false, decision.key);
      return true;
    }
    if (!decision.isAllowed) {
      this.#edits.remove(range.fieldStart, range.end);
      this.#count(this.#program.listIndex.allowedKeys);
      this.summary?.add("redacted", false, decision.key);
      return true;
    }
    return this.#entry(range, decision, {
      place: this.isContent ? twinOf(place) : place,
      level: "attribute",
      path: decision.key,
      depth: outerDepth,
      fields: keyValue.fields,
    });
  }

  /** Redacts the body of a log record; false if it is malformed. */
  body(range: FieldRange, place: number): boolean {
    const actual = this.isContent ? placeIndex.contentBody : place;
    const { wholeBy, search } = this.#program.textDecision(actual);
    const action = this.#program.rules[wholeBy]?.action;
    const mark = this.#edits.open(range.lengthStart);
    let fate: Fate = "stay";
    if (action !== undefined && action !== "keep" && search === undefined) {
      fate = this.#whole(wholeBy, range.start, range.end);
    } else {
      fate = this.#value(range.start, range.end, {
        place: actual,
        search,
        hasLists: action === undefined,
        isBlocked: false,
        level: "body",
        path: "",
        depth: outerDepth - 1,
      });
      if (fate === "stay" && action !== undefined && action !== "keep") {
        this.#edits.backTo(mark);
        this.#edits.open(range.lengthStart);
        fate = this.#whole(wholeBy, range.start, range.end);
      }
    }
    if (fate === "delete") {
      this.#edits.backTo(mark);
      this.#edits.remove(range.fieldStart, range.end);
      this.summary?.add("redacted", true, "body");
    } else {
      this.#edits.close(mark, range.lengthStart, range.start, range.end);
    }
    return fate !== "broken";
  }

  /** Redacts a text that has no key, such as a name. */
  text(range: FieldRange, place: number): void {
    const { wholeBy, search } = this.#program.textDecision(place);
    const { bytes } = this.#reader;
    const { start, end, lengthStart } = range;
    const rules = this.#program.rules;
    if ((wholeBy < 0 && search === undefined) || start === end) {
      return;
    }
    const result = search?.search(bytes, start, end, this.#searching);
    const decidedBy = result?.outcome === "delete" ? result.by : wholeBy;
    const action = result?.outcome === "keep" ? "keep" : rules[decidedBy]?.action;
    if (action === "delete") {
      this.#edits.remove(range.fieldStart, end);
    } else if (action === "hash" || action === "mask") {
      const text =
        action === "hash" ? this.#hash(bytes.subarray(start, end)) : this.#program.lists.mask;
      this.#replaceContent(lengthStart, end, Buffer.from(text));
    } else {
      if (this.#found.count > 0 && search !== undefined) {
        this.#replaceContent(lengthStart, end, this.#withoutFound(start, end));
      }
      return;
    }
    this.#count(decidedBy);
  }

  /** An earlier summary is taken over into the new one. Without a new one it is an ordinary attribute where it is not allowed. */
  #isOfSummary(
    range: FieldRange,
    { valueStart, valueEnd }: { readonly valueStart: number; readonly valueEnd: number },
    { key, isAllowed }: KeyDecision,
  ): boolean {
    if (this.summary === undefined) {
      return isAllowed;
    }
    const text = valueText(this.#reader, valueStart, valueEnd);
    const isCount = key.endsWith(".count");
    const count = Number(text);
    if (!isCount || Number.isSafeInteger(count)) {
      this.summary.addEarlier(key, isCount ? count : text);
    }
    this.#edits.remove(range.fieldStart, range.end);
    return true;
  }

  /** Redacts an attribute or an entry of a map whose key is allowed; false if it is malformed. */
  #entry(
    range: FieldRange,
    decision: KeyDecision,
    where: Pick<ValueTask, "place" | "level" | "path" | "depth"> & { readonly fields: number },
  ): boolean {
    const value = decision.valueAt(where.place);
    const newKey = decision.newKeyAt?.(where.place);
    const action = this.#program.rules[value.wholeBy]?.action;
    if (action === "delete" && value.search === undefined) {
      this.#delete(range, value.wholeBy, where);
      return true;
    }
    const mark = this.#edits.open(range.lengthStart);
    const reader = this.#reader;
    reader.position = range.start;
    let fate: Fate = "stay";
    let keysLeft = 0;
    let valuesLeft = 0;
    if (where.fields > 2) {
      [keysLeft, valuesLeft] = this.#countFields(range);
    }
    let hasValue = false;
    while (reader.position < range.end && fate === "stay") {
      const fieldStart = reader.position;
      const tag = reader.tag(range.end);
      if (tag !== keyTag && tag !== valueTag) {
        reader.skip(tag, range.end);
        continue;
      }
      const lengthStart = reader.position;
      const end = reader.length(range.end);
      const start = reader.position;
      if (tag === keyTag) {
        keysLeft -= 1;
        if (keysLeft > 0) {
          this.#edits.remove(fieldStart, end); // A later one counts, but this one can be read.
        } else if (newKey !== undefined) {
          this.#replaceContent(lengthStart, end, newKey.bytes);
          this.#count(newKey.rule);
        }
      } else {
        valuesLeft -= 1;
        if (valuesLeft > 0 && action !== undefined && action !== "keep") {
          this.#edits.remove(fieldStart, end);
        } else {
          hasValue = true;
          fate = this.#entryValue({ fieldStart, lengthStart, start, end }, decision, value, where);
        }
      }
      reader.position = end;
    }
    if (action === "delete" && !hasValue) {
      this.#count(value.wholeBy);
      fate = "delete";
    }
    if (action === "mask" && !hasValue && fate === "stay") {
      this.#edits.replace(range.end, range.end, lengthField(valueTag, this.#maskValue()));
      this.#count(value.wholeBy);
    }
    if (fate === "delete") {
      this.#edits.backTo(mark);
      this.#edits.remove(range.fieldStart, range.end);
      this.summary?.add("redacted", where.level === "body", where.path);
      return true;
    }
    const hasChanged = this.#edits.close(mark, range.lengthStart, range.start, range.end);
    if (action === "keep" || fate === "keep") {
      this.summary?.add("ignored", where.level === "body", where.path);
    } else if (hasChanged && where.level === "attribute") {
      this.summary?.add("masked", false, where.path);
    }
    reader.position = range.end;
    return fate !== "broken";
  }

  /** The value of an entry, in its field. */
  #entryValue(
    { lengthStart, start, end }: FieldRange,
    decision: KeyDecision,
    { wholeBy, search }: ValueDecision,
    where: Pick<ValueTask, "place" | "level" | "path" | "depth">,
  ): Fate {
    const action = this.#program.rules[wholeBy]?.action;
    const replaces = action === "hash" || action === "mask" || action === "delete";
    const mark = this.#edits.open(lengthStart);
    let fate: Fate = "stay";
    if (!replaces || search !== undefined) {
      fate = this.#value(start, end, {
        ...where,
        search,
        hasLists: action === undefined && (this.#hasLists || decision.isBlocked),
        isBlocked: decision.isBlocked,
      });
    }
    if (replaces && fate === "stay") {
      this.#edits.backTo(mark);
      this.#edits.open(lengthStart);
      fate = this.#whole(wholeBy, start, end);
    }
    this.#edits.close(mark, lengthStart, start, end);
    return fate;
  }

  /** Hashes, masks or deletes a whole value. */
  #whole(rule: number, start: number, end: number): Fate {
    const action = this.#program.rules[rule]?.action;
    if (action === "delete") {
      this.#count(rule);
      return "delete";
    }
    const value =
      action === "hash" ? hashedValue(this.#reader, start, end, this.#hash) : this.#maskValue();
    if (value === undefined) {
      return "stay"; // There is nothing to hash.
    }
    this.#edits.replace(start, end, value);
    this.#count(rule);
    return "stay";
  }

  /** Redacts what is in the `AnyValue` from `start` up to `end`. */
  #value(start: number, end: number, task: ValueTask): Fate {
    const reader = this.#reader;
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
    if (task.hasLists && task.level === "attribute") {
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
          fate = this.#scalar(
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
        fate = this.#textValue(range, task, tag === valueTags.bytes);
      } else {
        fate = this.#items(range, task, tag === valueTags.kvlist);
      }
      reader.position = stop;
    }
    return fate;
  }

  /** The items of an array or the entries of a map. */
  #items(range: FieldRange, task: ValueTask, isMap: boolean): Fate {
    const reader = this.#reader;
    const mark = this.#edits.open(range.lengthStart);
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
    this.#edits.close(mark, range.lengthStart, range.start, range.end);
    return isGood ? "stay" : "broken";
  }

  #arrayItem(range: FieldRange, task: ValueTask, index: number): boolean {
    const mark = this.#edits.open(range.lengthStart);
    const fate = this.#value(range.start, range.end, {
      ...task,
      level: task.level === "attribute" ? "nested" : task.level,
      path: this.#path(task.path, `[${index}]`),
      depth: task.depth + 2,
    });
    if (fate === "delete") {
      this.#edits.backTo(mark);
      this.#edits.remove(range.fieldStart, range.end);
    } else {
      this.#edits.close(mark, range.lengthStart, range.start, range.end);
    }
    return fate !== "broken";
  }

  #mapEntry(range: FieldRange, task: ValueTask): boolean {
    const reader = this.#reader;
    const keyValue = readKeyValue(reader, range.start, range.end);
    if (keyValue === undefined) {
      return false;
    }
    const decision = this.#program.keyDecision(reader.bytes, keyValue.keyStart, keyValue.keyEnd);
    const isBody = task.level === "body";
    const path = this.#path(task.path, decision.key);
    if (decision.isIgnored) {
      if (isBody) {
        this.summary?.add("ignored", true, path);
      }
      return true;
    }
    // An attribute is allowed with everything in it.
    if (isBody && !decision.isAllowed) {
      this.#edits.remove(range.fieldStart, range.end);
      this.#count(this.#program.listIndex.allowedKeys);
      this.summary?.add("redacted", true, path);
      return true;
    }
    return this.#entry(range, decision, {
      place: task.place,
      level: isBody ? "body" : "nested",
      path,
      depth: task.depth + 2,
      fields: keyValue.fields,
    });
  }

  /** A text, or bytes, which may be a text. */
  #textValue(range: FieldRange, task: ValueTask, isBytes: boolean): Fate {
    const { start, end, lengthStart } = range;
    const { bytes } = this.#reader;
    const { lists } = this.#program;
    this.#found.clear();
    const result = task.search?.search(bytes, start, end, this.#searching);
    if (result?.outcome === "delete") {
      this.#count(result.by);
      return "delete";
    }
    const fate: Fate = result?.outcome === "keep" ? "keep" : "stay";
    const isListed =
      task.hasLists &&
      fate === "stay" &&
      (!isBytes || task.level === "body" || lists.redactsAllTypes);
    if (!isListed) {
      if (this.#found.count > 0) {
        this.#replaceContent(lengthStart, end, this.#withoutFound(start, end));
      }
      return fate;
    }
    const written = isBytes
      ? Buffer.from(bytes.subarray(start, end)).toString("base64")
      : textOf(bytes, start, end);
    const isBody = task.level === "body";
    if ((!isBody || !task.isBlocked) && lists.isAllowedValue(written)) {
      this.#noteAllowed(task);
    } else {
      const redacted =
        this.#found.count > 0 && !isBytes
          ? Buffer.from(this.#withoutFound(start, end)).toString("utf8")
          : written;
      const masked = task.isBlocked
        ? lists.masked(written)
        : lists.withBlockedMasked(redacted, this.#budget);
      if (masked !== redacted || task.isBlocked) {
        this.#edits.replace(
          range.fieldStart,
          end,
          lengthField(valueTags.string, Buffer.from(masked)),
        );
        this.#countListed(task);
        return "stay";
      }
    }
    if (this.#found.count > 0) {
      this.#replaceContent(lengthStart, end, this.#withoutFound(start, end));
    }
    return "stay";
  }

  /** A number or a truth value, which is matched as a text where all types are. */
  #scalar(range: FieldRange, task: ValueTask): Fate {
    const { lists } = this.#program;
    const isSearched = lists.redactsAllTypes && task.search?.hasPatterns === true;
    const isListed =
      task.hasLists && (task.level === "body" || lists.redactsAllTypes || task.isBlocked);
    if (!isSearched && !isListed) {
      return "stay";
    }
    const after = this.#reader.position;
    const written = valueText(this.#reader, range.fieldStart, range.end);
    this.#reader.position = after;
    const text = Buffer.from(written);
    this.#found.clear();
    const result = isSearched
      ? task.search?.search(text, 0, text.length, this.#searching)
      : undefined;
    if (result?.outcome === "delete") {
      this.#count(result.by);
      return "delete";
    }
    if (result?.outcome === "keep") {
      return "keep";
    }
    const redacted = this.#found.count > 0 ? this.#withoutFoundIn(text).toString("utf8") : written;
    let masked = redacted;
    if (isListed) {
      if (!task.isBlocked && lists.isAllowedValue(written)) {
        this.#noteAllowed(task);
      } else {
        // As in the Collector: what is no text is masked, or hashed, as an empty one.
        masked = task.isBlocked
          ? lists.masked("")
          : lists.withBlockedMasked(redacted, this.#budget);
        if (masked !== redacted) {
          this.#countListed(task);
        }
      }
    }
    if (masked !== written) {
      this.#edits.replace(
        range.fieldStart,
        range.end,
        lengthField(valueTags.string, Buffer.from(masked)),
      );
    }
    return "stay";
  }

  /**
   * What the lists do with an attribute that is no text: nothing (undefined), or it is allowed or becomes a masked text as a whole. A text is left to
   * `#textValue`.
   */
  #listedValue(start: number, end: number, task: ValueTask): Fate | undefined {
    const { lists } = this.#program;
    const { bytes } = this.#reader;
    if (bytes[start] === valueTags.string) {
      return undefined;
    }
    const isWritten = lists.redactsAllTypes;
    const written = isWritten ? valueText(this.#reader, start, end) : "";
    if (lists.isAllowedValue(written)) {
      this.#noteAllowed(task);
      return this.#value(start, end, { ...task, hasLists: false });
    }
    if (!task.isBlocked && !isWritten) {
      return undefined;
    }
    const masked = task.isBlocked
      ? lists.masked(written)
      : lists.withBlockedMasked(written, this.#budget);
    if (masked === written && !task.isBlocked) {
      return this.#value(start, end, { ...task, hasLists: false });
    }
    const text = Buffer.from(masked);
    this.#found.clear();
    task.search?.search(text, 0, text.length, this.#searching);
    this.#edits.replace(
      start,
      end,
      lengthField(valueTags.string, this.#found.count > 0 ? this.#withoutFoundIn(text) : text),
    );
    this.#countListed(task);
    return "stay";
  }

  #delete(
    range: FieldRange,
    rule: number,
    { level, path }: Pick<ValueTask, "level" | "path">,
  ): void {
    this.#edits.remove(range.fieldStart, range.end);
    this.#count(rule);
    this.summary?.add("redacted", level === "body", path);
  }

  #countFields(range: FieldRange): [keys: number, values: number] {
    const reader = this.#reader;
    let keys = 0;
    let values = 0;
    while (reader.position < range.end) {
      const tag = reader.tag(range.end);
      keys += tag === keyTag ? 1 : 0;
      values += tag === valueTag ? 1 : 0;
      reader.skip(tag, range.end);
    }
    reader.position = range.start;
    return [keys, values];
  }

  #noteAllowed({ level, path }: ValueTask): void {
    if (level !== "nested") {
      this.summary?.add("allowed", level === "body", path === "" ? "body" : path);
    }
  }

  #countListed({ isBlocked, level, path }: ValueTask): void {
    const { blockedKeys, blockedValues } = this.#program.listIndex;
    this.#count(isBlocked ? blockedKeys : blockedValues);
    if (level === "body") {
      this.summary?.add("masked", true, path === "" ? "body" : path);
    }
  }

  /** The way to a value, which only the summary of a body shows. */
  #path(outer: string, inner: string): string {
    return this.summary === undefined || outer === "" ? inner : `${outer}.${inner}`;
  }

  /** A text of the request with what was found replaced. */
  #withoutFound(start: number, end: number): Uint8Array {
    return this.#replaced(this.#reader.bytes, start, end);
  }

  #withoutFoundIn(text: Uint8Array): Buffer {
    return Buffer.from(this.#replaced(text, 0, text.length));
  }

  #replaced(bytes: Uint8Array, start: number, end: number): Uint8Array {
    for (let i = 0; i < this.#found.count; i++) {
      this.#count(this.#found.rule(i));
    }
    return this.#program.replaced(bytes, start, end, this.#found, this.#hash);
  }

  #replaceContent(lengthStart: number, end: number, content: Uint8Array): void {
    const field = lengthField(0, content);
    this.#edits.replace(lengthStart, end, field.subarray(1));
  }

  #maskValue(): Uint8Array {
    return lengthField(valueTags.string, Buffer.from(this.#program.lists.mask));
  }

  readonly #hash = (text: Uint8Array | string): string => {
    const name =
      typeof text === "string"
        ? text
        : Buffer.from(text.buffer, text.byteOffset, text.length).toString("utf8");
    const known = this.#hashes.get(name);
    if (known !== undefined) {
      return known;
    }
    const hash = this.#program.hashed(text);
    if (this.#hashes.size < maxHashes) {
      this.#hashes.set(name, hash);
    }
    return hash;
  };

  #count(rule: number): void {
    this.#counts[rule] = (this.#counts[rule] ?? 0) + 1;
  }
}

/** Where the content begins whose length is at `at`, if the length has one or two bytes and the content ends at `end`; else -1. */
function contentStart(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) {
    return at + 1 + first === end ? at + 1 : -1;
  }
  const second = bytes[at + 1] ?? 0;
  return second < 0x80 && at + 2 + ((first & 0x7f) | (second << 7)) === end ? at + 2 : -1;
}

/** Whether a number or truth value behind its tag is all there is. */
function isWholeScalar(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === valueTags.double) {
    return end - start === 9;
  }
  for (let at = start + 1; at < end - 1; at++) {
    if ((bytes[at] ?? 0) < 0x80) {
      return false;
    }
  }
  return end - start > 1 && end - start <= 11 && (bytes[end - 1] ?? 0) < 0x80;
}

function twinOf(place: number): number {
  switch (place) {
    case placeIndex.spanevent:
      return placeIndex.contentEvent;
    case placeIndex.log:
      return placeIndex.contentLog;
    default:
      return place;
  }
}

function isLengthTag(tag: number): boolean {
  return (
    tag === valueTags.string ||
    tag === valueTags.array ||
    tag === valueTags.kvlist ||
    tag === valueTags.bytes
  );
}

function isScalarTag(tag: number): boolean {
  return tag === valueTags.int || tag === valueTags.bool || tag === valueTags.double;
}
