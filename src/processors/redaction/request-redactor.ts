import { ByteReplacements, lengthField } from "../../otlp/byte-replacements.ts";
import type { Payload } from "../../otlp/payload.ts";
import { forgetView, WireReader } from "../../otlp/wire-reader.ts";
import { AttributeRedactor } from "./attribute-redactor.ts";
import { isContentEvent } from "./genai-content-preset.ts";
import { readKeyValue } from "./key-value-reader.ts";
import { KeylessRedactor } from "./keyless-redactor.ts";
import { type FieldRange, RedactionContext } from "./redaction-context.ts";
import type { RedactionProgram } from "./redaction-program.ts";
import { SummaryAttributes } from "./summary-attributes.ts";
import { isUntouchedAttribute } from "./untouched-attribute.ts";
import { textOf, valueTags } from "./value-text.ts";
import { type WalkedField, type WalkedMessage, walkedRequests } from "./walked-fields.ts";

/** A longer name is none of an event with content. */
const maxEventName = 128;
const eventNameKey = Buffer.from("event.name");

/**
 * Redacts one request: walks through its bytes, notes what changes, and makes a new request at the end. Only what changes is written anew, with
 * the lengths of the messages around it; everything else, unknown fields included, is copied byte for byte.
 */
export class RequestRedactor {
  readonly #reader: WireReader;
  readonly #request: WalkedMessage;
  readonly #edits = new ByteReplacements();
  readonly #context: RedactionContext;
  readonly #attributes: AttributeRedactor;
  readonly #keyless: KeylessRedactor;
  readonly #program: RedactionProgram;
  readonly #mustPause: () => boolean;
  #isBroken = false;

