import { textOf } from "./authorization.ts";
import type { Place } from "./detected.ts";
import { isSecretName } from "./secret-names.ts";
import { bareEnd, closingQuote, type Text } from "./value-ends.ts";

/** As far as a name is looked for before its value and behind it. */
const maxPair = 128;
/** A longer value with its name behind it is not seen. */
const maxValue = 1_024;
const maxBlanks = 12;
const closeBrace = 0x7d;
const sign = String.raw`[ \t]{0,4}[:=][ \t]{0,4}`;
/** Other pairs between, such as `type="x" `. */
const others = String.raw`(?:[\s,]{1,32}["']?[\w.-]{1,32}["']?${sign}(?:"[^"]{0,64}"|'[^']{0,64}'|[^\s,"'{}<>]{1,64})){0,4}?`;
const name = String.raw`(?:name|key|header)["']?${sign}["']?([A-Za-z][\w.-]{0,63})`;
/** `"name": "x-api-key", "`, `key="password" `, `name: TOKEN` on the line before, up to the word `value`. */
const nameBefore = new RegExp(
  String.raw`(?:^|[^A-Za-z])${name}["']?${others}[\s,]{0,32}["']?$`,
  "i",
);
/** `password: { ` and `password:` on the line before, up to the word `value`. */
const mapBefore = new RegExp(
  String.raw`([A-Za-z][\w.-]{0,63})["']?(?:${sign}\{|[ \t]{0,4}:[ \t]{0,4}\r?\n)\s{0,32}["']?$`,
);
/** `", "name": "x-api-key"` from the end of the value. */
const nameBehind = new RegExp(String.raw`^["']?\}?${others}[\s,]{1,32}["']?${name}(?![\w.-])`, "i");

/**
 * Whether the word that ends before `end` is `value`, in a pair with a name of a secret before it or behind it: `{"name": "x-api-key", "value": "x"}`. The sign behind the
 * word is at `place.at`.
 */
export function isValueOfSecret(bytes: Uint8Array, end: number, place: Place): boolean {
  const { start } = place;
  const from = end - "value".length;
  // Most words are another one, as their last letter shows.
  if (
    from <= start ||
    ((bytes[end - 1] ?? 0) | 0x20) !== 0x65 ||
    ((bytes[from] ?? 0) | 0x20) !== 0x76
  ) {
    return false;
  }
  if (!isItemBefore(bytes, from, start) || textOf(bytes, from, end).toLowerCase() !== "value") {
    return false;
  }
  const textBefore = textOf(bytes, Math.max(start, from - maxPair), from);
  const [, outer = ""] = mapBefore.exec(textBefore) ?? [];
  const [, before] = nameBefore.exec(textBefore) ?? [];
  return isSecretName(outer) || isSecretName(before ?? nameBehindValue(bytes, place));
}

function nameBehindValue(bytes: Uint8Array, { at, end, levels }: Place): string {
  let open = at + 1;
  while (open < end && open - at <= maxBlanks && (bytes[open] ?? 0) <= 0x20) {
    open += 1;
  }
  const text = { end: Math.min(end, open + maxValue), levels };
  const to = valueEnd(bytes, open, at, text);
  const [, behind = ""] =
    to < text.end ? (nameBehind.exec(textOf(bytes, to, Math.min(end, to + maxPair))) ?? []) : [];
  return behind;
}

/** Where the value of a text or a map ends: at its quote, its brace or behind it. */
function valueEnd(bytes: Uint8Array, open: number, at: number, text: Text): number {
  switch (bytes[open]) {
    case 0x22:
    case 0x27:
      return closingQuote(bytes, open, text);
    case 0x7b: {
      let to = open;
      while (to < text.end && bytes[to] !== closeBrace) {
        to += 1;
      }
      return to;
    }
    default:
      return bareEnd(bytes, open, at, text);
  }
}

/** Whether the end of another item is before `from`, and perhaps a quote. */
function isItemBefore(bytes: Uint8Array, from: number, start: number): boolean {
  const last = bytes[from - 1] ?? 0;
  const isQuoted = last === 0x22 || last === 0x27;
  const before = isQuoted && from - 2 >= start ? (bytes[from - 2] ?? 0) : last;
  return before <= 0x20 || before === 0x2c || before === 0x7b;
}
