import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { jsonText, parseExactJson } from "../../src/otlp/exact-json.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

const count = 100_000;
const listOf = (item: (index: number) => string, open = "[", close = "]") =>
  open + Array.from({ length: count }, (_, index) => item(index)).join(",") + close;
/** Sorted by nothing, so that no two keys are alike and none is an index. */
const own = (index: number) => index.toString(36).padStart(5, "k");

const span =
  '{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"execute_tool","kind":1,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,"attributes":[{"key":"a","value":{"stringValue":"b"}},{"key":"c","value":{"intValue":"4"}}]}';

/** What the text and its values hold of the heap. */
function heldBytes(text: string): number {
  const scanned = jsonText(Buffer.from(text));
  collectGarbage();
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const held = [new TextDecoder().decode(scanned.bytes), parseExactJson(scanned)];
  collectGarbage();
  collectGarbage();
  const bytes = process.memoryUsage().heapUsed - before;
  expect(held).toHaveLength(2);
  return bytes;
}

describe("The weight of a JSON text covers what it takes in memory, of", () => {
  for (const [what, text] of [
    ["empty objects", listOf(() => "{}")],
    ["empty arrays", listOf(() => "[]")],
    ["arrays in arrays", listOf(() => "[[]]")],
    ["arrays without end", "[".repeat(count) + "]".repeat(count)],
    ["objects without end", `${'{"a":'.repeat(count)}1${"}".repeat(count)}`],
    ["integers", listOf(() => "1")],
    ["doubles", listOf(() => "1.5", '["",')],
    ["long integers", listOf(() => "12345678901234567890")],
    ["short texts", listOf((index) => `"${own(index)}"`)],
    ["texts beyond Latin-1", listOf((index) => `"€${own(index)}"`)],
    ["one key again and again", listOf(() => '"a":{}', "{", "}")],
    ["keys of one object", listOf((index) => `"${own(index)}":1`, "{", "}")],
    ["a key in each object", listOf((index) => `{"${own(index)}":1.5}`)],
    ["an index in each object", listOf((index) => `{"${(index % 1000) + 1000000}":1}`)],
    ["two keys in each object", listOf((index) => `{"a${index % 700}":1,"${own(index)}":1}`)],
    ["spans", `{"resourceSpans":[{"scopeSpans":[{"spans":${listOf(() => span)}}]}]}`],
  ] as const) {
    test(what, () => {
      const { weightBytes } = jsonText(Buffer.from(text));
      expect(heldBytes(text)).toBeLessThan(weightBytes * 1.3);
    });
  }

  test("spans of SDKs, of which it is no more than eight times the text", () => {
    const text = listOf(() => span);
    expect(jsonText(Buffer.from(text)).weightBytes).toBeLessThan(9 * text.length);
  });
});
