import type { Action } from "./redaction-rule.ts";

/** What rules about a key say of all that is in the arrays and maps under it. */
export interface InnerRules {
  /** Rules with keys and values, which look for them under every key in it. */
  readonly searching: readonly number[];
  /** Only rules before this one apply, because it keeps or hashes everything; infinity if none does. */
  readonly before: number;
  /** The rule that hashes what those before it leave, or -1. */
  readonly hashedBy: number;
}

/** What holds for all that is in no array and no map. */
export const everything: InnerRules = {
  searching: [],
  before: Number.POSITIVE_INFINITY,
  hashedBy: -1,
};

/**
 * What holds for all that is in a value; undefined if that is what holds everywhere, or if nothing looks into it. `action` is that of the rule about the whole
 * value, `wholeBy`, and `isFirst` says that no rule is before that one.
 */
export function innerRulesOf({
  action,
  wholeBy,
  searching,
  outer,
  isFirst,
}: {
  readonly action: Action | undefined;
  readonly wholeBy: number;
  readonly searching: readonly number[];
  readonly outer: InnerRules;
  readonly isFirst: boolean;
}): InnerRules | undefined {
  switch (action) {
    case "keep":
      return { searching, before: wholeBy, hashedBy: -1 };
    case "hash":
      return isFirst ? undefined : { searching, before: wholeBy, hashedBy: wholeBy };
    case "mask":
    case "delete":
      return undefined;
    case undefined:
      return searching.length > 0 || outer.before < everything.before
        ? { searching, before: outer.before, hashedBy: -1 }
        : undefined;
    default: {
      const never: never = action;
      return never;
    }
  }
}
