import { type NumberUsage, neverUnused, UnusedNumbers } from "./unused-numbers.ts";

/** What may stand in a label: as OpenClaw's own Prometheus plugin has it. */
const lowCardinality = /^[A-Za-z0-9_.:-]{1,120}$/;
/** A session key of OpenClaw has this form; it must never become a label. */
const sessionKey = /(^|:)agent:/;

/** The value that stands for all beyond the bound. */
export const overflowValue = "other";

/** A value and its number. */
export type NumberedValue = readonly [number: number, value: string];

/**
 * Values from outside that may become attribute values of events, as small numbers: 0 is none. Only
 * well-formed ones get a number, and only so many; all further ones share `overflow`, which is `overflowValue`. Those that
 * were not seen for `maxAgeMs`, and are not in use elsewhere, make room. Looking a known value up makes no string.
 */
export class LabelValues {
  /** The number of all values beyond the bound; they are not one value. */
  readonly overflow: number;
  readonly #values: (string | undefined)[] = [""];
  readonly #seenAtMs: number[] = [0];
  readonly #free: number[] = [];
  readonly #byHash = new Map<number, number[]>();
  readonly #bound: number;
  readonly #changed = new Set<number>();
  readonly #unused: UnusedNumbers;

  constructor(bound: number, use: NumberUsage = neverUnused) {
    this.#bound = bound;
    this.overflow = bound + 1;
    this.#unused = new UnusedNumbers(use);
  }

  /** Requests are read at `nowMs` from here on. */
  setNow(nowMs: number): void {
    this.#unused.nowMs = nowMs;
  }

  /** The number of the value that is `bytes` from `start` up to `end`; 0 when it is not well-formed. */
  numberOf(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length < 1 || length > 120) {
      return 0;
    }
    const hash = hashOf(bytes, start, end);
    for (const candidate of this.#byHash.get(hash) ?? []) {
      if (this.#isValue(candidate, bytes, start, length)) {
        this.#seenAtMs[candidate] = this.#unused.nowMs;
        return candidate;
      }
    }
    const value = new TextDecoder("latin1").decode(bytes.subarray(start, end));
    if (!lowCardinality.test(value) || sessionKey.test(value)) {
      return 0;
    }
    return value === overflowValue ? this.overflow : this.#add(value);
  }

  /** What is stored of all values. */
  stored(): readonly NumberedValue[] {
    return this.#values.flatMap((value, number): readonly NumberedValue[] =>
      value === undefined || number === 0 ? [] : [[number, value]],
    );
  }

  /** What is to be stored of those that are new since this was asked last. */
  takeChanged(): readonly NumberedValue[] {
    const changed = [...this.#changed].flatMap((number): readonly NumberedValue[] => {
      const value = this.#values[number];
      return value === undefined ? [] : [[number, value]];
    });
    this.#changed.clear();
    return changed;
  }

  /** Puts back what was stored. Older versions numbered in the order in which they stored. */
  restore([number, value]: NumberedValue): void {
    if (number > this.#bound || value === overflowValue) {
      return;
    }
    this.#remove(number);
    while (this.#values.length <= number) {
      this.#free.push(this.#values.push(undefined) - 1);
    }
    this.#free.splice(this.#free.indexOf(number), 1);
    this.#enter(number, value);
  }

  /** The value of a number; undefined for 0. */
  valueOf(number: number): string | undefined {
    if (number === this.overflow) {
      return overflowValue;
    }
    return number === 0 ? undefined : this.#values[number];
  }

  #add(value: string): number {
    const seenAtMs = this.#seenAtMs;
    const values = this.#values;
    const unused = this.#unused.take(function* () {
      for (let number = 1; number < values.length; number++) {
        yield [
          number,
          values[number] === undefined ? Number.POSITIVE_INFINITY : (seenAtMs[number] ?? 0),
        ];
      }
    });
    for (const number of unused) {
      this.#remove(number);
    }
    const number = this.#free.pop() ?? values.length;
    const isFull = number > this.#bound;
    this.#unused.onAdd({ isFull });
    if (isFull) {
      return this.overflow;
    }
    this.#enter(number, value);
    this.#changed.add(number);
    return number;
  }

  #enter(number: number, value: string): void {
    this.#values[number] = value;
    this.#seenAtMs[number] = this.#unused.nowMs;
    const hash = hashOfText(value);
    this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), number]);
  }

  #remove(number: number): void {
    const value = this.#values[number];
    if (value === undefined) {
      return;
    }
    const hash = hashOfText(value);
    const left = (this.#byHash.get(hash) ?? []).filter((each) => each !== number);
    if (left.length === 0) {
      this.#byHash.delete(hash);
    } else {
      this.#byHash.set(hash, left);
    }
    this.#values[number] = undefined;
    this.#changed.delete(number);
    this.#free.push(number);
  }

  #isValue(number: number, bytes: Uint8Array, start: number, length: number): boolean {
    const value = this.#values[number] ?? "";
    if (value.length !== length) {
      return false;
    }
    for (let at = 0; at < length; at++) {
      if (value.charCodeAt(at) !== bytes[start + at]) {
        return false;
      }
    }
    return true;
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let at = start; at < end; at++) {
    hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0;
  }
  return hash;
}

function hashOfText(value: string): number {
  const bytes = Buffer.from(value, "latin1");
  return hashOf(bytes, 0, bytes.length);
}
