import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentSpan, tracesRequest } from "../support/agent-spans.ts";
import { openSink } from "../support/otlp-sink.ts";
import { startCollector } from "../support/process.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reload-grpc-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("SIGHUP under load loses and refuses no call of gRPC, while the receiver changes", async () => {
  const sink = await openSink();
  const path = join(folder, "config.yaml");
  const write = (streams: number) =>
    writeFileSync(
      path,
      `receivers:
  otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0", max_concurrent_streams: ${streams} } } }
exporters:
  otlp_http: { endpoint: "${sink.url}" }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], exporters: [otlp_http] }
`,
    );
  write(100);
  const collector = await startCollector({ configs: [path], freePorts: false });
  const client = new Client(collector.endpoints.otlpGrpc, credentials.createInsecure());
  const codes = new Map<number, number>();
  let sent = 0;
  let isLoading = true;
  const call = () =>
    new Promise<number>((resolve) => {
      const span = { span: agentSpan(`span ${sent++}`), endUnixMs: Date.now() };
      client.makeUnaryRequest(
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes) => bytes,
        tracesRequest("app", [span]),
        (error) => resolve(error?.code ?? 0),
      );
    });
  const load = async () => {
    while (isLoading) {
      const code = await call();
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
  };
  const loads = Array.from({ length: 8 }, load);
  for (let turn = 1; turn <= 15; turn++) {
    write(100 + turn);
    const reloads = () => collector.stderr().split("The configuration was reloaded.").length;
    const before = reloads();
    collector.kill("SIGHUP");
    const enough = sent + 20;
    while (reloads() === before || sent < enough) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  isLoading = false;
  await Promise.all(loads);
  client.close();
  const { exitCode, stderr } = await collector.stop();
  await sink.close();
  expect([...codes]).toEqual([[0, sent]]);
  expect(sent).toBeGreaterThan(200);
  expect(sink.requests.length).toBe(sent);
  expect(exitCode).toBe(0);
  expect(stderr).not.toContain("bug");
}, 60_000);
