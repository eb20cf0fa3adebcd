import type { Fate, FieldRange, RedactionContext } from "./redaction-context.ts";
import { placeIndex } from "./redaction-places.ts";
import type { ValueRedactor } from "./value-redactor.ts";

/** How many messages are around the body of a log record at least. */
const outerDepth = 3;

/** Redacts what has no key: the bodies of log records, and texts such as names. */
export class KeylessRedactor {
  readonly #context: RedactionContext;
  readonly #values: ValueRedactor;

  constructor(context: RedactionContext, values: ValueRedactor) {
    this.#context = context;
    this.#values = values;
  }

  /** Redacts the body of a log record; false if it is malformed. */
  body(range: FieldRange, place: number): boolean {
    const actual = this.#context.isContent ? placeIndex.contentBody : place;
    const { wholeBy, search, inside } = this.#context.program.textDecision(actual);
    const action = this.#context.program.rules[wholeBy]?.action;
    const mark = this.#context.edits.open(range.lengthStart);
    let fate: Fate = "stay";
    const replaces = action !== undefined && action !== "keep";
    const isLarge =
      (!replaces || search !== undefined) &&
      (search !== undefined || action !== "keep") &&
      !this.#context.takesTexts(range.start, range.end);
    if (isLarge) {
      this.#context.maskLarge(range.start, range.end, search);
    } else if (!replaces || search !== undefined) {
      fate = this.#context.attempt(
        () =>
          this.#values.redact(range.start, range.end, {
            place: actual,
            search,
            hasLists: action === undefined,
            isBlocked: false,
            inside,
            level: "body",
            path: "",
            depth: outerDepth,
          }),
        (outcome) => !replaces || outcome !== "stay",
      );
    }
    if (replaces && fate === "stay" && !isLarge) {
      fate = this.#context.whole(wholeBy, range.start, range.end, actual);
    }
    if (fate === "delete") {
      this.#context.edits.backTo(mark);
      this.#context.edits.remove(range.fieldStart, range.end);
      this.#context.summary?.add("redacted", true, "body");
    } else {
      const { lengthStart, start, end } = range;
      const hasChanged = this.#context.edits.close(mark, lengthStart, start, end);
      if (hasChanged && (action === "hash" || action === "mask")) {
        this.#context.summary?.addInBody("masked", "body");
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
