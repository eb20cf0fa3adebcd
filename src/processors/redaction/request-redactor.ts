import {
  ByteReplacements,
  lengthField,
  type ReplacementMark,
} from "../../otlp/byte-replacements.ts";
import type { Payload } from "../../otlp/payload.ts";
import { forgetView, WireReader } from "../../otlp/wire-reader.ts";
import { AttributeRedactor } from "./attribute-redactor.ts";
import { isContentEvent } from "./genai-content-preset.ts";
import { readKeyValue } from "./key-value-reader.ts";
import { KeylessRedactor } from "./keyless-redactor.ts";
import { type FieldRange, RedactionContext } from "./redaction-context.ts";
import type { RedactionProgram } from "./redaction-program.ts";
import type { Steps, Stepwise } from "./steps.ts";
import { SummaryAttributes } from "./summary-attributes.ts";
import { isUntouchedAttribute } from "./untouched-attribute.ts";
import { textOf, valueTags } from "./value-text.ts";
import { type WalkedContent, type WalkedMessage, walkedRequests } from "./walked-fields.ts";

/** A longer name is none of an event with content. */
const maxEventName = 128;
/** So many bytes of a message are searched for its name at a piece. */
const maxNameWindow = 65_536;
const eventNameKey = Buffer.from("event.name");

