import { lengthField, type ReplacementMark } from "../../otlp/byte-replacements.ts";
import { DecidedValueRedactor } from "./decided-value.ts";
import { isTakenOver } from "./earlier-summary.ts";
import type { InnerRules } from "./inner-rules.ts";
import { keyTag, readKeyValue, valueTag } from "./key-value-reader.ts";
import type { Fate, FieldRange, RedactionContext } from "./redaction-context.ts";
import { contentTwinOf } from "./redaction-places.ts";
import type { KeyDecision, NewKey, ValueDecision } from "./redaction-program.ts";
import type { Action } from "./redaction-rule.ts";
import type { ValueTask } from "./scalar-redactor.ts";
import type { Steps, Stepwise } from "./steps.ts";
import { innerPath } from "./summary-attributes.ts";
import { ValueRedactor } from "./value-redactor.ts";

/** How many messages are around an attribute at least. */
const outerDepth = 4;

/** Where an attribute or an entry of a map is. */
type Where = Pick<ValueTask, "place" | "level" | "path" | "depth" | "lists"> & {
  readonly fields: number;
  /** What the rules say of the map that it is an entry of. */
  readonly outer: InnerRules | undefined;
};

/** An attribute or an entry of a map that is being redacted, whose key is allowed. */
interface Entry {
  readonly range: FieldRange;
  readonly where: Where;
  readonly isBlocked: boolean;
  readonly decision: ValueDecision;
  readonly action: Action | undefined;
  readonly newKey: NewKey | undefined;
  readonly mark: ReplacementMark;
  /** How many of its keys and values are still to come. Of each the last one counts. */
  keysLeft: number;
  valuesLeft: number;
  hasValue: boolean;
  hasNewKey: boolean;
  fate: Fate;
  /** The value that takes steps. */
  open: (Omit<FieldRange, "fieldStart"> & { readonly mark: ReplacementMark }) | undefined;
}

/** Redacts the attributes of one request, and the entries of maps. */
export class AttributeRedactor {
  readonly #context: RedactionContext;
  /** Redacts their values. */
  readonly values: DecidedValueRedactor;

  constructor(context: RedactionContext) {
    this.#context = context;
    const inner = new ValueRedactor(context, {
      mapEntry: (range, task) => this.#mapEntry(range, task),
      hashedItem: (range, task) => {
        const wholeBy = task.inside?.hashedBy ?? -1;
        return this.values.redact(range, {
          task,
          wholeBy,
          isOutermost: false,
          isCountedAlready: true,
        });
      },
    });
    this.values = new DecidedValueRedactor(context, inner);
  }

  /** Redacts an attribute; false if it is malformed. */
  attribute(range: FieldRange, outerPlace: number): Stepwise<boolean> {
    const reader = this.#context.reader;
    const keyValue = readKeyValue(reader, range.start, range.end);
    if (keyValue === undefined) {
      return false;
    }
    const { keyStart, keyEnd } = keyValue;
    const decision = this.#context.program.keyDecision(reader.bytes, keyStart, keyEnd);
    const place = this.#context.isContent ? contentTwinOf(outerPlace) : outerPlace;
    if (decision.isSummary && isTakenOver(this.#context, range, { keyValue, decision, place })) {
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
      lists: "all",
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

  /** Redacts an attribute or an entry of a map whose key is allowed; false if it is malformed. */
  #entry(range: FieldRange, key: KeyDecision, where: Where): Stepwise<boolean> {
    const { program, edits, reader } = this.#context;
    const decision = key.valueAt(where.place, where.outer);
    const action = program.rules[decision.wholeBy]?.action;
    this.#context.kept += action === "keep" ? 1 : 0;
    if (action === "delete" && decision.search === undefined) {
      this.#context.count(decision.wholeBy);
      edits.remove(range.fieldStart, range.end);
      this.#context.summary?.add("redacted", where.level === "body", where.path);
      return true;
    }
    const entry: Entry = {
      range,
      where,
      isBlocked: key.isBlocked,
      decision,
      action,
      newKey: key.newKeyAt?.(where.place, where.outer),
      mark: edits.open(range.lengthStart),
      keysLeft: 0,
      valuesLeft: 0,
      hasValue: false,
      hasNewKey: false,
      fate: "stay",
      open: undefined,
    };
    reader.position = range.start;
    if (where.fields > 2) {
      this.#countFields(entry);
    }
    const steps = this.#advance(entry);
    return steps === undefined ? this.#finish(entry) : this.#rest(entry, steps);
  }

  *#rest(entry: Entry, first: Steps<Fate>): Steps<boolean> {
    const { reader, edits } = this.#context;
    for (let steps: Steps<Fate> | undefined = first; steps !== undefined; ) {
      entry.fate = yield* steps;
      if (entry.open !== undefined) {
        const { mark, lengthStart, start, end } = entry.open;
        edits.close(mark, lengthStart, start, end);
        reader.position = end;
      }
      steps = this.#advance(entry);
    }
    return this.#finish(entry);
  }

  /** Redacts the fields of an entry up to its end, or returns the steps that the next value takes. */
  #advance(entry: Entry): Steps<Fate> | undefined {
    const reader = this.#context.reader;
    const { end } = entry.range;
    while (reader.position < end && entry.fate === "stay") {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      if (tag !== keyTag && tag !== valueTag) {
        reader.skip(tag, end);
        continue;
      }
      const lengthStart = reader.position;
      const stop = reader.length(end);
      const field = { fieldStart, lengthStart, start: reader.position, end: stop };
      const fate = tag === keyTag ? this.#key(entry, field) : this.#value(entry, field);
      if (typeof fate === "object") {
        return fate;
      }
      entry.fate = fate;
      reader.position = stop;
    }
    return undefined;
  }

