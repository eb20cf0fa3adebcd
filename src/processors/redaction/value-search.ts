import type { FoundRanges } from "./found-ranges.ts";
import type { RedactionRule } from "./redaction-rule.ts";
import { findValues, maxFindings, type ValueKind } from "./value-detectors.ts";
import { textOf } from "./value-text.ts";

/** A longer text is not searched: it counts as one match of each rule. Nothing else is done before it is, so this bounds how long others wait. */
export const maxSearchedBytes = 1_048_576;
/** A text with more matches of a pattern counts as one match, and one with more values of a kind as one value. */
const maxMatches = 1_000;
const maxFound = maxFindings - 1;

/** A longer text is no name. */
const maxNameBytes = 256;

/** How many matches of regular expressions a request may have; each of them takes some microseconds. Beyond them a text with a match counts as one. */
export interface MatchBudget {
  matchesLeft: number;
}

export const matchesPerRequest = 20_000;

/** What becomes of a value in which a rule found something: nothing by itself, the value goes, or nothing else may change it. */
export type SearchOutcome = "ranges" | "delete" | "keep";

/** What several rules look for in the same values, in the order of the rules. */
export class ValueSearch {
  readonly rules: readonly number[];
  readonly #rules: readonly (readonly [index: number, rule: RedactionRule])[];
  /** The rules that look for a kind. */
  readonly #byKind = new Map<ValueKind, readonly number[]>();
  readonly #withPatterns: readonly (readonly [index: number, rule: RedactionRule])[];
  readonly #ofWholes: readonly (readonly [index: number, isOne: (text: string) => boolean])[];
  readonly #decides: boolean;
  #found: FoundRanges | undefined;
  /** The first rule that found more than there may be. */
  #tooMany = Number.POSITIVE_INFINITY;

  constructor(indices: readonly number[], all: readonly RedactionRule[]) {
    this.rules = indices;
    this.#rules = indices.flatMap((index) => {
      const rule = all[index];
      return rule === undefined ? [] : [[index, rule] as const];
    });
    for (const [index, rule] of this.#rules) {
      for (const kind of rule.values?.kinds ?? []) {
        this.#byKind.set(kind, [...(this.#byKind.get(kind) ?? []), index]);
      }
    }
    this.#withPatterns = this.#rules.filter(([, rule]) => (rule.values?.patterns.length ?? 0) > 0);
    this.#ofWholes = this.#rules.flatMap(([index, { values }]) =>
      values?.isOne === undefined ? [] : [[index, values.isOne] as const],
    );
    this.#decides = this.#rules.some(([, { action }]) => action === "delete" || action === "keep");
  }

  /** Whether numbers are searched, as texts: only patterns can match in them. */
  get hasPatterns(): boolean {
    return this.#withPatterns.length > 0;
  }

  /**
   * Searches the text from `start` up to `end`. `found` then has the ranges to hash or to mask, in the order of the text. With `delete` or `keep`, it ends with the
   * rule that decided.
   */
  search(
    bytes: Uint8Array,
    start: number,
    end: number,
    { found, budget }: { readonly found: FoundRanges; readonly budget: MatchBudget },
  ): { readonly outcome: SearchOutcome; readonly by: number } {
    found.clear();
    if (end - start > maxSearchedBytes) {
      this.#takeWhole(start, end, found);
    } else {
      this.#searchIn(bytes, start, end, { found, budget });
    }
    if (found.count === 0) {
      return unchanged;
    }
    const decided = this.#decides ? this.#decide(found) : unchanged;
    found.merge();
    return decided;
  }

  /** Nothing shows that the text may be kept, nor that it need not be changed. */
  #takeWhole(start: number, end: number, found: FoundRanges): void {
    for (const [index, { action }] of this.#rules) {
      if (action !== "keep") {
        found.add(index, start, end);
      }
    }
  }

  #searchIn(
    bytes: Uint8Array,
    start: number,
    end: number,
    { found, budget }: { readonly found: FoundRanges; readonly budget: MatchBudget },
  ): void {
    if (this.#byKind.size > 0) {
      this.#found = found;
      this.#tooMany = Number.POSITIVE_INFINITY;
      findValues(bytes, start, end, this.#onFound);
      this.#found = undefined;
      if (this.#tooMany < Number.POSITIVE_INFINITY) {
        found.add(this.#tooMany, start, end);
      }
    }
    if (this.#withPatterns.length > 0) {
      this.#searchPatterns(bytes, start, end, { found, budget });
    }
    for (const [index, isOne] of this.#ofWholes) {
      if (end - start > maxNameBytes || isOne(textOf(bytes, start, end))) {
        found.add(index, start, end);
      }
    }
  }

  readonly #onFound = (kind: ValueKind, start: number, end: number): void => {
    for (const rule of this.#byKind.get(kind) ?? none) {
      if (this.#found !== undefined && this.#found.count < maxFound) {
        this.#found.add(rule, start, end);
      } else {
        this.#tooMany = Math.min(this.#tooMany, rule);
      }
    }
  };

  #searchPatterns(
    bytes: Uint8Array,
    start: number,
    end: number,
    { found, budget }: { readonly found: FoundRanges; readonly budget: MatchBudget },
  ): void {
    const text = textOf(bytes, start, end);
    for (const [index, { values }] of this.#withPatterns) {
      for (const pattern of values?.patterns ?? []) {
        if (!pattern.test(text)) {
          continue;
        }
        const before = found.count;
        const max = Math.min(maxMatches, budget.matchesLeft);
        const isWhole = pattern.forEachMatch(bytes.subarray(start, end), max, (from, to) =>
          found.add(index, start + from, start + to),
        );
        budget.matchesLeft -= found.count - before;
        if (!isWhole) {
          found.add(index, start, end);
        }
      }
    }
  }

  #decide(found: FoundRanges): { readonly outcome: SearchOutcome; readonly by: number } {
    let by = Number.POSITIVE_INFINITY;
    let outcome: SearchOutcome = "ranges";
    for (const [index, { action }] of this.#rules) {
      if (action !== "delete" && action !== "keep") {
        continue;
      }
      for (let i = 0; i < found.count; i++) {
        if (found.rule(i) === index && index < by) {
          by = index;
          outcome = action;
        }
      }
    }
    if (outcome === "ranges") {
      return unchanged;
    }
    found.dropFrom(by);
    return { outcome, by };
  }
}

const none: readonly number[] = [];
const unchanged = { outcome: "ranges", by: -1 } as const;
