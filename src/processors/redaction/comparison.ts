import { textOf } from "./authorization.ts";
import { isWordByte } from "./byte-classes.ts";
import { urlLevelOf } from "./decoded-text.ts";
import type { Place } from "./detected.ts";
import { longestOrdinary } from "./ordinary-values.ts";
import { bareEnd } from "./value-ends.ts";

const equals = 0x3d;
const closeParenthesis = 0x29;
/** `PyJWT==2.8.0` */
const version = /^v?\d+(?:\.[\w*]+)+$/;

/** Whether the sign at `at`, which is there twice, compares in code, or sets a version. It does not if a value begins with `=`: `?password==x`. */
export function isComparison(bytes: Uint8Array, { at, end, levels }: Place): boolean {
  if (bytes[at] !== equals || !isWordByte(bytes[at - 1]) || !isWordByte(bytes[at + 2])) {
    return true;
  }
  if (urlLevelOf(levels, at + 1) > urlLevelOf(levels, at)) {
    return false;
  }
  const max = Math.min(end, at + 2 + longestOrdinary);
  const to = bareEnd(bytes, at + 2, at, { end: max, levels });
  return bytes[to] === closeParenthesis || version.test(textOf(bytes, at + 2, to));
}