/** A message that is being walked, and what holds outside of it. */
interface OpenMessage extends Omit<FieldRange, "fieldStart"> {
  readonly message: WalkedMessage;
  /** Undefined for the request, which has no length. */
  readonly mark: ReplacementMark | undefined;
  readonly outer: Pick<RedactionContext, "isContent" | "summary">;
}

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
  /** The messages that are being walked, from the outside in. */
  readonly #open: OpenMessage[] = [];
  #isBroken = false;

  /** `counts` grows by what was changed, in the order of `RedactionProgram.counted`. `mustPause` is asked after about 1 KiB each. */
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
      mustPause,
    });
    this.#attributes = new AttributeRedactor(this.#context);
    this.#keyless = new KeylessRedactor(this.#context, this.#attributes.values);
  }

  /** Does the work, and stops where it has to pause. */
  *run(): Steps<void> {
    const reader = this.#reader;
    const { length } = reader.bytes;
    const open = this.#open;
    open.push(this.#opened(undefined, this.#request, { lengthStart: 0, start: 0, end: length }));
    for (let message = open.at(-1); message !== undefined; message = open.at(-1)) {
      const steps = this.#fields(message);
      if (steps !== undefined) {
        yield* steps;
      }
      if (this.#isBroken) {
        return;
      }
      if (this.#context.mustPause()) {
        yield;
      }
    }
  }

  /** The redacted request, which is the same array if nothing changed; undefined if it cannot be decoded. */
  result(): Uint8Array | undefined {
    return this.#isBroken ? undefined : this.#edits.carryOut(this.#reader.bytes);
  }

  /** Redacts the fields of a message, up to one that is a message, which is opened, or one whose steps it returns, or up to the next pause. Closes the message at its end. */
  #fields(open: OpenMessage): Steps<void> | undefined {
    const reader = this.#reader;
    const { message, mark, end } = open;
    while (reader.position < end) {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      const field = message.byTag[tag];
      if (field === undefined) {
        if (!reader.skip(tag, end)) {
          this.#isBroken = true;
          return undefined;
        }
        continue;
      }
      const lengthStart = reader.position;
      const stop = reader.length(end);
      if (stop < 0) {
        this.#isBroken = true;
        return undefined;
      }
      const start = reader.position;
      if (field.kind === "message") {
        const inner = this.#opened(open, field.message, { lengthStart, start, end: stop });
        this.#open.push(inner);
        return this.#named(inner);
      }
      if (
        field.kind !== "attribute" ||
        !isUntouchedAttribute(this.#context, start, stop, field.place)
      ) {
        const isGood = this.#content(field, { fieldStart, lengthStart, start, end: stop });
        if (typeof isGood === "object") {
          return this.#steps(isGood, stop);
        }
        if (!isGood) {
          this.#isBroken = true;
          return undefined;
        }
        this.#edits.compact(reader.bytes, mark);
      }
      reader.position = stop;
      if (this.#context.isLong()) {
        return undefined;
      }
    }
    this.#close(open);
    return undefined;
  }

  *#steps(steps: Steps<boolean>, stop: number): Steps<void> {
    this.#isBroken = !(yield* steps);
    this.#reader.position = stop;
  }

  #content(field: WalkedContent, range: FieldRange): Stepwise<boolean> {
    switch (field.kind) {
      case "attribute":
        return this.#attributes.attribute(range, field.place);
      case "text":
        this.#keyless.text(range, field.place);
        return true;
      case "body":
        return this.#keyless.body(range, field.place);
      default: {
        const never: never = field;
        return never;
      }
    }
  }

  /** Begins a message in another one, from the reader's position up to `end`. */
  #opened(
    outer: OpenMessage | undefined,
    message: WalkedMessage,
    { lengthStart, start, end }: Omit<FieldRange, "fieldStart">,
  ): OpenMessage {
    if (outer?.message.isEnvelope === true && message.isEnvelope !== true) {
      this.#context.beginRecord();
    }
    const mark = outer === undefined ? undefined : this.#edits.open(lengthStart);
    const context = this.#context;
    const { isContent, summary } = context;
    context.summary = this.#newSummary(message);
    return { message, lengthStart, start, end, mark, outer: { isContent, summary } };
  }

  /** Notes whether a message is content by its name, or returns the steps that this takes. */
  #named(open: OpenMessage): Steps<void> | undefined {
    const { message, start, end } = open;
    if (message.nameTag === undefined || !this.#program.hasContentEvents) {
      return undefined;
    }
    this.#context.isContent = false;
    const next = this.#lookForName(open, start, Math.min(end, start + maxNameWindow));
    this.#reader.position = start;
    return next < end ? this.#lookFurtherForName(open, next) : undefined;
  }

  #close({ message, lengthStart, start, end, mark, outer }: OpenMessage): void {
    const context = this.#context;
    for (const keyValue of context.summary?.keyValues() ?? []) {
      this.#edits.replace(end, end, lengthField(message.summaryTag ?? 0, keyValue));
    }
    if (mark !== undefined) {
      this.#edits.close(mark, lengthStart, start, end);
    }
    this.#open.pop();
    this.#edits.compact(this.#reader.bytes, this.#open.at(-1)?.mark);
    context.isContent = outer.isContent;
    context.summary = outer.summary;
  }

  #newSummary({ summaryTag }: WalkedMessage): SummaryAttributes | undefined {
    const { summary } = this.#program;
    return summaryTag !== undefined && (summary === "debug" || summary === "info")
      ? new SummaryAttributes(summary === "debug")
      : undefined;
  }

  /**
   * Looks for the name by which an event or a log record is content, in its fields that begin from `start` up to `limit`. Returns where the next field begins,
   * or the end of the message if there is nothing more to look for. Moves the reader.
   */
  #lookForName({ message, end }: OpenMessage, start: number, limit: number): number {
    const { nameTag, summaryTag, isLog } = message;
    const reader = this.#reader;
    reader.position = start;
    while (reader.position < limit) {
      const tag = reader.tag(end);
      if (tag !== nameTag && (tag !== summaryTag || isLog !== true)) {
        if (!reader.skip(tag, end)) {
          return end;
        }
        continue;
      }
      const stop = reader.length(end);
      if (stop < 0) {
        return end;
      }
      const isContent =
        tag === nameTag
          ? this.#isContentName(reader.position, stop)
          : this.#isContentAttribute(reader.position, stop);
      if (isContent) {
        this.#context.isContent = true;
        return end;
      }
      reader.position = stop;
    }
    return reader.position;
  }

  *#lookFurtherForName(open: OpenMessage, from: number): Steps<void> {
    for (let next = from; next < open.end; ) {
      next = this.#lookForName(open, next, Math.min(open.end, next + maxNameWindow));
      if (this.#context.mustPause()) {
        yield;
      }
    }
    this.#reader.position = open.start;
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
      !eventNameKey.every((byte, i) => reader.bytes[keyValue.keyStart + i] === byte)
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
