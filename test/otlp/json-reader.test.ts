import { expect, test } from "vitest";
import { readJson } from "../../src/otlp/json-reader.ts";
import fc from "../support/fast-check.ts";

function parsed(text: string): unknown {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

const rounded = (_: string, value: unknown) => (typeof value === "bigint" ? Number(value) : value);

const spaced = fc
  .tuple(fc.json(), fc.constantFrom(0, 1, "\t", "\r\n "))
  .map(([text, space]) => JSON.stringify(JSON.parse(text), undefined, space));

test("reads what JSON.parse reads, up to its end", () => {
  fc.assert(
    fc.property(spaced, fc.constantFrom("", " ", " x", "}"), (text, rest) => {
      const reading = readJson(text + rest);
      expect(reading).toMatchObject({ ok: true, end: text.length });
      expect(JSON.stringify(reading.ok && reading.value, rounded)).toBe(
        JSON.stringify(JSON.parse(text)),
      );
    }),
  );
});

test("refuses what JSON.parse refuses, at a place up to which it could be JSON", () => {
  fc.assert(
    fc.property(
      spaced,
      fc.nat(),
      fc.constantFrom(
        "",
        '"',
        "\\",
        ",",
        ":",
        "{",
        "}",
        "[",
        "]",
        "1",
        "-",
        ".",
        "e",
        "x",
        "\n",
        " ",
      ),
      fc.boolean(),
      (text, place, piece, isCut) => {
        const at = place % (text.length + 1);
        const changed = text.slice(0, at) + piece + (isCut ? "" : text.slice(at + 1));
        const reading = readJson(changed);
        const isWhole = reading.ok && changed.slice(reading.end).trim() === "";
        expect(isWhole).toBe(parsed(changed) !== undefined);
        if (!reading.ok) {
          expect(reading.at).toBeLessThanOrEqual(changed.length);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test("keeps both of two members of one name, and integers exact", () => {
  const text =
    '{"a": [1], "b": {"c": [2], "d": 3}, "a": [[]], "b": {"c": [9007199254740993], "d": "x"}, "a": null, "e": 1, "e": [2], "__proto__": 4}';
  const reading = readJson(text);
  expect(reading.ok && { ...Object(reading.value), b: { ...Object(reading.value).b } }).toEqual({
    a: [1, []],
    b: { c: [2, 9007199254740993n], d: "x" },
    e: [2],
    ["__proto__"]: 4,
  });
});

test("reads any depth", () => {
  const depth = 300_000;
  expect(readJson("[".repeat(depth) + "]".repeat(depth))).toMatchObject({ end: 2 * depth });
});
