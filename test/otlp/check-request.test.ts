import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkRequest } from "../../src/otlp/check-request.ts";
import { SpanBatch } from "../../src/otlp/span-batch.ts";
import { scanSpans } from "../../src/otlp/span-scanner.ts";
import { arbitraryMessage, encodeModel, requestType } from "./arbitrary-messages.ts";
import { arbitraryRequest, keys } from "./arbitrary-traces.ts";
import { damaged, field } from "./sloppy-wire.ts";

const signals = ["traces", "metrics", "logs"] as const;

describe("the check of traces", () => {
  test("refuses the spans that the scanner refuses, and passes on the others byte for byte", () => {
    const before = new SpanBatch();
    const after = new SpanBatch();
    fc.assert(
      fc.property(damaged(arbitraryRequest), (copies) => {
        for (const bytes of copies) {
          const outcome = scanSpans(bytes, keys, before);
          const checked = checkRequest("traces", bytes);
          expect(checked.ok).toBe(outcome.ok);
          if (!checked.ok) {
            continue;
          }
          expect([checked.items, checked.rejected]).toEqual([before.count, before.malformedCount]);
          expect(checked.bytes === bytes).toBe(before.malformedCount === 0);
          expect(checked.reason === undefined).toBe(before.malformedCount === 0);
          expect(scanSpans(checked.bytes, keys, after)).toEqual({ ok: true });
          expect(after.malformedCount).toBe(0);
          expect(fieldsOf(after)).toEqual(fieldsOf(before));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("the check of any signal", () => {
  for (const signal of signals) {
    test(`takes ${signal} that protobufjs made and counts what is in them`, () => {
      const type = requestType(signal);
      fc.assert(
        fc.property(arbitraryMessage(type), (model) => {
          const bytes = encodeModel(type, model);
          const checked = checkRequest(signal, bytes);
          const all = itemsOf(signal, type.toObject(type.decode(bytes), { arrays: true }));
          expect(checked).toMatchObject({ ok: true });
          if (checked.ok) {
            expect(checked.items + checked.rejected).toBe(all);
            const kept = itemsOf(
              signal,
              type.toObject(type.decode(checked.bytes), { arrays: true }),
            );
            expect(checked.items).toBe(kept);
          }
        }),
        { numRuns: 400 },
      );
    });

    test(`answers damaged ${signal}, and what it passes on needs no second check`, () => {
      const type = requestType(signal);
      const bytes = arbitraryMessage(type).map((model) => encodeModel(type, model));
      fc.assert(
        fc.property(damaged(bytes), (copies) => {
          for (const copy of copies) {
            const checked = checkRequest(signal, copy);
            if (checked.ok) {
              expect(checkRequest(signal, checked.bytes)).toEqual({
                ok: true,
                bytes: checked.bytes,
                items: checked.items,
                rejected: 0,
              });
            }
          }
        }),
        { numRuns: 300 },
      );
    });

    test(`takes an empty request of ${signal}`, () => {
      const bytes = new Uint8Array(0);
      expect(checkRequest(signal, bytes)).toEqual({ ok: true, bytes, items: 0, rejected: 0 });
    });

    test(`refuses a broken envelope of ${signal} and names its message`, () => {
      const names = { traces: "ResourceSpans", metrics: "ResourceMetrics", logs: "ResourceLogs" };
      expect(checkRequest(signal, Uint8Array.of(0x0a, 0x02, 0x12, 0x09))).toEqual({
        ok: false,
        message: expect.stringContaining(`a ${names[signal]} is broken at byte`),
      });
    });
  }
});

const record = (...bytes: number[]): number[] => field(2, 2, bytes);
const request = (...records: number[][]): Uint8Array =>
  Uint8Array.from(field(1, 2, field(2, 2, records.flat())));

describe("a log record", () => {
  const body = field(5, 2, field(1, 2, [0x61]));
  for (const [what, message, isKept] of [
    ["no ids", body, true],
    ["empty ids", [...field(9, 2, []), ...field(10, 2, [])], true],
    [
      "whole ids",
      [
        ...field(9, 2, new Array<number>(16).fill(1)),
        ...field(10, 2, new Array<number>(8).fill(1)),
      ],
      true,
    ],
    [
      "ids that are all zero",
      [
        ...field(9, 2, new Array<number>(16).fill(0)),
        ...field(10, 2, new Array<number>(8).fill(0)),
      ],
      true,
    ],
    ["a trace id of 8 bytes", field(9, 2, new Array<number>(8).fill(1)), false],
    ["a span id of 16 bytes", field(10, 2, new Array<number>(16).fill(1)), false],
    ["a field that is cut off", [0x09, 1, 2], false],
    ["an attribute that cannot be decoded", field(6, 2, [0x0a, 0x05]), false],
  ] as const) {
    test(`with ${what} is ${isKept ? "kept" : "left out, the others stand"}`, () => {
      const bytes = request(record(...body), record(...message), record(...body));
      const checked = checkRequest("logs", bytes);
      if (isKept) {
        expect(checked).toEqual({ ok: true, bytes, items: 3, rejected: 0 });
      } else {
        const reason = expect.stringContaining("log records were left out");
        const kept = request(record(...body), record(...body));
        expect(checked).toEqual({ ok: true, bytes: kept, items: 2, rejected: 1, reason });
      }
    });
  }
});

describe("a metric", () => {
  const point = field(1, 2, field(3, 1, [1, 2, 3, 4, 5, 6, 7, 8]));
  for (const [what, bytes, items] of [
    ["a gauge of two points", field(5, 2, [...point, ...point]), 2],
    ["a sum in two parts", [...field(7, 2, point), ...field(7, 2, point)], 2],
    ["a histogram", field(9, 2, [...point, ...field(2, 0, [1])]), 1],
    ["an exponential histogram", field(10, 2, point), 1],
    ["a summary", field(11, 2, [...point, ...point, ...point]), 3],
    ["no points", field(1, 2, [0x61]), 0],
    [
      "two kinds of data, of which the last holds",
      [...field(5, 2, [...point, ...point]), ...field(7, 2, point)],
      1,
    ],
  ] as const) {
    test(`with ${what} counts as ${items} items`, () => {
      const metric = request(record(...bytes));
      expect(checkRequest("metrics", metric)).toEqual({
        ok: true,
        bytes: metric,
        items,
        rejected: 0,
      });
    });
  }

  for (const [what, bytes, rejected] of [
    ["a data point that is cut off", field(5, 2, [...point, ...field(1, 2, [0x19, 1])]), 1],
    [
      "data that is cut off",
      [...field(5, 2, [...point, ...point]), ...field(5, 2, [0x0a, 0x7f])],
      2,
    ],
    ["a name that is cut off", [0x0a, 0x05], 1],
  ] as const) {
    test(`with ${what} is left out with its points`, () => {
      const good = record(...field(5, 2, point));
      expect(checkRequest("metrics", request(good, record(...bytes)))).toEqual({
        ok: true,
        bytes: request(good),
        items: 1,
        rejected,
        reason: expect.stringContaining("metrics were left out"),
      });
    });
  }
});

function fieldsOf(batch: SpanBatch): Uint8Array[] {
  return Array.from({ length: batch.count }, (_, row) =>
    batch.bytes.slice(batch.fieldStart.get(row), batch.fieldEnd.get(row)),
  );
}

/** Under which names the items of a request are, from the outside in. */
const paths = {
  traces: ["resourceSpans", "scopeSpans", "spans"],
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
} as const;
const dataNames = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];

type Decoded = { readonly [name: string]: Decoded[] & Decoded };

/** Items in a decoded request, counted the plain way. */
function itemsOf(signal: (typeof signals)[number], request: Decoded): number {
  const records = paths[signal].reduce<Decoded[]>(
    (messages, name) => messages.flatMap((message) => message[name] ?? []),
    [request],
  );
  return signal === "metrics"
    ? records.flatMap((metric) => dataNames.flatMap((name) => metric[name]?.["dataPoints"] ?? []))
        .length
    : records.length;
}
