import { describe, expect, test } from "vitest";
import { KeySet } from "../../src/otlp/keys.ts";
import { SpanBatch } from "../../src/otlp/span-batch.ts";
import { scanSpans } from "../../src/otlp/span-scanner.ts";
import fc from "../support/fast-check.ts";
import { arbitraryRequest, keys } from "./arbitrary-traces.ts";
import { factsByProtobufjs, factsByScanner, verdictsByProtobufjs } from "./reference.ts";
import { damaged, field, varint } from "./sloppy-wire.ts";

const runs = { numRuns: 500 };

/** Whether each span is well-formed, in wire order; undefined when the envelope is refused. */
function verdictsByScanner(bytes: Uint8Array, batch: SpanBatch): boolean[] | undefined {
  if (!scanSpans(bytes, keys, batch).ok) {
    return undefined;
  }
  const verdicts = [
    ...Array.from({ length: batch.count }, (_, row) => [batch.fieldStart.get(row), true] as const),
    ...Array.from(
      { length: batch.malformedCount },
      (_, row) => [batch.malformedStart.get(row), false] as const,
    ),
  ];
  return verdicts.sort(([a], [b]) => a - b).map(([, verdict]) => verdict);
}

function factsUnlessRefused(bytes: Uint8Array): ReturnType<typeof factsByProtobufjs> | undefined {
  try {
    return factsByProtobufjs(bytes);
  } catch {
    return undefined;
  }
}

