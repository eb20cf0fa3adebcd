import { describe, expect, test } from "vitest";
import {
  int64Text,
  isNoSession,
  isNoSessionText,
  noSessionTexts,
} from "../../../src/activity/recognition/session-values.ts";

/** Both forms, of which the one for bytes must keep to its range. */
function areNone(text: string): readonly boolean[] {
  const bytes = Buffer.from(`x${text}y`);
  return [isNoSessionText(text), isNoSession(bytes, 1, bytes.length - 1)];
}

describe("a text that names no session", () => {
  const texts = [
    "",
    " ",
    "\t\r\n",
    "None",
    "NULL",
    " undefined ",
    "NaN",
    "Unknown",
    "[object Object]",
    "[Scrubbed due to 'session']",
    `[Scrubbed due to '${"x".repeat(100)}']`,
  ];
  for (const text of [...texts, ...noSessionTexts]) {
    test(JSON.stringify(text), () => expect(areNone(text)).toEqual([true, true]));
  }
});

describe("a text that names a session", () => {
  for (const text of [
    "agent:main:main",
    "main",
    "global",
    "0",
    "a",
    "none of your business",
    "default-1",
    "null.",
    "unknown:1",
    "\u00a0",
    "ｎone",
    "00000000-0000-0000-0000-000000000001",
    "[Scrubbed due to",
    "Scrubbed due to 'session'",
    `none${" ".repeat(100)}1`,
  ]) {
    test(JSON.stringify(text), () => expect(areNone(text)).toEqual([false, false]));
  }
});

for (const [hi, lo, want] of [
  [0, 0, "0"],
  [0, 42, "42"],
  [-1, -1, "-1"],
  [0, -1, "4294967295"],
  [0x7fff_ffff, -1, "9223372036854775807"],
  [-0x8000_0000, 0, "-9223372036854775808"],
] as const) {
  test(`the words ${hi} and ${lo} are ${want}`, () => expect(int64Text(hi, lo)).toBe(want));
}