  #key(entry: Entry, { fieldStart, lengthStart, end }: FieldRange): Fate {
    entry.keysLeft -= 1;
    if (entry.keysLeft > 0) {
      this.#context.edits.remove(fieldStart, end); // A later one counts, but this one can be read.
    } else if (entry.newKey !== undefined) {
      this.#context.replaceContent(lengthStart, end, entry.newKey.bytes);
      entry.hasNewKey = true;
      this.#context.count(entry.newKey.rule);
    }
    return "stay";
  }

  #value(entry: Entry, { fieldStart, lengthStart, start, end }: FieldRange): Stepwise<Fate> {
    const { edits } = this.#context;
    const { action, where, isBlocked } = entry;
    entry.valuesLeft -= 1;
    if (entry.valuesLeft > 0 && action !== undefined && action !== "keep") {
      edits.remove(fieldStart, end);
      return "stay";
    }
    entry.hasValue = true;
    const { place, level, path, depth } = where;
    const lists = action === undefined ? where.lists : "none";
    const { search, inside, wholeBy } = entry.decision;
    const task = { place, search, lists, isBlocked, inside, level, path, depth };
    const isCountedAlready = isHashedAround(entry);
    const decided = { task, wholeBy, isOutermost: level === "attribute", isCountedAlready };
    const mark = edits.open(lengthStart);
    const fate = this.values.redact({ start, end }, decided);
    if (typeof fate === "object") {
      entry.open = { lengthStart, start, end, mark };
      return fate;
    }
    edits.close(mark, lengthStart, start, end);
    return fate;
  }

  #finish(entry: Entry): boolean {
    const { edits, summary, reader } = this.#context;
    const { range, where, action, decision, mark } = entry;
    const isBody = where.level === "body";
    if (!entry.hasValue && (action === "delete" || (action === "mask" && entry.fate === "stay"))) {
      this.#context.count(decision.wholeBy);
      if (action === "delete") {
        entry.fate = "delete";
      } else {
        edits.replace(range.end, range.end, lengthField(valueTag, this.#context.maskValue()));
      }
    }
    reader.position = range.end;
    if (entry.fate === "delete") {
      edits.backTo(mark);
      edits.remove(range.fieldStart, range.end);
      summary?.add("redacted", isBody, where.path);
      return true;
    }
    const hasChanged = edits.close(mark, range.lengthStart, range.start, range.end);
    if (action === "keep" || entry.fate === "keep") {
      summary?.add("ignored", isBody, where.path);
    } else if (hasChanged && where.level === "attribute") {
      summary?.add("masked", false, where.path);
    } else if (
      isBody &&
      (entry.hasNewKey ||
        (hasChanged && (action === "hash" || action === "mask") && !isHashedAround(entry)))
    ) {
      summary?.addInBody("masked", where.path);
    }
    return entry.fate !== "broken";
  }

  #mapEntry(range: FieldRange, task: ValueTask): Stepwise<boolean> {
    const reader = this.#context.reader;
    const keyValue = readKeyValue(reader, range.start, range.end);
    if (keyValue === undefined) {
      return false;
    }
    const { keyStart, keyEnd, fields } = keyValue;
    const decision = this.#context.program.keyDecision(reader.bytes, keyStart, keyEnd);
    const isBody = task.level === "body";
    const { place, inside: outer, lists } = task;
    const shownKey = this.#shownKey(decision, place, outer);
    const path = innerPath(this.#context.summary, task.path, shownKey);
    const isHashed = outer !== undefined && outer.hashedBy >= 0;
    if (decision.isIgnored && !isHashed) {
      this.#context.kept += 1;
      if (isBody) {
        this.#context.summary?.add("ignored", true, path);
      }
      return true;
    }
    // An attribute is allowed with everything in it, and what is hashed, too.
    if (isBody && !decision.isAllowed && !isHashed) {
      this.#context.edits.remove(range.fieldStart, range.end);
      this.#context.count(this.#context.program.listIndex.allowedKeys);
      this.#context.summary?.add("redacted", true, path);
      return true;
    }
    const level = isBody ? "body" : "nested";
    const depth = task.depth + 2;
    return this.#entry(range, decision, { place, level, path, depth, lists, fields, outer });
  }

  #countFields(entry: Entry): void {
    const reader = this.#context.reader;
    const { start, end } = entry.range;
    while (reader.position < end) {
      const tag = reader.tag(end);
      entry.keysLeft += tag === keyTag ? 1 : 0;
      entry.valuesLeft += tag === valueTag ? 1 : 0;
      reader.skip(tag, end);
    }
    reader.position = start;
  }
}

/** Whether a rule hashes the value of an entry because it hashes the map that it is in. */
function isHashedAround({ decision, where }: Entry): boolean {
  return decision.wholeBy >= 0 && decision.wholeBy === where.outer?.hashedBy;
}
