import { lengthField } from "../../otlp/byte-replacements.ts";
import type { InnerRules } from "./inner-rules.ts";
import type { Fate, FieldRange, RedactionContext } from "./redaction-context.ts";
import { maxSearchedBytes, type ValueSearch } from "./value-search.ts";
import { valueTags, valueText } from "./value-text.ts";

/** A value and what is to be done with it. */
export interface ValueTask {
  readonly place: number;
  readonly search: ValueSearch | undefined;
  /** Which of the lists of the Collector's processor apply to it and to what is in it. */
  readonly lists: "all" | "blocked keys" | "none";
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

  /** Whether the lists have something to say of a value. */
  isListed({ lists, isBlocked }: ValueTask): boolean {
    return (
      lists !== "none" && (isBlocked || (lists === "all" && this.#context.program.lists.hasValues))
    );
  }

  /** A text, or bytes, which may be a text. */
  text(range: FieldRange, task: ValueTask, isBytes: boolean): Fate {
    const { start, end } = range;
    const result = this.#context.search(task.search, this.#context.reader.bytes, start, end);
    if (result?.outcome === "delete") {
      this.#context.count(result.by);
      return "delete";
    }
    const left = this.#context.found.count > 0 ? this.#context.withoutFound(start, end) : undefined;
    const masked =
      result?.outcome === "keep" || !this.isListed(task)
        ? undefined
        : this.#maskedText(range, task, { isBytes, left });
    if (masked !== undefined) {
      this.#replaceBy(masked, range, task);
    } else if (left !== undefined) {
      this.#context.replaceContent(range.lengthStart, end, left);
      this.#noteMasked(task);
    }
    return result?.outcome === "keep" ? this.#kept() : "stay";
  }

  #kept(): Fate {
    this.#context.kept += 1;
    return "keep";
  }

  /** What the lists make of a text, of which the rules have left something else; undefined if nothing. */
  #maskedText(
    { start, end }: FieldRange,
    task: ValueTask,
    { isBytes, left }: { readonly isBytes: boolean; readonly left: Uint8Array | undefined },
  ): string | undefined {
    const { lists } = this.#context.program;
    const { bytes } = this.#context.reader;
    const { isBlocked, level } = task;
    if (isBytes && !this.#isWritten(task)) {
      return this.#maskedUnwritten(task);
    }
    if (end - start > maxSearchedBytes) {
      const isMasked = isBlocked || lists.blocksValues;
      return isMasked ? lists.masked(bytes.subarray(start, end)) : undefined;
    }
    const written = writtenText(bytes, isBytes, start, end);
    if ((level !== "body" || !isBlocked) && lists.isAllowedValue(written)) {
      this.noteAllowed(task);
      return undefined;
    }
    if (isBlocked) {
      return lists.masked(written);
    }
    const redacted = left === undefined ? written : writtenText(left, isBytes);
    const masked = lists.withBlockedMasked(redacted, this.#context.budget);
    return masked === redacted ? undefined : masked;
  }

  /** A number or a truth value, which is matched as a text where all types are. */
  number(range: FieldRange, task: ValueTask): Fate {
    const { lists } = this.#context.program;
    const isSearched = lists.redactsAllTypes && task.search?.hasPatterns === true;
    const isListed = this.isListed(task);
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
    const left =
      this.#context.found.count > 0 ? this.#context.withoutFoundIn(text).toString() : undefined;
    const masked =
      result?.outcome === "keep" || !isListed
        ? undefined
        : this.#maskedNumber(written, left ?? written, task);
    if (masked !== undefined) {
      this.#replaceBy(masked, range, task);
    } else if (left !== undefined) {
      this.#context.edits.replace(range.fieldStart, range.end, textField(left));
      this.#noteMasked(task);
    }
    return result?.outcome === "keep" ? this.#kept() : "stay";
  }

  #maskedNumber(written: string, left: string, task: ValueTask): string | undefined {
    const { lists } = this.#context.program;
    if (!this.#isWritten(task)) {
      return this.#maskedUnwritten(task);
    }
    if (lists.isAllowedValue(written)) {
      this.noteAllowed(task);
      return undefined;
    }
    if (task.isBlocked) {
      return lists.masked(written);
    }
    const masked = lists.withBlockedMasked(left, this.#context.budget);
    return masked === left ? undefined : masked;
  }

  /** Whether the lists see what is no text as a text: where all types are redacted, and in bodies what has no blocked key. */
  #isWritten({ level, isBlocked }: ValueTask): boolean {
    return level === "body" ? !isBlocked : this.#context.program.lists.redactsAllTypes;
  }

  /** What the lists make of what is no text: as in the Collector, an empty text. Undefined if nothing. */
  #maskedUnwritten(task: ValueTask): string | undefined {
    const { lists } = this.#context.program;
    if (task.level !== "body" && lists.isAllowedValue("")) {
      this.noteAllowed(task);
      return undefined;
    }
    return task.isBlocked ? lists.masked("") : undefined;
  }

  #replaceBy(text: string, { fieldStart, end }: FieldRange, task: ValueTask): void {
    this.#context.edits.replace(fieldStart, end, textField(text));
    this.countListed(task);
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

/** The content of an `AnyValue` that is this text. */
export function textField(text: string): Uint8Array {
  return lengthField(valueTags.string, Buffer.from(text));
}

function writtenText(bytes: Uint8Array, isBytes: boolean, start = 0, end = bytes.length): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  return text.toString(isBytes ? "base64" : "utf8");
}
