import { describe, expect, test } from "vitest";
import { encodeExportResponse } from "../../src/otlp/encode.ts";
import { partialSuccessOfJson } from "../../src/otlp/json-response.ts";
import fc from "../support/fast-check.ts";

const signals = ["traces", "metrics", "logs"] as const;

describe("an answer in JSON", () => {
  for (const signal of signals) {
    test(`is read as it is written, for ${signal}`, () => {
      expect(partialSuccessOfJson(signal, encodeExportResponse("json", signal))).toEqual({
        rejected: 0,
        message: "",
      });
      fc.assert(
        fc.property(fc.nat(), fc.string(), (rejected, message) => {
          const bytes = encodeExportResponse("json", signal, { rejected, message });
          expect(partialSuccessOfJson(signal, bytes)).toEqual({ rejected, message });
        }),
      );
    });
  }

  for (const [title, text] of [
    ["nothing", ""],
    ["a number", "1"],
    ["null", "null"],
    ["a list", "[]"],
    ["a partial success that is a list", '{"partialSuccess":[]}'],
    ["a count with a fraction", '{"partialSuccess":{"rejectedSpans":1.5}}'],
    ["a count that is a map", '{"partialSuccess":{"rejectedSpans":{}}}'],
    ["a message that is a number", '{"partialSuccess":{"errorMessage":1}}'],
    ["maps in maps without an end", '{"partialSuccess":'.repeat(10_000)],
  ] as const) {
    test(`is not ${title}`, () => {
      expect(partialSuccessOfJson("traces", Buffer.from(text))).toBeUndefined();
    });
  }

  test("is not text that is no UTF-8", () => {
    const bytes = Buffer.from('{"partialSuccess":{"errorMessage":"\xff"}}', "latin1");
    expect(partialSuccessOfJson("traces", bytes)).toBeUndefined();
  });

  test("makes no bytes throw", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const partial = partialSuccessOfJson("logs", bytes);
          expect(partial === undefined || partial.rejected >= 0).toBe(true);
        },
      ),
    );
  });

  test("takes no field from what every object inherits", () => {
    const bytes = Buffer.from('{"partialSuccess":{"__proto__":{"rejectedSpans":5}}}');
    expect(partialSuccessOfJson("traces", bytes)?.rejected).toBe(0);
  });
});
