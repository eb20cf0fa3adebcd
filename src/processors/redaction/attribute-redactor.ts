import { lengthField } from "../../otlp/byte-replacements.ts";
import { keyTag, readKeyValue, valueTag } from "./key-value-reader.ts";
import type { Fate, FieldRange, RedactionContext } from "./redaction-context.ts";
import { contentTwinOf } from "./redaction-places.ts";
import type { InnerRules, KeyDecision, ValueDecision } from "./redaction-program.ts";
import type { ValueTask } from "./scalar-redactor.ts";
import { innerPath, ValueRedactor } from "./value-redactor.ts";
import { valueText } from "./value-text.ts";

/** How many messages are around an attribute at least. */
const outerDepth = 4;

/** Where an attribute or an entry of a map is. */
type Where = Pick<ValueTask, "place" | "level" | "path" | "depth"> & {
  readonly fields: number;
  /** What the rules say of the map that it is an entry of. */
  readonly outer: InnerRules | undefined;
};

/** Redacts the attributes of one request, and the entries of maps. */
export class AttributeRedactor {
  readonly #context: RedactionContext;
  readonly #hasLists: boolean;
  /** Redacts their values. */
  readonly values: ValueRedactor;

  constructor(context: RedactionContext) {
    this.#context = context;
    this.#hasLists = context.program.lists.hasValues;
    this.values = new ValueRedactor(context, (range, task) => this.#mapEntry(range, task));
  }

  /** Redacts an attribute; false if it is malformed. */
  attribute(range: FieldRange, outerPlace: number): boolean {
    const reader = this.#context.reader;
    const keyValue = readKeyValue(reader, range.start, range.end);
    if (keyValue === undefined) {
      return false;
    }
    const { keyStart, keyEnd } = keyValue;
    const decision = this.#context.program.keyDecision(reader.bytes, keyStart, keyEnd);
    const place = this.#context.isContent ? contentTwinOf(outerPlace) : outerPlace;
    if (decision.isSummary && this.#isOfSummary(range, keyValue, { decision, place })) {
      return true;
    }
    if (decision.isIgnored) {
      this.#context.summary?.add("ignored", false, decision.key);
      return true;
    }
    const path = this.#shownKey(decision, place);
    if (!decision.isAllowed) {
      this.#context.edits.remove(range.fieldStart, range.end);
      this.#context.count(this.#context.program.listIndex.allowedKeys);
      this.#context.summary?.add("redacted", false, path);
      return true;
    }
    return this.#entry(range, decision, {
      place,
      level: "attribute",
      path,
      depth: outerDepth,
      fields: keyValue.fields,
      outer: undefined,
    });
  }

  /** A key as the summary names it: without what rules detect in it. Only the summary needs it. */
  #shownKey(decision: KeyDecision, place: number, outer?: InnerRules): string {
    const newKey =
      this.#context.summary === undefined ? undefined : decision.newKeyAt?.(place, outer);
    return newKey === undefined ? decision.key : Buffer.from(newKey.bytes).toString("utf8");
  }

  /** An earlier summary is taken over into the new one, its keys as any text. Without a new one its keys are an ordinary attribute, and its counts stay where they are allowed. */
  #isOfSummary(
    range: FieldRange,
    { valueStart, valueEnd }: { readonly valueStart: number; readonly valueEnd: number },
    { decision, place }: { readonly decision: KeyDecision; readonly place: number },
  ): boolean {
    const context = this.#context;
    const isCount = decision.key.endsWith(".count");
    if (context.summary === undefined) {
      return isCount && decision.isAllowed;
    }
    const text = valueText(context.reader, valueStart, valueEnd);
    const count = Number(text);
    if (!isCount) {
      context.summary.addEarlier(decision.key, this.#withoutDetected(text, decision, place));
    } else if (Number.isSafeInteger(count)) {
      context.summary.addEarlier(decision.key, count);
    }
    context.edits.remove(range.fieldStart, range.end);
    return true;
  }

  #withoutDetected(text: string, decision: KeyDecision, place: number): string {
    const context = this.#context;
    const bytes = Buffer.from(text);
    context.search(decision.valueAt(place).search, bytes, 0, bytes.length);
    return context.found.count === 0 ? text : context.withoutFoundIn(bytes).toString("utf8");
  }

  /** Redacts an attribute or an entry of a map whose key is allowed; false if it is malformed. */
  #entry(range: FieldRange, decision: KeyDecision, where: Where): boolean {
    const value = decision.valueAt(where.place, where.outer);
    const newKey = decision.newKeyAt?.(where.place, where.outer);
    const action = this.#context.program.rules[value.wholeBy]?.action;
    if (action === "delete" && value.search === undefined) {
      this.#delete(range, value.wholeBy, where);
      return true;
    }
    const mark = this.#context.edits.open(range.lengthStart);
    const reader = this.#context.reader;
    reader.position = range.start;
    let fate: Fate = "stay";
    let keysLeft = 0;
    let valuesLeft = 0;
    if (where.fields > 2) {
      [keysLeft, valuesLeft] = this.#countFields(range);
    }
    let hasValue = false;
    let hasNewKey = false;
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
          this.#context.edits.remove(fieldStart, end); // A later one counts, but this one can be read.
        } else if (newKey !== undefined) {
          this.#context.replaceContent(lengthStart, end, newKey.bytes);
          hasNewKey = true;
          this.#context.count(newKey.rule);
        }
      } else {
        valuesLeft -= 1;
        if (valuesLeft > 0 && action !== undefined && action !== "keep") {
          this.#context.edits.remove(fieldStart, end);
        } else {
          hasValue = true;
          fate = this.#entryValue({ fieldStart, lengthStart, start, end }, decision, value, where);
        }
      }
      reader.position = end;
    }
    if (action === "delete" && !hasValue) {
      this.#context.count(value.wholeBy);
      fate = "delete";
    }
    if (action === "mask" && !hasValue && fate === "stay") {
      this.#context.edits.replace(
        range.end,
        range.end,
        lengthField(valueTag, this.#context.maskValue()),
      );
      this.#context.count(value.wholeBy);
    }
    if (fate === "delete") {
      this.#context.edits.backTo(mark);
      this.#context.edits.remove(range.fieldStart, range.end);
      this.#context.summary?.add("redacted", where.level === "body", where.path);
      return true;
    }
    const hasChanged = this.#context.edits.close(mark, range.lengthStart, range.start, range.end);
    if (action === "keep" || fate === "keep") {
      this.#context.summary?.add("ignored", where.level === "body", where.path);
    } else if (hasChanged && where.level === "attribute") {
      this.#context.summary?.add("masked", false, where.path);
    } else if (
      where.level === "body" &&
      (hasNewKey || (hasChanged && (action === "hash" || action === "mask")))
    ) {
      this.#context.summary?.addInBody("masked", where.path);
    }
    reader.position = range.end;
    return fate !== "broken";
  }

  /** The value of an entry, in its field. */
  #entryValue(
    { lengthStart, start, end }: FieldRange,
    decision: KeyDecision,
    { wholeBy, search, inside }: ValueDecision,
    where: Where,
  ): Fate {
    const action = this.#context.program.rules[wholeBy]?.action;
    const replaces = action === "hash" || action === "mask" || action === "delete";
    const isListed = action === undefined && !isKept(where.outer);
    const mark = this.#context.edits.open(lengthStart);
    let fate: Fate = "stay";
    const isLarge =
      where.level === "attribute" &&
      (!replaces || search !== undefined) &&
      (search !== undefined || action !== "keep") &&
      !this.#context.takesTexts(start, end);
    if (isLarge) {
      this.#context.maskLarge(start, end, search);
    } else if (!replaces || search !== undefined) {
      fate = this.#context.attempt(
        () =>
          this.values.redact(start, end, {
            ...where,
            search,
            hasLists: isListed && (this.#hasLists || decision.isBlocked),
            isBlocked: isListed && decision.isBlocked,
            inside,
          }),
        (outcome) => !replaces || outcome !== "stay",
      );
    }
    if (replaces && fate === "stay" && !isLarge) {
      fate = this.#context.whole(wholeBy, start, end, where.place);
    }
    this.#context.edits.close(mark, lengthStart, start, end);
    return fate;
  }

  #mapEntry(range: FieldRange, task: ValueTask): boolean {
    const reader = this.#context.reader;
    const keyValue = readKeyValue(reader, range.start, range.end);
    if (keyValue === undefined) {
      return false;
    }
    const decision = this.#context.program.keyDecision(
      reader.bytes,
      keyValue.keyStart,
      keyValue.keyEnd,
    );
    const isBody = task.level === "body";
    const outer = task.inside;
    const shownKey = this.#shownKey(decision, task.place, outer);
    const path = innerPath(this.#context.summary, task.path, shownKey);
    if (decision.isIgnored) {
      if (isBody) {
        this.#context.summary?.add("ignored", true, path);
      }
      return true;
    }
    // An attribute is allowed with everything in it.
    if (isBody && !decision.isAllowed) {
      this.#context.edits.remove(range.fieldStart, range.end);
      this.#context.count(this.#context.program.listIndex.allowedKeys);
      this.#context.summary?.add("redacted", true, path);
      return true;
    }
    return this.#entry(range, decision, {
      place: task.place,
      level: isBody ? "body" : "nested",
      path,
      depth: task.depth + 2,
      fields: keyValue.fields,
      outer,
    });
  }

  #delete(
    range: FieldRange,
    rule: number,
    { level, path }: Pick<ValueTask, "level" | "path">,
  ): void {
    this.#context.edits.remove(range.fieldStart, range.end);
    this.#context.count(rule);
    this.#context.summary?.add("redacted", level === "body", path);
  }

  #countFields(range: FieldRange): [keys: number, values: number] {
    const reader = this.#context.reader;
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
}

function isKept(outer: InnerRules | undefined): boolean {
  return outer !== undefined && outer.before < Number.POSITIVE_INFINITY;
}
