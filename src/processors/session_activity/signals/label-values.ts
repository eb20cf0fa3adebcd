/** What may stand in a label: as OpenClaw's own Prometheus plugin has it. */
const lowCardinality = /^[A-Za-z0-9_.:-]{1,120}$/;
/** A session key of OpenClaw has this form; it must never become a label. */
const sessionKey = /(^|:)agent:/;

/** The value that stands for all beyond the bound. */
export const overflowValue = "other";

/**
 * Values from outside that may become attribute values of events, as small numbers: 0 is none. Only
 * well-formed ones get a number, and only so many; all further ones share `overflowValue`. Looking a
 * known value up makes no string.
 */
export class LabelValues {
  readonly #values: string[] = [""];
  readonly #byHash = new Map<number, number[]>();
  readonly #bound: number;
  #overflow = 0;

  constructor(bound: number) {
    this.#bound = bound;
  }

  /** The number of the value that is `bytes` from `start` up to `end`; 0 when it is not well-formed. */
  numberOf(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length < 1 || length > 120) {
      return 0;
    }
    let hash = length;
    for (let at = start; at < end; at++) {
      hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0;
    }
    const candidates = this.#byHash.get(hash);
    for (const candidate of candidates ?? []) {
      if (this.#isValue(candidate, bytes, start, length)) {
        return candidate;
      }
    }
    const value = new TextDecoder("latin1").decode(bytes.subarray(start, end));
    if (!lowCardinality.test(value) || sessionKey.test(value)) {
      return 0;
    }
    if (this.#values.length > this.#bound) {
      if (this.#overflow === 0) {
        this.#overflow = this.#values.push(overflowValue) - 1;
      }
      return this.#overflow;
    }
    const number = this.#values.push(value) - 1;
    this.#byHash.set(hash, [...(candidates ?? []), number]);
    return number;
  }

  /** Values that have a number from `from` on, in the order of their numbers. */
  valuesFrom(from: number): readonly string[] {
    return this.#values.slice(from);
  }

  /** The next number that will be given. */
  get next(): number {
    return this.#values.length;
  }

  /** Gives numbers to values of which `valuesFrom` told, in the same order. */
  restore(values: readonly string[]): void {
    for (const value of values) {
      const bytes = Buffer.from(value, "latin1");
      this.numberOf(bytes, 0, bytes.length);
    }
  }

  /** The value of a number; undefined for 0. */
  valueOf(number: number): string | undefined {
    return number === 0 ? undefined : this.#values[number];
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
