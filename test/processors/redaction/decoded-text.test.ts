import { describe, expect, test } from "vitest";
import {
  backslashesOf,
  DecodedText,
  urlLevelOf,
} from "../../../src/processors/redaction/decoded-text.ts";
import fc from "../../support/fast-check.ts";

function decoded(text: string | Uint8Array): DecodedText {
  const bytes = Buffer.from(text);
  return new DecodedText(bytes, 0, bytes.length);
}

const textOf = ({ bytes, length }: DecodedText) =>
  Buffer.from(bytes.subarray(0, length)).toString();

describe("escapes", () => {
  for (const [text, want] of [
    ["a%3Ab%3ac", "a:b:c"],
    ["%253A %25253a %2525253A", ": : :"],
    ["%", "%"],
    ["100% %zz %4", "100% %zz %4"],
    ["50%25 off", "50% off"],
    ["%C3%A9", "é"],
    [String.raw`a\nb\tc\rd`, "a\nb\tc\rd"],
    [String.raw`\\n \\\\n`, "\n \n"],
    [String.raw`\"\'\/`, "\"'/"],
    [String.raw`\u003a\u00e9\u20ac\x41`, ":é€A"],
    [String.raw`\ud83d\ude42 \\ud83d\\ude42`, "🙂 🙂"],
    [String.raw`\d \ \u12 \xz C:\Users`, String.raw`\d \ \u12 \xz C:\Users`],
    ["%5Cn %5Cu003a %5C%22", '\n : "'],
    ["\\", "\\"],
  ] as const) {
    test(`${text} is ${JSON.stringify(want)}`, () => {
      expect(textOf(decoded(text))).toBe(want);
    });
  }

  test("say how deep they are", () => {
    const { levels, bytes, length } = decoded(String.raw`"\"\\\"%22%2522%5C%22`);
    const quotes = [...bytes.subarray(0, length).keys()].map((at) => [
      urlLevelOf(levels, at),
      backslashesOf(levels, at),
    ]);
    expect(quotes).toEqual([
      [0, 0],
      [0, 1],
      [0, 3],
      [1, 0],
      [2, 0],
      [1, 1],
    ]);
  });
});

const words = fc.string({
  unit: fc.constantFrom("a", ":", '"', "é", "🙂", "\n", "/", " "),
  maxLength: 20,
});

test("whatever JSON and URLs escape is read as it was", () => {
  fc.assert(
    fc.property(words, (text) => {
      expect(textOf(decoded(JSON.stringify(text).slice(1, -1)))).toBe(text);
      expect(textOf(decoded(encodeURIComponent(text)))).toBe(text);
      expect(textOf(decoded(encodeURIComponent(encodeURIComponent(text))))).toBe(text);
      expect(textOf(decoded(encodeURIComponent(JSON.stringify(text))))).toBe(`"${text}"`);
    }),
  );
});

const pieces = fc.array(
  fc.constantFrom(
    "a",
    "%",
    "%3A",
    "%253A",
    "%25",
    "%5C",
    "\\",
    "\\n",
    "n",
    '"',
    "\\u00e9",
    "\\ud83d\\ude42",
    "\\u",
    "é",
    "3",
    "A",
  ),
  { maxLength: 12 },
);

test("each byte has its place in the source, from the first to the last", () => {
  fc.assert(
    fc.property(pieces, fc.nat(3), (parts, before) => {
      const source = Buffer.from(`${"%3".slice(0, before)}${parts.join("")}%41`);
      const start = Math.min(before, 2);
      const end = source.length - 3;
      const text = new DecodedText(source, start, end);
      expect(text.length).toBeLessThanOrEqual(end - start);
      expect(text.sourceEnd(0)).toBe(start);
      expect(text.sourceEnd(text.length)).toBe(end);
      for (let at = 0; at < text.length; at++) {
        const from = text.sourceStart(at);
        const to = text.sourceEnd(at + 1);
        expect(from).toBeGreaterThanOrEqual(at === 0 ? start : text.sourceStart(at - 1));
        expect(to).toBeGreaterThan(from);
        expect(from).toBeLessThan(end);
        // What a byte was written as is read as this byte alone.
        const alone = new DecodedText(source, from, to);
        expect([...alone.bytes.subarray(0, alone.length)]).toContain(text.bytes[at]);
      }
    }),
    { numRuns: 2_000 },
  );
});
