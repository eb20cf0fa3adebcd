import { messageIndex } from "./check-table.ts";
import { countDataPoints } from "./data-points.ts";
import type { MessageChecker } from "./message-checker.ts";
import type { Signal } from "./payload.ts";
import { tagOf, type WireReader } from "./wire-reader.ts";

/** So many records of a request are compared in vain. */
const maxAttempts = 16;
const recordDepth = 3;

const logTimeTags: readonly number[] = [tagOf(1, "fixed64"), tagOf(11, "fixed64")];
const metricNameTag = tagOf(1, "length");

/**
 * Recognizes records of another signal, in a request that was sent to the wrong place: the three requests have one shape, so its envelope can be
 * decoded. Only records that are malformed, or have fields of a wrong type, are asked about, and only one that is in every
 * field a record of the other signal, and has what such a record has, is one. So a valid request is never taken for another.
 */
export class OtherSignal {
  /** The signal of the records that were recognized. */
  found: Signal | undefined;
  readonly #candidates: readonly Signal[];
  readonly #reader: WireReader;
  readonly #checker: MessageChecker;
  #attempts = 0;

  constructor(signal: Signal, reader: WireReader, checker: MessageChecker) {
    this.#candidates = others[signal];
    this.#reader = reader;
    this.#checker = checker;
  }

  /** Whether the record from `start` up to `end` is one of another signal. Forgets what the checker has noted of it. */
  isRecord(start: number, end: number): boolean {
    if (this.found !== undefined) {
      return this.#isOf(this.found, start, end);
    }
    if (this.#attempts === maxAttempts) {
      return false;
    }
    this.found = this.#candidates.find((signal) => this.#isOf(signal, start, end));
    this.#attempts += this.found === undefined ? 1 : 0;
    return this.found !== undefined;
  }

  #isOf(signal: Signal, start: number, end: number): boolean {
    const checker = this.#checker;
    const { edits } = checker;
    const { count, growth } = edits;
    const { weight } = checker;
    checker.hasMismatch = false;
    checker.hasUnknown = false;
    checker.repairs.isTrial = true;
    const isDecodable = checker.check(messageIndex.records[signal], start, end, recordDepth);
    checker.repairs.isTrial = false;
    const isExact =
      isDecodable && edits.count === count && !checker.hasMismatch && !checker.hasUnknown;
    edits.backTo({ count, growth });
    checker.weight = weight;
    return isExact && this.#hasEssentials(signal, start, end);
  }

  #hasEssentials(signal: Signal, start: number, end: number): boolean {
    const reader = this.#reader;
    reader.position = start;
    switch (signal) {
      case "traces":
        return true; // The check wants its ids.
      case "metrics":
        return reader.tag(end) === metricNameTag && this.#hasDataPoints(start, end);
      case "logs":
        return this.#hasTime(end);
      default: {
        const never: never = signal;
        return never;
      }
    }
  }

  #hasDataPoints(start: number, end: number): boolean {
    this.#reader.position = start;
    return countDataPoints(this.#reader, end) > 0;
  }

  #hasTime(end: number): boolean {
    const reader = this.#reader;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (logTimeTags.includes(tag)) {
        return true;
      }
      reader.skip(tag, end);
    }
    return false;
  }
}

const others = {
  traces: ["logs", "metrics"],
  metrics: ["traces", "logs"],
  logs: ["traces", "metrics"],
} as const satisfies Record<Signal, readonly Signal[]>;
