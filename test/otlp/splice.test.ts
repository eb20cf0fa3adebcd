import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { SpanBatch } from "../../src/otlp/span-batch.ts";
import { scanSpans } from "../../src/otlp/span-scanner.ts";
import { withoutSpans } from "../../src/otlp/splice.ts";
import fc from "../support/fast-check.ts";
import { arbitraryRequest, keys } from "./arbitrary-traces.ts";
import { field } from "./sloppy-wire.ts";

/** Everything in the bytes, unknown fields included. */
function decoded(bytes: Uint8Array): otlp.ExportTraceServiceRequest {
  const reader = protobuf.Reader.create(bytes);
  reader.discardUnknown = false;
  return otlp.ExportTraceServiceRequest.decode(reader);
}

function scanned(bytes: Uint8Array): SpanBatch {
  const batch = new SpanBatch();
  expect(scanSpans(bytes, keys, batch)).toEqual({ ok: true });
  return batch;
}

/** The bytes of all spans, well-formed and malformed, in wire order. */
function spanFields(batch: SpanBatch): { row: number; bytes: Uint8Array }[] {
  const all = Array.from({ length: batch.count }, (_, row) => ({
    row,
    start: batch.fieldStart.get(row),
    end: batch.fieldEnd.get(row),
  })).concat(
    Array.from({ length: batch.malformedCount }, (_, i) => ({
      row: -1,
      start: batch.malformedStart.get(i),
      end: batch.malformedEnd.get(i),
    })),
  );
  return all
    .sort((a, b) => a.start - b.start)
    .map(({ row, start, end }) => ({ row, bytes: batch.bytes.slice(start, end) }));
}

/** The rows of a batch that are dropped, ascending. */
function rowsOf(batch: SpanBatch, isDropped: (row: number) => boolean): number[] {
  return Array.from({ length: batch.count }, (_, row) => row).filter(isDropped);
}

const someRows = fc.array(fc.boolean(), { minLength: 80, maxLength: 80 });

describe("a request without some of its spans", () => {
  test("is what protobufjs decodes of it, less these spans and what they leave empty", () => {
    fc.assert(
      fc.property(arbitraryRequest, someRows, (bytes, drops) => {
        const batch = scanned(bytes);
        const isDropped = (row: number): boolean => drops[row] === true;
        const spliced = withoutSpans(batch, rowsOf(batch, isDropped));
        const all = spanFields(batch);
        let next = 0;
        const expected = decoded(bytes);
        expected.resourceSpans = expected.resourceSpans.filter((part) => {
          const before = part.scopeSpans?.length ?? 0;
          part.scopeSpans = (part.scopeSpans ?? []).filter((scopePart) => {
            const spans = scopePart.spans ?? [];
            scopePart.spans = spans.filter(() => {
              const row = all[next++]?.row ?? -1;
              return row < 0 || !isDropped(row);
            });
            return scopePart.spans.length > 0 || spans.length === 0;
          });
          return part.scopeSpans.length > 0 || before === 0;
        });
        expect(decoded(spliced.bytes)).toEqual(expected);
      }),
      { numRuns: 250 },
    );
  });

  test("keeps the others byte for byte, in order, and counts them", () => {
    fc.assert(
      fc.property(arbitraryRequest, someRows, (bytes, drops) => {
        const batch = scanned(bytes);
        const kept = spanFields(batch).filter(({ row }) => row < 0 || drops[row] !== true);
        const spliced = withoutSpans(
          batch,
          rowsOf(batch, (row) => drops[row] === true),
        );
        const after = spanFields(scanned(spliced.bytes));
        expect(after.map((span) => span.bytes)).toEqual(kept.map((span) => span.bytes));
        expect(spliced.items).toBe(kept.length);
      }),
      { numRuns: 250 },
    );
  });

  test("is the same array when none is dropped", () => {
    fc.assert(
      fc.property(arbitraryRequest, (bytes) => {
        const batch = scanned(bytes);
        expect(withoutSpans(batch, []).bytes).toBe(bytes);
      }),
      { numRuns: 50 },
    );
  });

  const traceId = field(1, 2, new Array<number>(16).fill(1));
  const span = (id: number): number[] =>
    field(2, 2, [...traceId, ...field(2, 2, new Array<number>(8).fill(id))]);
  const unknown = field(1000, 2, [1, 2, 3], { tag: 1, length: 2 });
  const padded = { tag: 2, length: 3 };

  for (const [what, request, rows, want, items] of [
    ["nothing when its only span goes", field(1, 2, field(2, 2, span(1))), [0], [], 0],
    [
      "unknown fields of the request when all spans go",
      [...unknown, ...field(1, 2, field(2, 2, span(1))), ...unknown],
      [0],
      [...unknown, ...unknown],
      0,
    ],
    [
      "the padding of lengths that do not change",
      [...field(1, 2, field(2, 2, span(1), padded), padded), ...field(1, 2, field(2, 2, span(2)))],
      [1],
      field(1, 2, field(2, 2, span(1), padded), padded),
      1,
    ],
    [
      "the padding of tags around lengths that change",
      field(1, 2, field(2, 2, [...span(1), ...unknown, ...span(2)], padded), padded),
      [0],
      field(1, 2, field(2, 2, [...unknown, ...span(2)], { tag: 2, length: 0 }), {
        tag: 2,
        length: 0,
      }),
      1,
    ],
    [
      "a scope that was empty before",
      field(1, 2, [...field(2, 2, []), ...field(2, 2, span(1))]),
      [0],
      field(1, 2, field(2, 2, [])),
      0,
    ],
  ] as const) {
    test(`keeps ${what}`, () => {
      const spliced = withoutSpans(scanned(Uint8Array.from(request)), rows);
      expect(spliced).toEqual({ bytes: Uint8Array.from(want), items });
    });
  }
});
