import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkRequest } from "../../src/otlp/check-request.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { SpanBatch } from "../../src/otlp/span-batch.ts";
import { scanSpans } from "../../src/otlp/span-scanner.ts";
import { withoutSpans } from "../../src/otlp/splice.ts";
import { requestType } from "./arbitrary-messages.ts";
import { keys } from "./arbitrary-traces.ts";
import { factsByProtobufjs, factsByScanner } from "./reference.ts";

const root = new URL("../testdata/openclaw/", import.meta.url);

function bodiesOf(signal: Signal): [name: string, bytes: Uint8Array][] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(`-${signal}.bin`))
    .sort()
    .map((name) => [name, new Uint8Array(readFileSync(new URL(name, root)))]);
}

describe("captured bodies of real gateways", () => {
  const batch = new SpanBatch();
  const traces = bodiesOf("traces");

  test("are here", () => {
    expect(traces.length).toBeGreaterThan(20);
    expect(bodiesOf("metrics").length).toBeGreaterThan(50);
    expect(bodiesOf("logs").length).toBeGreaterThan(2);
  });

  test.for(traces)("%s is scanned as protobufjs reads it", ([, bytes]) => {
    expect(scanSpans(bytes, keys, batch)).toEqual({ ok: true });
    expect(batch.malformedCount).toBe(0);
    expect(batch.count).toBeGreaterThan(0);
    expect(factsByScanner(batch)).toEqual(factsByProtobufjs(bytes));
    expect(withoutSpans(batch, []).bytes).toBe(bytes);
    expect(withoutSpans(batch, [...Array(batch.count).keys()]).bytes).toHaveLength(0);
  });

  for (const signal of ["traces", "metrics", "logs"] as const) {
    test(`of ${signal} pass the check as they are, with every item counted`, () => {
      const type = requestType(signal);
      for (const [name, bytes] of bodiesOf(signal)) {
        const items = countItems(signal, type.decode(bytes).toJSON());
        expect([name, checkRequest(signal, bytes)]).toEqual([
          name,
          { ok: true, bytes, items, rejected: 0 },
        ]);
      }
    });
  }
});

/** Counts the objects in every array of the given name, wherever it is. */
function countItems(signal: Signal, value: unknown): number {
  const arrayName = { traces: "spans", metrics: "dataPoints", logs: "logRecords" }[signal];
  if (typeof value !== "object" || value === null) {
    return 0;
  }
  return Object.entries(value).reduce(
    (count, [name, part]) => count + (name === arrayName ? part.length : countItems(signal, part)),
    0,
  );
}
