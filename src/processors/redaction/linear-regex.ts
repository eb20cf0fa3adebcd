import { RE2JS } from "re2js";

/** The longest pattern of the config. Its automaton takes memory in proportion. */
const maxPatternLength = 1_000;
/** The most instructions of a pattern. A repetition such as `(?:a{500}){500}` makes many of few characters. */
const maxProgramSize = 10_000;

/**
 * A regular expression in the syntax of Go's, which is RE2's. It takes time in proportion to the length of the text, whatever the text and
 * the pattern: senders choose the texts.
 */
export class LinearRegex {
  readonly #pattern: RE2JS;

  constructor(pattern: string) {
    this.#pattern = RE2JS.compile(pattern);
  }

  test(text: string): boolean {
    return this.#pattern.test(text);
  }

  /**
   * Calls `onMatch` with the ranges of the matches in UTF-8, from the first to the last, at most `max` of them. Empty matches are left out.
   * False if there were more.
   */
  forEachMatch(
    bytes: Uint8Array,
    max: number,
    onMatch: (start: number, end: number) => void,
  ): boolean {
    const matcher = this.#pattern.matcher(bytes);
    for (let count = 0; matcher.find(); ) {
      const start = matcher.start();
      const end = matcher.end();
      if (end > start) {
        if (count >= max) {
          return false;
        }
        count += 1;
        onMatch(start, end);
      }
    }
    return true;
  }

  /** The text with every match replaced, but empty ones. Undefined if there are more than `max`. */
  replaceAll(text: string, max: number, replace: (match: string) => string): string | undefined {
    const matcher = this.#pattern.matcher(text);
    let out = "";
    let from = 0;
    for (let count = 0; matcher.find(); ) {
      const start = matcher.start();
      const end = matcher.end();
      if (end === start) {
        continue;
      }
      if (count >= max) {
        return undefined;
      }
      count += 1;
      out += text.slice(from, start) + replace(text.slice(start, end));
      from = end;
    }
    return out + text.slice(from);
  }
}

/** Tests whether any of the patterns matches; undefined for none. */
export function anyOf(patterns: readonly string[]): Pick<LinearRegex, "test"> | undefined {
  if (patterns.length === 0) {
    return undefined;
  }
  try {
    return new LinearRegex(patterns.map((pattern) => `(?:${pattern})`).join("|"));
  } catch {
    // Two of them have groups of the same name.
    const all = patterns.map((pattern) => new LinearRegex(pattern));
    return { test: (text) => all.some((pattern) => pattern.test(text)) };
  }
}

/** What is wrong with a pattern, as the rest of a sentence that begins with its path. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > maxPatternLength) {
    return `must have at most ${maxPatternLength} characters, but has ${pattern.length}.`;
  }
  try {
    const size = RE2JS.compile(pattern).programSize();
    return size > maxProgramSize
      ? `is too large a regular expression: it takes ${size} instructions, and may take ${maxProgramSize}. Lower its repetition counts.`
      : undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `must be a regular expression in the syntax of Go (RE2), which has no lookaround and no backreferences: ${reason}.`;
  }
}
