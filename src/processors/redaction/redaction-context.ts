import {
  type ByteReplacements,
  lengthField,
  type ReplacementMark,
} from "../../otlp/byte-replacements.ts";
import type { WireReader } from "../../otlp/wire-reader.ts";
import { FoundRanges } from "./found-ranges.ts";
import type { RedactionProgram } from "./redaction-program.ts";
import type { SummaryAttributes } from "./summary-attributes.ts";
import { matchesPerRequest, type SearchOutcome, type ValueSearch } from "./value-search.ts";
import { type ValueSize, valueSize } from "./value-size.ts";
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
/** What is in the arrays and maps of a record beyond so much is redacted as a whole, so that one record cannot take the time of all others. */
const maxInRecord = { texts: 10_000, items: 100_000 } as const;
/** The clock is asked after so many bytes. They take some microseconds, up to a millisecond where everything in them is hashed. */
const askedEveryBytes = 1_024;

/** A state to return to. */
export interface Checkpoint {
  readonly counts: Float64Array;
  readonly mark: ReplacementMark;
}

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
  readonly #mustPause: () => boolean;
  #askedAt = 0;
  #left: ValueSize = { ...maxInRecord };

  constructor(
    program: RedactionProgram,
    {
      reader,
      edits,
      counts,
      mustPause,
    }: {
      readonly reader: WireReader;
      readonly edits: ByteReplacements;
      readonly counts: Float64Array;
      readonly mustPause: () => boolean;
    },
  ) {
    this.program = program;
    this.reader = reader;
    this.edits = edits;
    this.#counts = counts;
    this.#mustPause = mustPause;
  }

  /** Whether so much was done that it is time to ask whether to pause. Cheap enough for each field. */
  isLong(): boolean {
    return Math.abs(this.reader.position - this.#askedAt) >= askedEveryBytes;
  }

  /** Whether others must be served before the work goes on. */
  mustPause(): boolean {
    if (!this.isLong()) {
      return false;
    }
    this.#askedAt = this.reader.position;
    return this.#mustPause();
  }

  /** How many values and entries a rule has kept so far, or a list has ignored. */
  kept = 0;

  /** Counts a change by a rule, in the order of `RedactionProgram.counted`. */
  count(rule: number): void {
    this.#counts[rule] = (this.#counts[rule] ?? 0) + 1;
  }

  checkpoint(): Checkpoint {
    return { counts: this.#counts.slice(), mark: this.edits.mark() };
  }

  /** Takes back what was changed and counted since. */
  backTo({ counts, mark }: Checkpoint): void {
    this.edits.backTo(mark);
    this.#counts.set(counts);
  }

  /** Looks in a text for what the rules detect. What is found is in `found`. */
  search(search: ValueSearch | undefined, bytes: Uint8Array, start: number, end: number) {
    this.found.clear();
    return search?.search(bytes, start, end, this.#searching);
  }

  /** Begins another record, which may have arrays and maps of its own. */
  beginRecord(): void {
    this.#left.texts = maxInRecord.texts;
    this.#left.items = maxInRecord.items;
  }

  /** Whether the arrays and maps of a value may be looked into. They count for their record. Moves the reader. */
  takes(start: number, end: number): boolean {
    const { texts, items } = valueSize(this.reader, { start, end }, this.#left);
    if (texts > this.#left.texts || items > this.#left.items) {
      return false;
    }
    this.#left.texts -= texts;
    this.#left.items -= items;
    return true;
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

  /** What takes the place of a text, or of bytes. */
  readonly hash = (text: Uint8Array | string): string => {
    if (text.length > maxCachedLength) {
      return this.program.hashed(text);
    }
    const name =
      typeof text === "string"
        ? text
        : Buffer.from(text.buffer, text.byteOffset, text.length).toString("latin1"); // one name for each text, also for what is no UTF-8
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

  #replaced(bytes: Uint8Array, start: number, end: number): Uint8Array {
    for (let i = 0; i < this.found.count; i++) {
      this.count(this.found.rule(i));
    }
    return this.program.replaced(bytes, start, end, this.found, this.hash);
  }
}
