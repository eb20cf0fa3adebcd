import { describe, expect, test } from "vitest";
import type { Signal } from "../../src/otlp/payload.ts";
import { readRequest } from "../../src/otlp/read-request.ts";
import fc from "../support/fast-check.ts";
import { arbitraryMessage, encodeModel, jsonOf, requestType } from "./arbitrary-messages.ts";
import { damaged } from "./sloppy-wire.ts";
import { type Decoded, strictlyDecoded } from "./strict-decoder.ts";

const signals = ["traces", "metrics", "logs"] as const;
const paths = {
  traces: ["resourceSpans", "scopeSpans", "spans"],
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
} as const;
const dataNames = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];

/** The records of a strictly decoded request. */
function recordsOf(signal: Signal, request: Decoded): Decoded[] {
  return paths[signal].reduce<Decoded[]>(
    (messages, name) => messages.flatMap((message) => listOf(message[name])),
    [request],
  );
}

function listOf(value: unknown): Decoded[] {
  return Array.isArray(value) ? value : [];
}

function itemsOf(signal: Signal, request: Decoded): number {
  const records = recordsOf(signal, request);
  return signal === "metrics"
    ? records.flatMap((metric) =>
        dataNames.flatMap((name) => listOf((metric[name] as Decoded | undefined)?.["dataPoints"])),
      ).length
    : records.length;
}

const signalAndBytes = fc.constantFrom(...signals).chain((signal) => {
  const type = requestType(signal);
  return fc.tuple(
    fc.constant(signal),
    damaged(arbitraryMessage(type).map((model) => encodeModel(type, model))),
  );
});

/** A good record is unchanged: usable ids are in it, or none where none is needed. */
function isWhole(signal: Signal, record: Decoded): boolean {
  const zero = /"(?:traceId|spanId|parentSpanId)":"0+"/;
  return signal === "traces"
    ? String(record["traceId"] ?? "").length === 32 &&
        String(record["spanId"] ?? "").length === 16 &&
        !zero.test(JSON.stringify(record))
    : !zero.test(JSON.stringify(record));
}

describe("what is forwarded", () => {
  test("can be decoded by a strict decoder, whatever protobuf came in, and its items are counted", () => {
    let accepted = 0;
    fc.assert(
      fc.property(signalAndBytes, ([signal, copies]) => {
        for (const bytes of copies) {
          const checked = readRequest(signal, "protobuf", bytes);
          if (checked.ok) {
            accepted += checked.items;
            const decoded = strictlyDecoded(signal, checked.bytes);
            expect(itemsOf(signal, decoded)).toBe(checked.items);
          }
        }
      }),
      { numRuns: 250 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  test("has every record that was valid, unchanged", () => {
    fc.assert(
      fc.property(signalAndBytes, ([signal, copies]) => {
        for (const bytes of copies) {
          const before = unlessRefused(signal, bytes);
          if (before === undefined) {
            continue;
          }
          const checked = readRequest(signal, "protobuf", bytes);
          expect(checked).toMatchObject({ ok: true });
          if (checked.ok) {
            const wanted = recordsOf(signal, before).filter((record) => isWhole(signal, record));
            const after = strictlyDecoded(signal, checked.bytes);
            const left = recordsOf(signal, after).map((record) => JSON.stringify(record));
            expect(left).toEqual(
              expect.arrayContaining(wanted.map((record) => JSON.stringify(record))),
            );
            // A record without a data point counts as one if it is left out.
            expect(checked.items + checked.rejected).toBeGreaterThanOrEqual(
              itemsOf(signal, before),
            );
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test("can be decoded by a strict decoder, whatever JSON came in", () => {
    const style = { snakeCase: false, longsAsNumbers: true, enumNames: false, upperHex: false };
    const texts = fc.constantFrom(...signals).chain((signal) => {
      const type = requestType(signal);
      return fc.tuple(
        fc.constant(signal),
        arbitraryMessage(type).map((model) => jsonOf(type, model, style)),
        fc.array(fc.tuple(fc.nat(), fc.constantFrom(...scribbles)), { maxLength: 4 }),
      );
    });
    let accepted = 0;
    fc.assert(
      fc.property(texts, ([signal, text, changes]) => {
        const body = new TextEncoder().encode(changes.reduce(scribbled, text));
        const checked = readRequest(signal, "json", body);
        if (checked.ok) {
          accepted += 1;
          expect(itemsOf(signal, strictlyDecoded(signal, checked.bytes))).toBe(checked.items);
        }
      }),
      { numRuns: 400 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

const scribbles = [
  '"\\ud83d"',
  '"\\udc00 x"',
  "null",
  "7",
  "-1",
  "1e99",
  '"abc"',
  "true",
  "[]",
  "{}",
  '{"stringValue": "\\ud800"}',
] as const;

/** The text with one of its values replaced. */
function scribbled(text: string, [at, value]: readonly [number, string]): string {
  const places = [...text.matchAll(/(?<=: |\[|, )(?:"[^"\\]*"|-?[\d.e+]+|true|false)(?=[,\]}])/g)];
  const place = places[at % Math.max(places.length, 1)];
  return place === undefined
    ? text
    : text.slice(0, place.index) + value + text.slice(place.index + place[0].length);
}

function unlessRefused(signal: Signal, bytes: Uint8Array): Decoded | undefined {
  try {
    return strictlyDecoded(signal, bytes);
  } catch {
    return undefined;
  }
}
