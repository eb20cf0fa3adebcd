import { BoundedMap } from "./bounded-map.ts";

/** Names seen lately: there are few, and a look-up is cheaper than two patterns. */
const seen = new BoundedMap<string, string | false>(512);

/**
 * The value when it looks like a name, else nothing. Session keys (`agent:…`), UUIDs and long runs of hex digits are
 * ids, whatever field they came in.
 */
export function lowCardinality(value: string | undefined): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  let answer = seen.get(value);
  if (answer === undefined) {
    answer = name.test(value) && !id.test(value) ? value : false;
    seen.set(value, answer);
  }
  return answer === false ? undefined : answer;
}

/**
 * The value when it looks like a word out of a fixed list (`active_work`, `stuck_recovery:aborted`), else nothing: no
 * digits and no capitals, which ids have.
 */
export function closedText(value: string | undefined): string | undefined {
  return value !== undefined && words.test(value) ? value : undefined;
}

const words = /^[a-z]{1,24}(?:[_-][a-z]{1,24}){0,7}(?::[a-z]{1,24}(?:[_-][a-z]{1,24}){0,7})?$/;

// A model's name may hold slashes (`vendor/model`) and an `@`.
const name = /^[A-Za-z0-9_.:/@-]{1,120}$/;
const id = /(^|:)agent:|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{24}/i;
