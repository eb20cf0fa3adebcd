import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { agentSpan, orphanedTool, tracesRequest } from "../support/agent-spans.ts";
import { captured } from "../support/captures.ts";
import { evictionsIn, passedThrough, sumsIn, totalOf } from "../support/derived-telemetry.ts";
import { evictedOn, scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, type StartOptions, startCollector } from "../support/process.ts";
import { until } from "../support/prometheus.ts";
import { send } from "../support/send.ts";

const metric = "openclaw.session.activity.evicted";

let backend: OtlpSink;
const collectors: RunningCollector[] = [];

beforeEach(async () => {
  backend = await openSink();
});

afterEach(async () => {
  for (const collector of collectors.splice(0)) {
    await collector.stop();
  }
  await backend.close();
});

async function start(
  overrides: readonly string[] = [],
  options: StartOptions = {},
): Promise<RunningCollector> {
  const collector = await startCollector({
    configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
    overrides: ["processors::session_activity::allowed_lateness: 500ms", ...overrides],
    env: { BACKEND_URL: backend.url },
    ...options,
  });
  collectors.push(collector);
  return collector;
}

async function post(collector: RunningCollector, body: Uint8Array): Promise<number> {
  return (await send(collector.endpoints.otlp, "traces", body)).status;
}

const orphanWasEvicted = () =>
  backend.until("the orphan was evicted", (requests) => evictionsIn(requests).at(0));

test("SIGTERM hands on the derived metrics once more, with what no push has told yet", async () => {
  const collector = await start(["processors::session_activity::export_interval: 1h"]);
  for (const body of orphanedTool("stopped", {})) {
    expect(await post(collector, body)).toBe(200);
  }
  await orphanWasEvicted();
  expect(sumsIn(backend.requests, metric)).toEqual([]);
  const { exitCode } = await collector.stop();
  expect(exitCode).toBe(0);
  expect(sumsIn(backend.requests, metric).map(totalOf)).toEqual([1]);
});

test("SIGTERM between the end of a run and the deadline of its tool tells of no eviction", async () => {
  const collector = await start(["processors::session_activity::allowed_lateness: 30s"]);
  for (const body of orphanedTool("hurried", {})) {
    expect(await post(collector, body)).toBe(200);
  }
  expect((await collector.stop()).exitCode).toBe(0);
  expect(evictionsIn(backend.requests)).toEqual([]);
  expect(sumsIn(backend.requests, metric).map(totalOf)).toEqual([0]);
});

test("kill -9 amid open work and a request leaves nothing that keeps the next one from starting on the same ports", async () => {
  const killed = await start();
  const { otlp: base, otlpGrpc, prometheus, telemetry } = killed.endpoints;
  const run = agentSpan("openclaw.run", { "openclaw.sessionKey": "agent:main:killed" });
  const tool = agentSpan("openclaw.tool.execution", {}, run);
  expect(await post(killed, tracesRequest("gateway", [{ span: run }, { span: tool }]))).toBe(200);
  const cut = fetch(`${base}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf" },
    body: new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(100));
      },
    }),
    duplex: "half",
  } as RequestInit);
  const cutError = cut.then(
    () => "answered",
    () => "cut",
  );
  killed.kill("SIGKILL");
  expect((await killed.ended()).signal).toBe("SIGKILL");
  expect(await cutError).toBe("cut");

  const hostOf = (url: string) => new URL(url).host;
  const next = await start(
    [
      `receivers::otlp::protocols::http::endpoint: ${hostOf(base)}`,
      `receivers::otlp::protocols::grpc::endpoint: ${otlpGrpc}`,
      `exporters::prometheus::endpoint: ${hostOf(prometheus)}`,
      `service::telemetry::metrics::endpoint: ${hostOf(telemetry)}`,
    ],
    { freePorts: false },
  );
  expect(next.endpoints).toEqual(killed.endpoints);
  // What was open is not known any more: its end is an ordinary finished run, and no eviction.
  const ended = tracesRequest("gateway", [{ span: run, endUnixMs: Date.now() }]);
  expect(await post(next, ended)).toBe(200);
  for (const body of orphanedTool("restarted", {})) {
    expect(await post(next, body)).toBe(200);
  }
  await orphanWasEvicted();
  expect(evictedOn(await scrape(next.endpoints.prometheus))).toBe(1);
  const { stderr } = await next.stop();
  expect(stderr.split("\n").filter((line) => /\t(warn|error)\t/.test(line))).toEqual([]);
});

describe("a backend that is down", () => {
  test("makes the sender come back without a queue, costs no sight of the activity, and is used again when it is up", async () => {
    const collector = await start([
      "processors::session_activity::export_interval: 200ms",
      "exporters::otlp_http::sending_queue::enabled: false",
      "exporters::otlp_http::retry_on_failure::enabled: false",
      "service::pipelines::traces::exporters: [otlp_http]",
    ]);
    const { port } = new URL(backend.url);
    await backend.close();

    const [first, second] = orphanedTool("patient", {});
    // A request of nothing but starts has nothing for the backend.
    expect(await post(collector, first!)).toBe(200);
    const refused = await send(collector.endpoints.otlp, "traces", second!);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    const status = otlp.RpcStatus.decode(refused.bytes);
    expect(status.code).toBe(14);
    expect(status.message).toContain("cannot be reached");

    await until("the orphan is on the page", 5_000, async () => {
      return evictedOn(await scrape(collector.endpoints.prometheus)) === 1;
    });
    const page = await scrape(collector.endpoints.telemetry);
    expect(page.sum("otelcol_receiver_refused_spans")).toBe(1);
    expect(page.sum("otelcol_exporter_send_failed_spans", { exporter: "otlp_http" })).toBe(1);

    backend = await openSink(Number(port));
    // As OTLP has it, the sender tries again; what it repeats is not counted twice.
    expect(await post(collector, second!)).toBe(200);
    expect(
      passedThrough(backend.requests).map(({ bytes }) => Buffer.compare(bytes, second!)),
    ).toEqual([0]);
    const pushed = await backend.until("the counter was pushed", (requests) =>
      sumsIn(requests, metric).at(0),
    );
    expect(totalOf(pushed)).toBe(1);
    expect(evictedOn(await scrape(collector.endpoints.prometheus))).toBe(1);
    expect((await collector.stop()).exitCode).toBe(0);
  });

  test("does not keep the process from ending in time", async () => {
    const collector = await start(["service::shutdown_timeout: 2s"]);
    await backend.close();
    for (const body of orphanedTool("stopped", {})) {
      await post(collector, body);
    }
    const before = performance.now();
    const { exitCode, stderr } = await collector.stop();
    expect(performance.now() - before).toBeLessThan(5_000);
    // What waited in memory for the backend is lost, which is an error.
    expect(exitCode).toBe(3);
    expect(stderr).toContain("Exporting failed. Dropping data.");
    expect(stderr).toContain("Shutdown complete, with failures");
    backend = await openSink();
  });
});

test("a backend that never answers holds a stop for no longer than its deadline, and the loss is reported", async () => {
  const collector = await start(["service::shutdown_timeout: 1s"]);
  const [request] = captured("v610-healthy").filter(({ signal }) => signal === "traces");
  backend.silence();
  expect(await post(collector, request!.body)).toBe(200);
  await backend.until("the request has arrived", (requests) => requests.at(0));
  const before = performance.now();
  const { exitCode, stderr } = await collector.stop();
  expect(performance.now() - before).toBeLessThan(5_000);
  expect(exitCode).toBe(3);
  expect(stderr).toContain("Exporting failed. Dropping data.");
  expect(stderr).toContain("Shutdown complete, with failures");
});
