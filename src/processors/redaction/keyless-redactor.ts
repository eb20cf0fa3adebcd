import type { ReplacementMark } from "../../otlp/byte-replacements.ts";
import type { DecidedValueRedactor } from "./decided-value.ts";
import type { Fate, FieldRange, RedactionContext } from "./redaction-context.ts";
import { placeIndex } from "./redaction-places.ts";
import type { Action } from "./redaction-rule.ts";
import type { ValueTask } from "./scalar-redactor.ts";
import type { Steps, Stepwise } from "./steps.ts";

/** How many messages are around the body of a log record at least. */
const outerDepth = 3;

/** Redacts what has no key: the bodies of log records, and texts such as names. */
export class KeylessRedactor {
  readonly #context: RedactionContext;
  readonly #values: DecidedValueRedactor;

  constructor(context: RedactionContext, values: DecidedValueRedactor) {
    this.#context = context;
    this.#values = values;
  }

  /** Redacts the body of a log record; false if it is malformed. */
  body(range: FieldRange, place: number): Stepwise<boolean> {
    const actual = this.#context.isContent ? placeIndex.contentBody : place;
    const { wholeBy, search, inside } = this.#context.program.textDecision(actual);
    const action = this.#context.program.rules[wholeBy]?.action;
    const mark = this.#context.edits.open(range.lengthStart);
    const task: ValueTask = {
      place: actual,
      search,
      lists: action === undefined ? "all" : "none",
      isBlocked: false,
      inside,
      level: "body",
      path: "",
      depth: outerDepth,
    };
    const fate = this.#values.redact(range, {
      task,
      wholeBy,
      isOutermost: true,
      isCountedAlready: false,
    });
    return typeof fate === "object"
      ? this.#largeBody(fate, range, mark, action)
      : this.#closeBody(fate, range, mark, action);
  }

  *#largeBody(
    steps: Steps<Fate>,
    range: FieldRange,
    mark: ReplacementMark,
    action: Action | undefined,
  ): Steps<boolean> {
    return this.#closeBody(yield* steps, range, mark, action);
  }

  #closeBody(
    fate: Fate,
    { fieldStart, lengthStart, start, end }: FieldRange,
    mark: ReplacementMark,
    action: Action | undefined,
  ): boolean {
    const { edits, summary } = this.#context;
    if (fate === "delete") {
      edits.backTo(mark);
      edits.remove(fieldStart, end);
      summary?.add("redacted", true, "body");
    } else {
      const hasChanged = edits.close(mark, lengthStart, start, end);
      if (hasChanged && (action === "hash" || action === "mask")) {
        summary?.addInBody("masked", "body");
      }
    }
    return fate !== "broken";
  }

  /** Redacts a text. */
  text(range: FieldRange, place: number): void {
    const { wholeBy, search } = this.#context.program.textDecision(place);
    const { bytes } = this.#context.reader;
    const { start, end, lengthStart } = range;
    const rules = this.#context.program.rules;
    if ((wholeBy < 0 && search === undefined) || start === end) {
      return;
    }
    const result = this.#context.search(search, bytes, start, end);
    const decidedBy = result?.outcome === "delete" ? result.by : wholeBy;
    const action = result?.outcome === "keep" ? "keep" : rules[decidedBy]?.action;
    if (action === "delete") {
      this.#context.edits.remove(range.fieldStart, end);
    } else if (action === "hash" || action === "mask") {
      const text =
        action === "hash"
          ? this.#context.hash(bytes.subarray(start, end))
          : this.#context.program.lists.mask;
      this.#context.replaceContent(lengthStart, end, Buffer.from(text));
    } else {
      if (this.#context.found.count > 0 && search !== undefined) {
        this.#context.replaceContent(lengthStart, end, this.#context.withoutFound(start, end));
      }
      return;
    }
    this.#context.count(decidedBy);
  }
}
