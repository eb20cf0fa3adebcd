import { OldestFirstMap } from "../../src/collections/oldest-first-map.ts";

/** Results for recent names: there are few, and a look-up is cheaper than two patterns. */
const results = new OldestFirstMap<string, string | false>(512);

/**
 * Returns the value if it looks like a name, else `undefined`. Session keys (`agent:…`), UUIDs and long runs of hex digits
 * are ids, in any field.
 */
export function lowCardinality(value: string | undefined): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  let result = results.get(value);
  if (result === undefined) {
    result = name.test(value) && !id.test(value) ? value : false;
    results.set(value, result);
  }
  return result === false ? undefined : result;
}

/**
 * Returns the value if it looks like a word of a fixed list (`active_work`, `stuck_recovery:aborted`), else `undefined`.
 * Digits and capitals are refused, because ids contain them.
 */
export function closedText(value: string | undefined): string | undefined {
  return value !== undefined && words.test(value) ? value : undefined;
}

const words = /^[a-z]{1,24}(?:[_-][a-z]{1,24}){0,7}(?::[a-z]{1,24}(?:[_-][a-z]{1,24}){0,7})?$/;

// A model's name may hold slashes (`vendor/model`) and an `@`.
const name = /^[A-Za-z0-9_.:/@-]{1,120}$/;
const id = /(^|:)agent:|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{24}/i;
