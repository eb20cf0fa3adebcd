import { NumberPool, type NumberUsage, neverUnused } from "./number-pool.ts";

/** The values that a label may have; as in OpenClaw's own Prometheus plugin. */
const lowCardinality = /^[A-Za-z0-9_.:-]{1,120}$/;
/** A session key of OpenClaw has this form; it must never become a label. */
const sessionKey = /(^|:)agent:/;

/** The value that stands for all beyond the bound. */
export const overflowValue = "other";

const none: readonly NumberedValue[] = [];

/** A value and its number. */
export type NumberedValue = readonly [number: number, value: string];

/**
 * Numbers texts of senders that may become attribute values of events. Keeps the text of each number, and an index by hash;
 * 0 is none. Only well-formed texts get a number, at most `bound` of them at a time; all further ones share `overflow`, which
 * reads as `overflowValue`. A text that was not seen for `maxAgeMs`, and whose number is not in use elsewhere, makes room.
 * Looking a known text up creates no string.
 */
export class LabelValues {
  /** The number of all values beyond the bound; they are not one value. */
  readonly overflow: number;
  /** By number. */
  readonly #values: (string | undefined)[] = [undefined];
  readonly #byHash = new Map<number, number[]>();
  readonly #bound: number;
  readonly #changed = new Set<number>();
  readonly #numbers: NumberPool;

  constructor(bound: number, usage: NumberUsage = neverUnused) {
    this.#bound = bound;
    this.overflow = bound + 1;
    this.#numbers = new NumberPool(bound, usage);
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
        this.#numbers.touch(candidate);
        return candidate;
      }
    }
    const value = new TextDecoder("latin1").decode(bytes.subarray(start, end));
    if (!lowCardinality.test(value) || sessionKey.test(value)) {
      return 0;
    }
    return value === overflowValue ? this.overflow : this.#add(value, hash);
  }

  /** What is stored of all values. */
  stored(): readonly NumberedValue[] {
    return this.#storedOf(this.#values.keys());
  }

  /** What to store of the values that are new since the last call. */
  takeChanged(): readonly NumberedValue[] {
    const changed = this.#changed.size === 0 ? none : this.#storedOf(this.#changed);
    this.#changed.clear();
    return changed;
  }

  /** Restores what was stored. Older versions numbered in the order in which they stored. */
  restore([number, value]: NumberedValue): void {
    if (number > this.#bound || value === overflowValue) {
      return;
    }
    this.#remove(number);
    this.#numbers.takeStored(number);
    this.#enter(number, value, hashOfText(value));
  }

  /** The value of a number; undefined for 0. */
  valueOf(number: number): string | undefined {
    return number === this.overflow ? overflowValue : this.#values[number];
  }

  #add(value: string, hash: number): number {
    for (const number of this.#numbers.unused()) {
      this.#remove(number);
    }
    const number = this.#numbers.take();
    if (number === 0) {
      return this.overflow;
    }
    this.#enter(number, value, hash);
    this.#changed.add(number);
    return number;
  }

  #enter(number: number, value: string, hash: number): void {
    this.#values[number] = value;
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
    this.#numbers.release(number);
  }

  #storedOf(numbers: Iterable<number>): readonly NumberedValue[] {
    const stored: NumberedValue[] = [];
    for (const number of numbers) {
      const value = this.#values[number];
      if (value !== undefined) {
        stored.push([number, value]);
      }
    }
    return stored;
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
