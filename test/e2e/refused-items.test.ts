import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { callGrpc } from "../receivers/otlp/grpc-client.ts";
import { signals, textBytes, traceIdHex } from "../receivers/otlp/otlp-requests.ts";
import { post, typed } from "../receivers/otlp/post.ts";
import { scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";

const words = { traces: "spans", metrics: "metric_points", logs: "log_records" } as const;
const transports = ["JSON", "protobuf", "gRPC"] as const;
type Transport = (typeof transports)[number];

const spanId = "b7ad6b7169203331";
/** Of each signal a good record, and one that the receiver leaves out. */
const records = {
  traces: {
    path: ["resourceSpans", "scopeSpans", "spans"],
    good: { traceId: traceIdHex, spanId, name: "good" },
    bad: { traceId: traceIdHex, spanId: spanId.slice(1), name: "bad" },
  },
  metrics: {
    path: ["resourceMetrics", "scopeMetrics", "metrics"],
    good: { name: "good", gauge: { dataPoints: [{ asDouble: 1.5 }] } },
    bad: { name: "bad", gauge: { dataPoints: [{ asInt: "x" }, { asInt: "1" }] } },
  },
  logs: {
    path: ["resourceLogs", "scopeLogs", "logRecords"],
    good: { body: { stringValue: "good" } },
    bad: { severityNumber: "9", body: { stringValue: "bad" } },
  },
} as const;

const protobufRecords = {
  traces: otlp.Span.encode({
    traceId: Buffer.from(traceIdHex, "hex"),
    spanId: Buffer.from(spanId, "hex"),
  }).finish(),
  metrics: otlp.Metric.encode({
    name: "good",
    gauge: { dataPoints: [{ asDouble: 1.5 }] },
  }).finish(),
  logs: otlp.LogRecord.encode({ body: { stringValue: "good" } }).finish(),
} as const satisfies Record<Signal, Uint8Array>;

/** Items that are left out of a request: the metric in JSON has two data points, the one in protobuf is of unknown size. */
const leftOut = (signal: Signal, transport: Transport) =>
  signal === "metrics" && transport === "JSON" ? 2 : 1;

function jsonOf(signal: Signal): Uint8Array {
  const { path, good, bad } = records[signal];
  const [resourcePart, scopePart, record] = path;
  return textBytes(
    JSON.stringify({ [resourcePart]: [{ [scopePart]: [{ [record]: [bad, good] }] }] }),
  );
}

function protobufOf(signal: Signal): Uint8Array {
  const nested = (number: number, ...parts: Uint8Array[]) => {
    const content = Buffer.concat(parts);
    return Buffer.from([(number << 3) | 2, content.length, ...content]);
  };
  // A field 1 of wire type 7, which does not exist.
  const bad = Uint8Array.of(0x0f);
  return nested(1, nested(2, nested(2, bad), nested(2, protobufRecords[signal])));
}

let folder = "";
let sink: OtlpSink;
let collector: RunningCollector;
/** How often each request was sent. */
let rounds = 0;

function writeConfig({ timeout = "5s", streams = 100, bodySize = "20MiB" } = {}): string {
  const path = join(folder, "config.yaml");
  const pipeline = "{ receivers: [otlp], processors: [memory_limiter], exporters: [otlp_http] }";
  writeFileSync(
    path,
    `receivers:
  otlp:
    protocols:
      http: { endpoint: "127.0.0.1:0", max_request_body_size: ${bodySize} }
      grpc: { endpoint: "127.0.0.1:0", max_concurrent_streams: ${streams} }
processors:
  memory_limiter: { check_interval: 1s, limit_percentage: 80 }
exporters:
  otlp_http: { endpoint: "${sink.url}", timeout: ${timeout} }
service:
  telemetry: { metrics: { endpoint: "127.0.0.1:0" } }
  pipelines:
    traces: ${pipeline}
    traces/second: ${pipeline}
    metrics: ${pipeline}
    logs: ${pipeline}
`,
  );
  return path;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "refused-items-"));
  sink = await openSink();
  collector = await startCollector({ configs: [writeConfig()], freePorts: false });
});
afterAll(async () => {
  await collector?.stop();
  await sink?.close();
  rmSync(folder, { recursive: true });
});

async function send(signal: Signal, transport: Transport): Promise<void> {
  const { otlp: url, otlpGrpc } = collector.endpoints;
  if (transport === "gRPC") {
    const port = Number(otlpGrpc.split(":").at(-1));
    expect((await callGrpc(port, signal, protobufOf(signal))).code).toBe(0);
    return;
  }
  const isJson = transport === "JSON";
  const body = isJson ? jsonOf(signal) : protobufOf(signal);
  const answer = await post(`${url}/v1/${signal}`, body, typed(isJson ? "json" : "protobuf"));
  expect(answer.status).toBe(200);
  expect(Buffer.from(answer.body).toString()).toContain("left out");
}

/** Sends every request once more, and compares all counters with what was sent since the start. */
async function expectBalance(): Promise<void> {
  for (const signal of signals) {
    for (const transport of transports) {
      await send(signal, transport);
    }
  }
  rounds += 1;
  const page = await scrape(collector.endpoints.telemetry);
  for (const signal of signals) {
    const countOf = (outcome: string, transport: string) =>
      page.sum(`otelcol_receiver_${outcome}_${words[signal]}`, { receiver: "otlp", transport });
    const refusedOverHttp = leftOut(signal, "JSON") + leftOut(signal, "protobuf");
    expect({
      signal,
      accepted: { http: countOf("accepted", "http"), grpc: countOf("accepted", "grpc") },
      refused: { http: countOf("refused", "http"), grpc: countOf("refused", "grpc") },
      rejected: page.sum("otelcol_receiver_rejected_items", { otel_signal: signal }),
    }).toEqual({
      signal,
      accepted: { http: 2 * rounds, grpc: rounds },
      refused: { http: refusedOverHttp * rounds, grpc: leftOut(signal, "gRPC") * rounds },
      rejected: (refusedOverHttp + leftOut(signal, "gRPC")) * rounds,
    });
  }
}

async function reload(change: Parameters<typeof writeConfig>[0]): Promise<void> {
  const reloads = () => collector.stderr().split("The configuration was reloaded.").length;
  const before = reloads();
  writeConfig(change);
  collector.kill("SIGHUP");
  await expect.poll(reloads, { timeout: 10_000 }).toBe(before + 1);
}

test("what is received is accepted or refused: items that the receiver leaves out are refused, for all signals and transports", async () => {
  await expectBalance();
});

test("so are those that come after a reload that changes what is behind the receiver", async () => {
  await reload({ timeout: "6s" });
  await expectBalance();
});

test("so are those that come after a reload that changes the receiver", async () => {
  await reload({ timeout: "6s", streams: 101, bodySize: "19MiB" });
  await expectBalance();
});
