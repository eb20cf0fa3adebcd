import { textOf } from "./authorization.ts";
import { type Found, none } from "./detected.ts";
import { isOrdinaryValue, longestOrdinary } from "./ordinary-values.ts";

const closeBrace = 0x7d;
const blank = 0x20;
/** A longer value is none: without a bound each brace would be looked for up to the end of the text. */
const maxBraced = 512;

/** The value in the braces of a connection string that open at `open`: `PWD={a;b}`. In it `}}` is a brace. */
export function bracedValue(bytes: Uint8Array, open: number, end: number): Found {
  const max = Math.min(end, open + maxBraced);
  let to = open + 1;
  while (to < max && (bytes[to] ?? 0) > blank) {
    if (bytes[to] === closeBrace) {
      if (to + 1 >= max || bytes[to + 1] !== closeBrace) {
        break;
      }
      to += 1;
    }
    to += 1;
  }
  const isOne =
    to < max &&
    bytes[to] === closeBrace &&
    !(to + 1 - open <= longestOrdinary && isOrdinaryValue(textOf(bytes, open, to + 1)));
  return isOne ? { start: open + 1, end: to } : none;
}