describe("the scanner and protobufjs", () => {
  test("read the same spans out of whatever protobuf allows to write", () => {
    const batch = new SpanBatch();
    fc.assert(
      fc.property(arbitraryRequest, (bytes) => {
        expect(scanSpans(bytes, keys, batch)).toEqual({ ok: true });
        expect(factsByScanner(batch)).toEqual(factsByProtobufjs(bytes));
      }),
      runs,
    );
  });

  test("accept and refuse the same spans and envelopes of damaged requests", () => {
    const batch = new SpanBatch();
    fc.assert(
      fc.property(damaged(arbitraryRequest), (copies) => {
        for (const bytes of copies) {
          expect(verdictsByScanner(bytes, batch)).toEqual(verdictsByProtobufjs(bytes));
        }
      }),
      runs,
    );
  });

  test("read the same values out of what is left of damaged requests", () => {
    const batch = new SpanBatch();
    let compared = 0;
    fc.assert(
      fc.property(damaged(arbitraryRequest), (copies) => {
        for (const bytes of copies) {
          const facts = factsUnlessRefused(bytes);
          if (facts !== undefined && scanSpans(bytes, keys, batch).ok) {
            compared += 1;
            expect(factsByScanner(batch)).toEqual(facts);
          }
        }
      }),
      runs,
    );
    expect(compared).toBeGreaterThan(200);
  });

  test("refuse every beginning of a request that ends within an envelope", () => {
    const batch = new SpanBatch();
    fc.assert(
      fc.property(arbitraryRequest, (bytes) => {
        for (let end = 0; end < bytes.length; end += 1 + (bytes.length >> 6)) {
          const part = bytes.subarray(0, end);
          expect(verdictsByScanner(part, batch)).toEqual(verdictsByProtobufjs(part));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("a scan", () => {
  test("of arbitrary bytes is answered", () => {
    const batch = new SpanBatch();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(verdictsByScanner(bytes, batch)).toEqual(verdictsByProtobufjs(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  test("does not depend on what stands around the bytes in memory", () => {
    const inside = new SpanBatch();
    const alone = new SpanBatch();
    fc.assert(
      fc.property(damaged(arbitraryRequest), fc.uint8Array({ minLength: 1 }), (copies, around) => {
        for (const bytes of copies) {
          const memory = Uint8Array.from([...around, ...bytes, ...around]);
          const part = memory.subarray(around.length, around.length + bytes.length);
          expect(verdictsByScanner(part, inside)).toEqual(verdictsByScanner(bytes, alone));
          expect(rangesOf(inside)).toEqual(rangesOf(alone));
        }
      }),
      { numRuns: 100 },
    );
  });

  test("leaves nothing of an earlier one in the batch", () => {
    const used = new SpanBatch();
    fc.assert(
      fc.property(arbitraryRequest, (bytes) => {
        const fresh = new SpanBatch();
        scanSpans(bytes, keys, used);
        scanSpans(bytes, keys, fresh);
        expect(factsByScanner(used)).toEqual(factsByScanner(fresh));
        expect(rangesOf(used)).toEqual(rangesOf(fresh));
      }),
      { numRuns: 100 },
    );
  });

  test("finds the same malformed spans whatever keys are asked for", () => {
    const none = { span: new KeySet([]), resource: new KeySet([]) };
    const batch = new SpanBatch();
    const other = new SpanBatch();
    fc.assert(
      fc.property(damaged(arbitraryRequest), (copies) => {
        for (const bytes of copies) {
          const outcome = scanSpans(bytes, keys, batch);
          expect(scanSpans(bytes, none, other)).toEqual(outcome);
          if (outcome.ok) {
            expect(rangesOf(other)).toEqual(rangesOf(batch));
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test("of an empty request finds nothing", () => {
    const batch = new SpanBatch();
    expect(scanSpans(new Uint8Array(0), keys, batch)).toEqual({ ok: true });
    expect([batch.count, batch.malformedCount, batch.resourceCount]).toEqual([0, 0, 0]);
  });

  for (const [what, bytes, message] of [
    ["a length that reaches past the end", [0x0a, 0x05, 0x00], "ExportTraceServiceRequest"],
    ["a tag that is cut off", [0x80], "ExportTraceServiceRequest"],
    ["the field number 0", [0x02, 0x00], "ExportTraceServiceRequest"],
    ["a wire type that does not exist", [0x0e], "ExportTraceServiceRequest"],
    ["a group that never ends", [0x2b, 0x28, 0x01], "ExportTraceServiceRequest"],
    ["an end of a group that never began", [0x2c], "ExportTraceServiceRequest"],
    ["groups nested without end", new Array<number>(5000).fill(0x2b), "ExportTraceServiceRequest"],
    ["a broken ResourceSpans", field(1, 2, [0x12, 0x09]), "a ResourceSpans"],
    ["a broken Resource", field(1, 2, field(1, 2, [0x0a, 0x01])), "a Resource"],
    ["a broken ScopeSpans", field(1, 2, field(2, 2, [0x12, 0x01])), "a ScopeSpans"],
    [
      "a broken scope",
      field(1, 2, field(2, 2, field(1, 2, [0x0a, 0x7f]))),
      "an InstrumentationScope",
    ],
  ] as const) {
    test(`refuses ${what} and names the message it is in`, () => {
      const outcome = scanSpans(Uint8Array.from(bytes), keys, new SpanBatch());
      expect(outcome).toEqual({
        ok: false,
        message: expect.stringMatching(
          new RegExp(
            `^The body is not a valid protobuf request: ${message} is broken at byte \\d+\\.$`,
          ),
        ),
      });
    });
  }

  const traceId = field(1, 2, new Array<number>(16).fill(1));
  const spanId = field(2, 2, new Array<number>(8).fill(2));
  for (const [what, span, isWellFormed] of [
    ["ids of the right lengths", [...traceId, ...spanId], true],
    ["no trace id", spanId, false],
    ["no span id", traceId, false],
    ["a trace id of 15 bytes", [...field(1, 2, new Array<number>(15).fill(1)), ...spanId], false],
    [
      "a trace id that is all zero",
      [...field(1, 2, new Array<number>(16).fill(0)), ...spanId],
      false,
    ],
    [
      "a span id that is all zero",
      [...traceId, ...field(2, 2, new Array<number>(8).fill(0))],
      false,
    ],
    ["a span id of 16 bytes", [...traceId, ...field(2, 2, new Array<number>(16).fill(1))], false],
    ["an empty parent", [...traceId, ...spanId, ...field(4, 2, [])], true],
    [
      "a parent that is all zero",
      [...traceId, ...spanId, ...field(4, 2, new Array<number>(8).fill(0))],
      true,
    ],
    [
      "a parent of 4 bytes, which counts as none",
      [...traceId, ...spanId, ...field(4, 2, [1, 2, 3, 4])],
      true,
    ],
    ["a wrong trace id and then a right one", [...field(1, 2, [9]), ...traceId, ...spanId], true],
    ["a right trace id and then a wrong one", [...traceId, ...field(1, 2, [9]), ...spanId], false],
    [
      "an unknown number padded to ten bytes",
      [...traceId, ...spanId, ...field(99, 0, varint(1, 9))],
      true,
    ],
    [
      "an unknown number padded to eleven bytes",
      [...traceId, ...spanId, ...field(99, 0, varint(1, 10))],
      false,
    ],
    [
      "a status code padded to eleven bytes",
      [...traceId, ...spanId, ...field(15, 2, field(3, 0, varint(1, 10)))],
      false,
    ],
    ["a start time that is cut off", [...traceId, ...spanId, 0x39, 1, 2, 3], false],
    [
      "an attribute that cannot be decoded",
      [...traceId, ...spanId, ...field(9, 2, [0x0a, 0x09])],
      false,
    ],
    [
      "an event that cannot be decoded",
      [...traceId, ...spanId, ...field(11, 2, [0x0a, 0x09])],
      true,
    ],
  ] as const) {
    test(`takes a span with ${what} for ${isWellFormed ? "well-formed" : "malformed"}, its neighbour stands`, () => {
      const batch = new SpanBatch();
      const neighbour = field(2, 2, [...traceId, ...spanId]);
      const bytes = Uint8Array.from(field(1, 2, field(2, 2, [...field(2, 2, span), ...neighbour])));
      expect(scanSpans(bytes, keys, batch)).toEqual({ ok: true });
      expect([batch.count, batch.malformedCount]).toEqual(isWellFormed ? [2, 0] : [1, 1]);
    });
  }
});

describe("an attribute that is asked for", () => {
  const traceId = field(1, 2, new Array<number>(16).fill(1));
  const spanId = field(2, 2, new Array<number>(8).fill(2));
  const key = field(1, 2, [0x61]);
  const good = field(2, 2, field(1, 2, [0x62]));
  const broken = field(2, 2, [0x0a, 0x05]);

  for (const [what, attribute, rows] of [
    ["a value", [...key, ...good], 1],
    ["a value before its key", [...good, ...key], 1],
    ["no value", key, 0],
    ["an empty value", [...key, ...field(2, 2, [])], 0],
    ["a value that cannot be decoded", [...key, ...broken], 0],
    ["a value in parts of which one cannot be decoded", [...good, ...key, ...broken], 0],
  ] as const) {
    test(`with ${what} has ${rows === 0 ? "no row" : "a row"}`, () => {
      const batch = new SpanBatch();
      const span = field(2, 2, [...traceId, ...spanId, ...field(9, 2, attribute)]);
      scanSpans(Uint8Array.from(field(1, 2, field(2, 2, span))), keys, batch);
      expect([batch.count, batch.attributeCount]).toEqual([1, rows]);
    });
  }

  test("of a malformed span leaves no row behind", () => {
    const batch = new SpanBatch();
    const span = field(2, 2, [...traceId, ...field(9, 2, [...key, ...good])]);
    scanSpans(Uint8Array.from(field(1, 2, field(2, 2, span))), keys, batch);
    expect([batch.malformedCount, batch.attributeCount]).toEqual([1, 0]);
  });
});

function rangesOf(batch: SpanBatch): unknown {
  return [
    Array.from({ length: batch.count }, (_, i) => [batch.fieldStart.get(i), batch.fieldEnd.get(i)]),
    Array.from({ length: batch.malformedCount }, (_, i) => [
      batch.malformedStart.get(i),
      batch.malformedEnd.get(i),
    ]),
  ];
}
