import { describe, expect, test } from "vitest";
import { tooLargeResult } from "../../src/delivery/request-size.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { openGrpcSink } from "../support/grpc-sink.ts";
import { afterwards, exporter as grpcExporter } from "./otlp_grpc/exporter-fixture.ts";
import { backend, exporter as httpExporter, ok } from "./otlp_http/backend.ts";

type Consume = (signal: Signal, bytes: Uint8Array) => Promise<{ readonly status: string }>;

/** A request of about this many bytes. */
function request(sizeBytes: number): Uint8Array {
  const spans = [
    {
      traceId: Buffer.alloc(16, 1),
      spanId: Buffer.alloc(8, 1),
      name: "n".repeat(sizeBytes - 100),
    },
  ];
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ scopeSpans: [{ spans }] }],
  }).finish();
}

async function overHttp(section: Readonly<Record<string, unknown>>) {
  const { host, received } = await backend(ok);
  const { consume, log } = httpExporter({ endpoint: `http://${host}`, ...section });
  return { consume: consume as Consume, log, sent: () => received.length };
}

async function overGrpc(section: Readonly<Record<string, unknown>>) {
  const sink = await openGrpcSink();
  afterwards(() => sink.close());
  const { consume, log } = grpcExporter({ endpoint: sink.endpoint, ...section });
  return { consume: consume as Consume, log, sent: () => sink.requests.length };
}

for (const [exporter, open, options] of [
  ["otlp_http", overHttp, {}],
  ["otlp_http with JSON", overHttp, { encoding: "json" }],
  ["otlp_http without compression", overHttp, { compression: "none" }],
  ["otlp_grpc", overGrpc, {}],
] as const) {
  describe(`max_request_size of ${exporter}`, () => {
    test("discards a larger request, says so, and sends the next one", async () => {
      const { consume, log, sent } = await open({ ...options, max_request_size: "10KiB" });
      expect((await consume("traces", request(20_000))).status).toBe("permanent");
      expect(sent()).toBe(0);
      expect(JSON.stringify(log)).toContain("larger than max_request_size (10240 bytes)");
      expect((await consume("traces", request(5_000))).status).toBe("accepted");
      expect(sent()).toBe(1);
    });
  });
}

test("max_request_size counts the bytes of JSON, which are more than those that arrived", async () => {
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        scopeSpans: [
          { spans: Array.from({ length: 100 }, () => ({ spanId: Buffer.alloc(8, 1) })) },
        ],
      },
    ],
  }).finish();
  expect(bytes.length).toBeLessThan(2048);
  const json = await overHttp({ encoding: "json", max_request_size: "2KiB" });
  expect((await json.consume("traces", bytes)).status).toBe("permanent");
  const protobuf = await overHttp({ max_request_size: "2KiB" });
  expect((await protobuf.consume("traces", bytes)).status).toBe("accepted");
});

test("a batch over max_request_size is not refused for good, but its requests are sent one by one", () => {
  expect(tooLargeResult(1024)).toMatchObject({ status: "permanent", isContentRefused: true });
});
