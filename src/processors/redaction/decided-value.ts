import { isPlainValue } from "./plain-value.ts";
import type { Checkpoint, Fate, FieldRange, RedactionContext } from "./redaction-context.ts";
import type { ValueTask } from "./scalar-redactor.ts";
import { type Steps, type Stepwise, stepsOf } from "./steps.ts";
import { textValue, ValueHasher } from "./value-hasher.ts";
import type { ValueRedactor } from "./value-redactor.ts";
import type { ValueSearch } from "./value-search.ts";

/** Where the content of a value begins and ends. */
type Range = Pick<FieldRange, "start" | "end">;

/** What is to be done with a value, and the rule about the whole of it, or -1. */
interface DecidedTask {
  readonly task: ValueTask;
  readonly wholeBy: number;
  /** Whether it is in no other value. */
  readonly isOutermost: boolean;
  /** Whether it is in a value that the same rule hashes, which is counted once. */
  readonly isCountedAlready: boolean;
}

/** Carries out what the rules say of a value: they look into it, or hash, mask or delete it as a whole. */
export class DecidedValueRedactor {
  readonly #context: RedactionContext;
  readonly #values: ValueRedactor;
  readonly #hasher: ValueHasher;

  constructor(context: RedactionContext, values: ValueRedactor) {
    this.#context = context;
    this.#values = values;
    this.#hasher = new ValueHasher(context);
  }

  /** Redacts the `AnyValue` in a range. */
  redact(range: Range, decided: DecidedTask): Stepwise<Fate> {
    const { task, wholeBy, isOutermost } = decided;
    const { start, end } = range;
    const { search } = task;
    const action = this.#context.program.rules[wholeBy]?.action;
    const replaces = action !== undefined && action !== "keep";
    if (replaces && action !== "hash" && search === undefined) {
      return this.#whole(range, wholeBy);
    }
    const isPlain = isPlainValue(this.#context.reader.bytes, start, end);
    // What is kept with all that is in it may have any size.
    const isBounded = !isPlain && isOutermost && (action !== "keep" || search !== undefined);
    if (isBounded && !this.#context.takes(start, end)) {
      return this.#large(range, wholeBy, search);
    }
    if (!isPlain && action === "hash" && task.inside !== undefined) {
      const inner = this.#hasher.lastItems(start, end);
      if (inner !== undefined) {
        return this.#hashInside(range, inner, decided);
      }
    }
    if (!replaces || search !== undefined) {
      const before = replaces ? this.#context.checkpoint() : undefined;
      const fate = isPlain
        ? this.#values.plain(start, end, task)
        : this.#values.redact(start, end, task);
      if (before === undefined) {
        return fate;
      }
      if (typeof fate === "object") {
        return this.#rest(fate, before, range, decided);
      }
      if (fate !== "stay") {
        return fate;
      }
      this.#context.backTo(before);
    }
    return this.#replace(range, decided);
  }

  /** Hashes in an array or a map what the rules before the one that hashes leave. */
  *#hashInside(
    { start, end }: Range,
    inner: Range,
    { task, wholeBy, isCountedAlready }: DecidedTask,
  ): Steps<Fate> {
    const { edits } = this.#context;
    if (inner.start > start) {
      edits.remove(start, inner.start);
    }
    const fate = yield* stepsOf(this.#values.redact(inner.start, inner.end, task));
    if (end > inner.end) {
      edits.remove(inner.end, end);
    }
    this.#count(wholeBy, isCountedAlready);
    return fate;
  }

  /** The rest of a search, which may keep or delete the value. */
  *#rest(search: Steps<Fate>, before: Checkpoint, range: Range, decided: DecidedTask): Steps<Fate> {
    const fate = yield* search;
    if (fate !== "stay") {
      return fate;
    }
    this.#context.backTo(before);
    const replaced = this.#replace(range, decided);
    return typeof replaced === "object" ? yield* replaced : replaced;
  }

  /** Hashes, masks or deletes a value. */
  #replace({ start, end }: Range, decided: DecidedTask): Stepwise<Fate> {
    const { wholeBy, isCountedAlready } = decided;
    if (this.#context.program.rules[wholeBy]?.action !== "hash") {
      return this.#whole({ start, end }, wholeBy);
    }
    if (!isPlainValue(this.#context.reader.bytes, start, end)) {
      return this.#hash({ start, end }, decided);
    }
    if (this.#hasher.plain(start, end)) {
      this.#count(wholeBy, isCountedAlready);
    }
    return "stay";
  }

  *#hash({ start, end }: Range, { task, wholeBy, isCountedAlready }: DecidedTask): Steps<Fate> {
    if (yield* this.#hasher.value(start, end, task.place)) {
      this.#count(wholeBy, isCountedAlready);
    }
    return "stay";
  }

  #count(rule: number, isCountedAlready: boolean): void {
    if (!isCountedAlready) {
      this.#context.count(rule);
    }
  }

  /** Masks or deletes a value as a whole. */
  #whole({ start, end }: Range, rule: number): Fate {
    this.#context.count(rule);
    if (this.#context.program.rules[rule]?.action === "delete") {
      return "delete";
    }
    this.#context.edits.replace(start, end, this.#context.maskValue());
    return "stay";
  }

  /** What no rule looks into is hashed as one value where a rule hashes it, and else masked for the first of the rules that would look. */
  #large({ start, end }: Range, wholeBy: number, search: ValueSearch | undefined): Fate {
    const { program, reader, edits } = this.#context;
    const action = program.rules[wholeBy]?.action;
    if (action === "mask" || action === "delete") {
      return this.#whole({ start, end }, wholeBy);
    }
    if (action === "hash") {
      edits.replace(start, end, textValue(program.hashed(reader.bytes.subarray(start, end))));
      this.#context.count(wholeBy);
      return "stay";
    }
    edits.replace(start, end, this.#context.maskValue());
    this.#context.count(search?.rules[0] ?? program.listIndex.blockedValues);
    return "stay";
  }
}
