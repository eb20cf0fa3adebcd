import { lengthField } from "../../otlp/byte-replacements.ts";
import type { Fate, FieldRange, RedactionContext } from "./redaction-context.ts";
import type { InnerRules } from "./redaction-program.ts";
import type { ValueSearch } from "./value-search.ts";
import { textOf, valueTags, valueText } from "./value-text.ts";

/** A value and what is to be done with it. */
export interface ValueTask {
  readonly place: number;
  readonly search: ValueSearch | undefined;
  /** Whether the lists of the Collector's processor apply. */
  readonly hasLists: boolean;
  /** Whether its key is blocked. */
  readonly isBlocked: boolean;
  /** What the rules say of the entries of a map in it. */
  readonly inside: InnerRules | undefined;
  /**
   * Where the value is, which decides what the lists do: of an attribute itself, below an attribute, or in the body of a log record, all of whose
   * keys have to be allowed.
   */
  readonly level: "attribute" | "nested" | "body";
  /** Its key, or in a body the way to it. */
  readonly path: string;
  readonly depth: number;
}

/** Redacts values that hold no others: texts, bytes, numbers and truth values. */
export class ScalarRedactor {
  readonly #context: RedactionContext;

  constructor(context: RedactionContext) {
    this.#context = context;
  }

  /** A text, or bytes, which may be a text. */
  text(range: FieldRange, task: ValueTask, isBytes: boolean): Fate {
    const { start, end } = range;
    const { bytes } = this.#context.reader;
    const { lists } = this.#context.program;
    const result = this.#context.search(task.search, bytes, start, end);
    if (result?.outcome === "delete") {
      this.#context.count(result.by);
      return "delete";
    }
    const fate: Fate = result?.outcome === "keep" ? "keep" : "stay";
    const isListed =
      task.hasLists &&
      fate === "stay" &&
      (!isBytes || task.level === "body" || lists.redactsAllTypes);
    if (!isListed) {
      this.#replaceFound(range, task);
      return fate;
    }
    const written = isBytes
      ? Buffer.from(bytes.subarray(start, end)).toString("base64")
      : textOf(bytes, start, end);
    const isBody = task.level === "body";
    if ((!isBody || !task.isBlocked) && lists.isAllowedValue(written)) {
      this.noteAllowed(task);
    } else {
      const redacted =
        this.#context.found.count > 0 && !isBytes
          ? Buffer.from(this.#context.withoutFound(start, end)).toString("utf8")
          : written;
      const masked = task.isBlocked
        ? lists.masked(written)
        : lists.withBlockedMasked(redacted, this.#context.budget);
      if (masked !== redacted || task.isBlocked) {
        this.#context.edits.replace(
          range.fieldStart,
          end,
          lengthField(valueTags.string, Buffer.from(masked)),
        );
        this.countListed(task);
        return "stay";
      }
    }
    this.#replaceFound(range, task);
    return "stay";
  }

  #replaceFound({ lengthStart, start, end }: FieldRange, task: ValueTask): void {
    if (this.#context.found.count > 0) {
      this.#context.replaceContent(lengthStart, end, this.#context.withoutFound(start, end));
      this.#noteMasked(task);
    }
  }

  /** A number or a truth value, which is matched as a text where all types are. */
  number(range: FieldRange, task: ValueTask): Fate {
    const { lists } = this.#context.program;
    const isSearched = lists.redactsAllTypes && task.search?.hasPatterns === true;
    const isListed =
      task.hasLists && (task.level === "body" || lists.redactsAllTypes || task.isBlocked);
    if (!isSearched && !isListed) {
      return "stay";
    }
    const after = this.#context.reader.position;
    const written = valueText(this.#context.reader, range.fieldStart, range.end);
    this.#context.reader.position = after;
    const text = Buffer.from(written);
    const result = this.#context.search(isSearched ? task.search : undefined, text, 0, text.length);
    if (result?.outcome === "delete") {
      this.#context.count(result.by);
      return "delete";
    }
    if (result?.outcome === "keep") {
      return "keep";
    }
    const redacted =
      this.#context.found.count > 0 ? this.#context.withoutFoundIn(text).toString("utf8") : written;
    let masked = redacted;
    if (isListed) {
      if (!task.isBlocked && lists.isAllowedValue(written)) {
        this.noteAllowed(task);
      } else {
        // As in the Collector: what is no text is masked, or hashed, as an empty one.
        masked = task.isBlocked
          ? lists.masked("")
          : lists.withBlockedMasked(redacted, this.#context.budget);
        if (masked !== redacted) {
          this.countListed(task);
        }
      }
    }
    if (masked !== written) {
      this.#context.edits.replace(
        range.fieldStart,
        range.end,
        lengthField(valueTags.string, Buffer.from(masked)),
      );
      if (masked === redacted) {
        this.#noteMasked(task);
      }
    }
    return "stay";
  }

  /** Notes in the summary that a value in a body has changed. Elsewhere that is noted of the whole attribute. */
  #noteMasked({ level, path }: ValueTask): void {
    if (level === "body") {
      this.#context.summary?.addInBody("masked", path === "" ? "body" : path);
    }
  }

  /** Notes that the lists allow a value. */
  noteAllowed({ level, path }: ValueTask): void {
    if (level !== "nested") {
      this.#context.summary?.add("allowed", level === "body", path === "" ? "body" : path);
    }
  }

  /** Counts a value that the lists have masked. */
  countListed(task: ValueTask): void {
    const { blockedKeys, blockedValues } = this.#context.program.listIndex;
    this.#context.count(task.isBlocked ? blockedKeys : blockedValues);
    this.#noteMasked(task);
  }
}