  /** `counts` grows by what was changed, in the order of `RedactionProgram.counted`. `mustPause` is asked after each record. */
  constructor(
    program: RedactionProgram,
    { signal, bytes }: Pick<Payload, "signal" | "bytes">,
    { counts, mustPause }: { readonly counts: Float64Array; readonly mustPause: () => boolean },
  ) {
    this.#program = program;
    this.#reader = new WireReader(bytes);
    forgetView(); // it would keep this request in memory, or another one that is read meanwhile
    this.#request = walkedRequests[signal];
    this.#context = new RedactionContext(program, {
      reader: this.#reader,
      edits: this.#edits,
      counts,
    });
    this.#attributes = new AttributeRedactor(this.#context);
    this.#keyless = new KeylessRedactor(this.#context, this.#attributes.values);
    this.#mustPause = mustPause;
  }

  /** Does the work, and stops where it has to pause. */
  *run(): Generator<void, void, void> {
    yield* this.#envelope(this.#request, this.#reader.bytes.length);
  }

  /** The redacted request, which is the same array if nothing changed; undefined if it cannot be decoded. */
  result(): Uint8Array | undefined {
    return this.#isBroken ? undefined : this.#edits.carryOut(this.#reader.bytes);
  }

  /** The messages around the records, from the reader's position up to `end`. */
  *#envelope(message: WalkedMessage, end: number): Generator<void, void, void> {
    const reader = this.#reader;
    while (reader.position < end && !this.#isBroken) {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      const field = message.byTag[tag];
      if (field?.kind !== "message" || field.message.isEnvelope !== true) {
        this.#context.beginRecord();
        this.#isBroken = !this.#field({ tag, fieldStart, end }, field);
        if (field !== undefined && this.#mustPause()) {
          yield;
        }
        continue;
      }
      const lengthStart = reader.position;
      const stop = reader.length(end);
      if (stop < 0) {
        this.#isBroken = true;
        return;
      }
      const start = reader.position;
      const mark = this.#edits.open(lengthStart);
      yield* this.#envelope(field.message, stop);
      this.#edits.close(mark, lengthStart, start, stop);
      reader.position = stop;
    }
  }

  /** Redacts the field behind its tag, in a message that ends at `end`; false if it is malformed. */
  #field(
    {
      tag,
      fieldStart,
      end,
    }: { readonly tag: number; readonly fieldStart: number; readonly end: number },
    field: WalkedField | undefined,
  ): boolean {
    const reader = this.#reader;
    if (field === undefined) {
      return reader.skip(tag, end);
    }
    const lengthStart = reader.position;
    const stop = reader.length(end);
    if (stop < 0) {
      return false;
    }
    if (
      field.kind === "attribute" &&
      isUntouchedAttribute(this.#context, reader.position, stop, field.place)
    ) {
      reader.position = stop;
      return true;
    }
    const range = { fieldStart, lengthStart, start: reader.position, end: stop };
    const isGood = this.#content(field, range);
    reader.position = stop;
    return isGood;
  }

  #content(field: WalkedField, range: FieldRange): boolean {
    switch (field.kind) {
      case "attribute":
        return this.#attributes.attribute(range, field.place);
      case "text":
        this.#keyless.text(range, field.place);
        return true;
      case "body":
        return this.#keyless.body(range, field.place);
      case "message": {
        const mark = this.#edits.open(range.lengthStart);
        const isGood = this.#message(field.message, range.end);
        this.#edits.close(mark, range.lengthStart, range.start, range.end);
        return isGood;
      }
      default: {
        const never: never = field;
        return never;
      }
    }
  }

  /** A record or a message in it, from the reader's position up to `end`. */
  #message(message: WalkedMessage, end: number): boolean {
    const reader = this.#reader;
    const context = this.#context;
    const outer = { isContent: context.isContent, summary: context.summary };
    if (message.nameTag !== undefined && this.#program.hasContentEvents) {
      context.isContent = this.#isContent(message, reader.position, end);
    }
    context.summary = this.#newSummary(message);
    let isGood = true;
    while (isGood && reader.position < end) {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      isGood = this.#field({ tag, fieldStart, end }, message.byTag[tag]);
    }
    for (const keyValue of context.summary?.keyValues() ?? []) {
      this.#edits.replace(end, end, lengthField(message.summaryTag ?? 0, keyValue));
    }
    context.isContent = outer.isContent;
    context.summary = outer.summary;
    return isGood;
  }

  #newSummary({ summaryTag }: WalkedMessage): SummaryAttributes | undefined {
    const { summary } = this.#program;
    return summaryTag !== undefined && (summary === "debug" || summary === "info")
      ? new SummaryAttributes(summary === "debug")
      : undefined;
  }

  /** Whether the event or log record from `start` up to `end` is content by its name. The reader stays where it is. */
  #isContent({ nameTag, summaryTag, isLog }: WalkedMessage, start: number, end: number): boolean {
    const reader = this.#reader;
    let isContent = false;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag !== nameTag && (tag !== summaryTag || isLog !== true)) {
        if (!reader.skip(tag, end)) {
          break;
        }
        continue;
      }
      const stop = reader.length(end);
      if (stop < 0) {
        break;
      }
      isContent ||=
        tag === nameTag
          ? this.#isContentName(reader.position, stop)
          : this.#isContentAttribute(reader.position, stop);
      reader.position = stop;
    }
    reader.position = start;
    return isContent;
  }

  #isContentName(start: number, end: number): boolean {
    return end - start <= maxEventName && isContentEvent(textOf(this.#reader.bytes, start, end));
  }

  /** Before log records had a field for it, the name of an event was an attribute. */
  #isContentAttribute(start: number, end: number): boolean {
    const reader = this.#reader;
    const keyValue = readKeyValue(reader, start, end);
    if (
      keyValue === undefined ||
      keyValue.keyEnd - keyValue.keyStart !== eventNameKey.length ||
      textOf(reader.bytes, keyValue.keyStart, keyValue.keyEnd) !== "event.name"
    ) {
      return false;
    }
    reader.position = keyValue.valueStart;
    if (reader.tag(keyValue.valueEnd) !== valueTags.string) {
      return false;
    }
    const stop = reader.length(keyValue.valueEnd);
    return stop >= 0 && this.#isContentName(reader.position, stop);
  }
}
