import type { LinearRegex } from "./linear-regex.ts";
import type { ValueKind } from "./value-detectors.ts";

export const actions = ["hash", "delete", "keep", "mask"] as const;

export type Action = (typeof actions)[number];

/** One rule, ready to use. */
export interface RedactionRule {
  /** Under this name it is counted. */
  readonly name: string;
  readonly action: Action;
  /** The bits of the places where it applies. */
  readonly places: number;
  /** Whether it is about a key; left out if it is about all keys, and about texts that have none. */
  readonly matchesKey?: (key: string) => boolean;
  /** Set if it is about keys, and about the body of a log record all the same. */
  readonly matchesBody?: true;
  /** What it looks for in the values; without these it is about the whole value. */
  readonly values?: {
    readonly kinds: readonly ValueKind[];
    readonly patterns: readonly LinearRegex[];
    /** Whether a whole text is one. Gets at most 256 bytes of UTF-8: a longer text is taken as one. */
    readonly isOne?: (text: string) => boolean;
  };
}
