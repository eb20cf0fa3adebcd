import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { components } from "../../src/components.ts";
import { loadConfig } from "../../src/config/load.ts";
import { checkServiceConfig } from "../../src/service/config.ts";
import { createLogger } from "../../src/service/logger.ts";
import { createService } from "../../src/service/service.ts";
import { deferred } from "../support/deferred.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fakeMemory } from "../support/fake-memory.ts";

/** A service with real components and sockets, and a clock of the test. */
function serviceOf(text: string) {
  const checked = checkServiceConfig(loadConfig([`yaml:${text}`], {}), components);
  if (!checked.ok) {
    throw new Error(JSON.stringify(checked.problems));
  }
  const clock = new FakeClock();
  const log: string[] = [];
  const service = createService({
    plan: checked.config,
    factories: components,
    version: "1.2.3",
    clock,
    random: () => 0.5,
    env: {},
    randomBytes: (length) => new Uint8Array(length),
    memory: fakeMemory(),
    logger: createLogger({
      level: "info",
      encoding: "json",
      clock,
      write: (line) => void log.push(line),
    }),
  });
  const endpointOf = (message: string): string => {
    const line = log.map((each) => JSON.parse(each)).find(({ msg }) => msg === message);
    return `http://${line.endpoint}`;
  };
  return { service, clock, endpointOf };
}

test("an exporter that has failed for a minute makes its pipelines unready, until it sends again, and never the liveness page", async () => {
  let status = 503;
  const firstRequest = deferred<void>();
  const backend = createServer((request, response) => {
    firstRequest.resolve();
    request.resume().on("end", () => {
      response.writeHead(status, { "Content-Type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  const { port } = backend.address() as AddressInfo;
  const { service, clock, endpointOf } = serviceOf(`
    receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
    exporters:
      debug:
      otlp_http: {endpoint: "http://127.0.0.1:${port}", timeout: 1h, retry_on_failure: {max_elapsed_time: 0s}}
    extensions: {health_check: {endpoint: "127.0.0.1:0"}}
    service:
      extensions: [health_check]
      telemetry: {metrics: {level: none}}
      pipelines:
        traces: {receivers: [otlp], exporters: [otlp_http]}
        logs: {receivers: [otlp], exporters: [debug]}
  `);
  try {
    await service.start();
    const health = endpointOf("Serving health checks.");
    const codes = () =>
      Promise.all(
        ["/", "/ready", "/ready?pipeline=traces", "/ready?pipeline=logs"].map(
          async (path) => (await fetch(health + path)).status,
        ),
      );
    /** Each look at the page leaves the exporter time to make a request. */
    const advanceUntil = async (isReached: () => Promise<boolean>) => {
      while (!(await isReached())) {
        clock.advance(1_000);
      }
    };
    expect(await codes()).toEqual([200, 200, 200, 200]);
    const sent = await fetch(`${endpointOf("Receiving OTLP over HTTP.")}/v1/traces`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        resourceSpans: [
          {
            scopeSpans: [
              { spans: [{ traceId: "a".repeat(32), spanId: "b".repeat(16), name: "x" }] },
            ],
          },
        ],
      }),
    });
    expect(sent.status).toBe(200);
    await firstRequest.promise;
    const isReady = async () => (await fetch(`${health}/ready`)).status === 200;
    const startMs = clock.nowMs();
    await advanceUntil(async () => !(await isReady()));
    expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(60_000);
    expect(await codes()).toEqual([200, 503, 503, 200]);
    const { components: parts } = (await (await fetch(`${health}/status`)).json()) as {
      components: Record<string, { error: string; status_age_seconds: number }>;
    };
    expect(parts["pipeline:traces"]).toMatchObject({
      healthy: true,
      status: "StatusRecoverableError",
      error: `Nothing could be sent to the backend for more than a minute. The backend 127.0.0.1:${port} answered 503 (unavailable).`,
      status_age_seconds: 60,
    });

    status = 200;
    await advanceUntil(isReady);
    expect(await codes()).toEqual([200, 200, 200, 200]);
  } finally {
    await service.shutdown();
    backend.closeAllConnections();
    backend.close();
  }
});
