import { type ByteReplacements, lengthField } from "../../otlp/byte-replacements.ts";
import type { WireReader } from "../../otlp/wire-reader.ts";
import { FoundRanges } from "./found-ranges.ts";
import { hashedValue, textValue } from "./hashed-value.ts";
import type { RedactionProgram } from "./redaction-program.ts";
import type { SummaryAttributes } from "./summary-attributes.ts";
import { matchesPerRequest, type SearchOutcome, type ValueSearch } from "./value-search.ts";
import { textsInContainers } from "./value-size.ts";
import { valueTags } from "./value-text.ts";

/** A field with a length: where its tag, its length and its content begin, and where it ends. */
export interface FieldRange {
  readonly fieldStart: number;
  readonly lengthStart: number;
  readonly start: number;
  readonly end: number;
}

/** What becomes of the entry that holds a value. */
export type Fate = Exclude<SearchOutcome, "ranges"> | "stay" | "broken";

/** How many hashes of a request are kept, so that a session key on every span is hashed once. */
const maxHashes = 1_000;
const maxCachedLength = 256;
/** What is in the arrays and maps of a record beyond so many texts is redacted as a whole, so that one record cannot stop the others. */
const maxTexts = 10_000;

/** What the redaction of one request works with: the bytes, the rules, the changes so far, and the counts. Its reader is moved by all that use it. */
export class RedactionContext {
  readonly program: RedactionProgram;
  readonly reader: WireReader;
  /** The changes, which must come in the order of the bytes. */
  readonly edits: ByteReplacements;
  /** What the last search found. */
  readonly found = new FoundRanges();
  readonly budget = { matchesLeft: matchesPerRequest };
  /** The summary that the attributes belong to, if there is one. */
  summary: SummaryAttributes | undefined;
  /** Whether the attributes are those of an event that is content by its name. */
  isContent = false;
  readonly #counts: Float64Array;
  readonly #searching = { found: this.found, budget: this.budget };
  readonly #hashes = new Map<string, string>();
  #textsLeft = maxTexts;

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
    this.program = program;
    this.reader = reader;
    this.edits = edits;
    this.#counts = counts;
  }

  /** Counts a change by a rule, in the order of `RedactionProgram.counted`. */
  count(rule: number): void {
    this.#counts[rule] = (this.#counts[rule] ?? 0) + 1;
  }

  /** Makes changes that may be taken back as a whole, and returns whether they stay. Those that do not are not counted. */
  attempt<T>(change: () => T, stays: (result: T) => boolean): T {
    const before = this.#counts.slice();
    const mark = this.edits.mark();
    const result = change();
    if (!stays(result)) {
      this.edits.backTo(mark);
      this.#counts.set(before);
    }
    return result;
  }

  /** Looks in a text for what the rules detect. What is found is in `found`. */
  search(search: ValueSearch | undefined, bytes: Uint8Array, start: number, end: number) {
    this.found.clear();
    return search?.search(bytes, start, end, this.#searching);
  }

  /** Hashes, masks or deletes a whole value. */
  whole(rule: number, start: number, end: number, place: number): Fate {
    const action = this.program.rules[rule]?.action;
    if (action === "delete") {
      this.count(rule);
      return "delete";
    }
    const isLarge = action === "hash" && !this.takesTexts(start, end);
    const value = isLarge
      ? textValue(this.program.hashed(this.reader.bytes.subarray(start, end)))
      : action === "hash"
        ? hashedValue(this.reader, { start, end }, this.hash, (keyStart, keyEnd) =>
            this.#newKey(keyStart, keyEnd, place),
          )
        : this.maskValue();
    if (value === undefined) {
      return "stay"; // There is nothing to hash.
    }
    this.edits.replace(start, end, value);
    this.count(rule);
    return "stay";
  }

  /** Begins another record, which may have arrays and maps of its own. */
  beginRecord(): void {
    this.#textsLeft = maxTexts;
  }

  /** Whether the arrays and maps of a value may be looked into. They count for their record. Moves the reader. */
  takesTexts(start: number, end: number): boolean {
    const texts = textsInContainers(this.reader, { start, end }, this.#textsLeft);
    if (texts > this.#textsLeft) {
      return false;
    }
    this.#textsLeft -= texts;
    return true;
  }

  /** Masks a value that is too large to look into, for the first of the rules that would. */
  maskLarge(start: number, end: number, search: ValueSearch | undefined): void {
    this.edits.replace(start, end, this.maskValue());
    this.count(search?.rules[0] ?? this.program.listIndex.blockedValues);
  }

  /** A text of the request with what was found replaced. */
  withoutFound(start: number, end: number): Uint8Array {
    return this.#replaced(this.reader.bytes, start, end);
  }

  /** The same of another text. */
  withoutFoundIn(text: Uint8Array): Buffer {
    return Buffer.from(this.#replaced(text, 0, text.length));
  }

  /** The field whose length is at `lengthStart` gets this content. */
  replaceContent(lengthStart: number, end: number, content: Uint8Array): void {
    const field = lengthField(0, content);
    this.edits.replace(lengthStart, end, field.subarray(1));
  }

  /** The value that masks another one. */
  maskValue(): Uint8Array {
    return lengthField(valueTags.string, Buffer.from(this.program.lists.mask));
  }

  /** What takes the place of a text. */
  readonly hash = (text: Uint8Array | string): string => {
    if (text.length > maxCachedLength) {
      return this.program.hashed(text);
    }
    const name =
      typeof text === "string"
        ? text
        : Buffer.from(text.buffer, text.byteOffset, text.length).toString("utf8");
    const known = this.#hashes.get(name);
    if (known !== undefined) {
      return known;
    }
    const hash = this.program.hashed(text);
    if (this.#hashes.size < maxHashes) {
      this.#hashes.set(name, hash);
    }
    return hash;
  };

  /** A key of a map without the values that rules detect in it, if there are any. */
  #newKey(start: number, end: number, place: number): Uint8Array | undefined {
    const newKey = this.program.keyDecision(this.reader.bytes, start, end).newKeyAt?.(place);
    if (newKey !== undefined) {
      this.count(newKey.rule);
    }
    return newKey?.bytes;
  }

  #replaced(bytes: Uint8Array, start: number, end: number): Uint8Array {
    for (let i = 0; i < this.found.count; i++) {
      this.count(this.found.rule(i));
    }
    return this.program.replaced(bytes, start, end, this.found, this.hash);
  }
}
