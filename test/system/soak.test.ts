import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Pool } from "undici";
import { expect, test } from "vitest";
import { recordTurns, spansPerBody } from "../../bench/gateway-bodies.ts";
import { startChild } from "../support/child.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { until } from "../support/prometheus.ts";
import { balanceOf } from "./delivery/balance.ts";

/** Seconds of load; `npm run test:soak` takes 15 minutes. */
const seconds = Number(process.env["SOAK_SECONDS"] ?? 20);
/** Only after so long are all bounds of the collector reached, so that its memory can be expected to be flat. */
const secondsUntilFlat = 240;
const shareOfCeiling = 0.6;
const connections = 4;

const turns = Array.from({ length: connections }, (_, index) => recordTurns(index));
let serial = 0;

test(`${seconds} s at ${shareOfCeiling * 100} % of the ceiling: files and memory stay level, and everything is delivered`, {
  timeout: (seconds + 120) * 1000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "soak-"));
  const backend = startChild("test/system/delivery/counting-server.ts", []);
  await backend.said("port ");
  const port = /port (\d+)/.exec(backend.stdout())?.[1];
  const collector = await startCollector({
    configs: ["test/system/delivery/collector.yaml"],
    env: { BACKEND_URL: `http://127.0.0.1:${port}`, STATE_DIRECTORY: directory },
    freePorts: false,
  });
  const pool = new Pool(collector.endpoints.otlp, { connections, pipelining: 1 });
  try {
    const ceiling = await rateOf(pool, { seconds: Math.min(10, seconds / 2) });
    const perSecond = shareOfCeiling * ceiling.requestsPerSecond;
    const samples: { readonly rssMiB: number; readonly files: number }[] = [];
    const watch = setInterval(() => samples.push(usageOf(collector.pid)), 1_000);
    const soak = await rateOf(pool, { seconds, perSecond });
    clearInterval(watch);

    const early = samples[Math.floor(samples.length / 3)]!;
    const late = samples.at(-1)!;
    console.log(
      JSON.stringify({
        seconds,
        ceilingSpansPerSecond: Math.round(ceiling.requestsPerSecond * spansPerBody),
        soakSpansPerSecond: Math.round(soak.requestsPerSecond * spansPerBody),
        p50Ms: quantile(soak.latenciesMs, 0.5),
        p99Ms: quantile(soak.latenciesMs, 0.99),
        early,
        late,
      }),
    );
    expect(late.files).toBeLessThanOrEqual(early.files + 5);
    if (seconds >= secondsUntilFlat) {
      expect(late.rssMiB).toBeLessThan(early.rssMiB * 1.15);
    }
    await expectDelivered(collector, (ceiling.requests + soak.requests) * spansPerBody);
    expect((await collector.stop()).exitCode).toBe(0);
  } finally {
    await pool.close();
    collector.kill("SIGKILL");
    backend.kill("SIGTERM");
    await backend.ended;
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
});

/** Sends requests over all connections, at a rate or as fast as they are answered. */
async function rateOf(
  pool: Pool,
  { seconds: duration, perSecond }: { readonly seconds: number; readonly perSecond?: number },
) {
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + duration * 1000;
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (let at = 0; performance.now() < endMs; at++) {
        const body = turns[connection]!.ends;
        body.refresh(serial++);
        const sentMs = performance.now();
        const response = await pool.request({
          path: "/v1/traces",
          method: "POST",
          headers: { "content-type": "application/x-protobuf" },
          body: body.bytes,
        });
        await response.body.dump();
        expect(response.statusCode).toBe(200);
        latenciesMs.push(performance.now() - sentMs);
        if (perSecond !== undefined) {
          const dueMs = startMs + ((at + 1) * connections * 1000) / perSecond;
          await pause(Math.max(0, dueMs - performance.now()));
        }
      }
    }),
  );
  const requests = latenciesMs.length;
  return {
    requests,
    latenciesMs,
    requestsPerSecond: requests / ((performance.now() - startMs) / 1000),
  };
}

/** What was sent was accepted, and what the exporter was passed it has sent. */
async function expectDelivered({ endpoints }: RunningCollector, spans: number): Promise<void> {
  await until("the queue is empty", 60_000, async () => {
    return (await balanceOf(endpoints.telemetry, "traces")).queued === 0;
  });
  const { accepted, refused, consumed, sent, sendFailed, enqueueFailed } = await balanceOf(
    endpoints.telemetry,
    "traces",
  );
  expect({ accepted, refused }).toEqual({ accepted: spans, refused: 0 });
  expect({ consumed, sent, sendFailed, enqueueFailed }).toEqual({
    consumed: spans,
    sent: spans,
    sendFailed: 0,
    enqueueFailed: 0,
  });
}

function usageOf(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [, kib = "0"] = /VmRSS:\s+(\d+) kB/.exec(status) ?? [];
  return {
    rssMiB: Math.round(Number(kib) / 1024),
    files: readdirSync(`/proc/${pid}/fd`).length,
  };
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length * part)] ?? 0) * 10) / 10;
}
