import { describe, expect, test } from "vitest";
import { exactInteger } from "../../src/otlp/exact-integer.ts";
import { firstValueOf, jsonText, parseExactJson } from "../../src/otlp/exact-json.ts";
import fc from "../support/fast-check.ts";

const parsed = (text: string) => parseExactJson(jsonText(Buffer.from(text)));

/** The same with the reviver of `JSON.parse`, which sees how a number is written. */
function withReviver(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, ...[context]: unknown[]) => {
    const isLong = Number.isInteger(value) && !Number.isSafeInteger(value);
    const source = isLong && context instanceof Object && "source" in context ? context.source : "";
    return typeof source === "string" && source.length >= 16
      ? (exactInteger(source) ?? value)
      : value;
  });
}

describe("Parsing JSON exactly", () => {
  for (const [what, text, want] of [
    ["the largest integer of 64 bits", "18446744073709551615", 18446744073709551615n],
    ["the smallest", '{"a":[-9223372036854775808]}', { a: [-9223372036854775808n] }],
    ["a safe integer of 16 digits", "[9007199254740991 , 1]", [9007199254740991, 1]],
    ["an integer with an exponent", "[1234567890123456789e1]", [12345678901234567890n]],
    ["a double with many digits", "[0.12345678901234567890]", [0.12345678901234568]],
    ["a double that has no fraction", "[12345678901234567890.0]", [1.2345678901234567e19]],
    ["one beyond all doubles", "[10000000000000000000e999]", [Number.POSITIVE_INFINITY]],
    ["a long integer in a text", '["12345678901234567890"]', ["12345678901234567890"]],
    [
      "texts that begin with U+0000 beside a long integer",
      '["\\u0000", "\\u000012345678901234567890", "\\u0000\\u00001", 12345678901234567890]',
      ["\0", "\x0012345678901234567890", "\0\x001", 12345678901234567890n],
    ],
    [
      "texts with quotes and backslashes",
      '["\\"1234567890123456789", 12345678901234567890, "\\\\"]',
      ['"1234567890123456789', 12345678901234567890n, "\\"],
    ],
    ["a byte order mark", '\ufeff{"a":12345678901234567890}', { a: 12345678901234567890n }],
  ] as const) {
    test(`keeps ${what}`, () => {
      expect(parsed(text)).toEqual(want);
    });
  }

  for (const text of [
    "",
    "12345678901234567890x",
    "[012345678901234567890]",
    "[12345678901234567890.]",
    "[+12345678901234567890]",
    "[--12345678901234567890]",
    "[1 12345678901234567890]",
    "[x12345678901234567890]",
    "{12345678901234567890:1}",
    '{"a":1,12345678901234567890 : 1}',
    "{12345678901234567890}",
    '["12345678901234567890]',
    "[12345678901234567890] 1",
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parsed(text)).toThrow(SyntaxError);
    });
  }

  test("gives what a reviver gives, for any JSON", () => {
    const long = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }).map(String);
    const texts = fc.oneof(fc.string({ unit: "binary" }), fc.constant("\0"), long);
    const leaf = fc.oneof(
      long,
      texts.map((text) => JSON.stringify(text)),
      fc.json(),
    );
    const { json } = fc.letrec<{ json: string }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("json")).map((each) => `[${each.join(" , ")}]`),
        fc
          .array(fc.tuple(texts, tie("json")))
          .map((each) => `{${each.map(([key, value]) => `${JSON.stringify(key)} : ${value}`)}}`),
      ),
    }));
    fc.assert(
      fc.property(json, (text) => {
        // Keys that begin with U+0000 are in no message, and are not restored.
        fc.pre(!/"\\u0000[^"]*" :/.test(text));
        expect(parsed(text)).toEqual(withReviver(text));
      }),
      { numRuns: 500 },
    );
  });

  test("of a text with something after its object or array can leave that out", () => {
    const first = (text: string) => {
      const found = firstValueOf(jsonText(Buffer.from(text)));
      return found === undefined ? undefined : parseExactJson(found);
    };
    expect(first('{"a":"}","b":[{}]} {"c":')).toEqual({ a: "}", b: [{}] });
    expect(first('\n["]"]x')).toEqual(["]"]);
    expect(first('{"a":"}"}')).toBeUndefined();
    expect(first('{"a":"}" ')).toBeUndefined();
  });
});
