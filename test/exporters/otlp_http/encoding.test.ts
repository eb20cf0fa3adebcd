import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { jsonOfRequest } from "../../../src/otlp/json-text.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { ordinaryPayload } from "../../contract/payloads.ts";
import { backend, exporter, ok } from "./backend.ts";

describe("encoding: json", () => {
  for (const signal of ["traces", "metrics", "logs"] as const) {
    test(`sends ${signal} as the JSON of OTLP`, async () => {
      const { host, received } = await backend(ok);
      const { consume, log } = exporter({ endpoint: `http://${host}`, encoding: "json" });
      const { bytes } = ordinaryPayload(signal);
      expect(await consume(signal, bytes)).toEqual({ status: "accepted" });
      const [{ request, body }] = received as [(typeof received)[number]];
      expect(request.headers).toMatchObject({
        "content-type": "application/json",
        "content-encoding": "gzip",
      });
      expect(gunzipSync(body).toString()).toBe(jsonOfRequest(signal, bytes).text);
      expect(log).toEqual([]);
    });
  }

  test("has ids in hex and 64-bit integers as text", async () => {
    const { host, received } = await backend(ok);
    const section = { endpoint: `http://${host}`, encoding: "json", compression: "none" };
    const bytes = otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                {
                  traceId: Buffer.alloc(16, 0xab),
                  spanId: Buffer.alloc(8, 0xcd),
                  name: "café",
                  startTimeUnixNano: { low: 1, high: 1, unsigned: true },
                },
              ],
            },
          ],
        },
      ],
    }).finish();
    await exporter(section).consume("traces", bytes);
    expect(received[0]!.request.headers["content-encoding"]).toBeUndefined();
    expect(JSON.parse(received[0]!.body.toString())).toEqual({
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                {
                  traceId: "ab".repeat(16),
                  spanId: "cd".repeat(8),
                  name: "café",
                  startTimeUnixNano: String(2 ** 32 + 1),
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test("reports what it cannot express", async () => {
    const { host } = await backend(ok);
    const { consume, log } = exporter({ endpoint: `http://${host}`, encoding: "json" });
    // A resourceSpans that ends inside its scopeSpans.
    await consume("traces", Uint8Array.of(0x0a, 0x02, 0x12, 0x7f));
    await consume("traces", Uint8Array.of(0x0a, 0x02, 0x12, 0x7f));
    expect(log).toEqual([
      {
        level: "warn",
        message:
          "Parts of the data cannot be decoded or are nested too deeply, and are not sent as JSON. encoding: proto sends them.",
        fields: { signal: "traces", parts: 1, held_back: 0 },
      },
    ]);
  });
});
