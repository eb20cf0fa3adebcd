import { expect, test } from "vitest";
import { orphanedTool } from "../support/agent-spans.ts";
import { scrape } from "../support/metrics-page.ts";
import { startCollector } from "../support/process.ts";
import { send } from "../support/send.ts";

test("a collector that uses more than its limit asks senders to come back, says so, and goes on running", async () => {
  const collector = await startCollector({
    overrides: ["processors::memory_limiter::limit_mib: 2"],
  });
  try {
    const [body = new Uint8Array(0)] = orphanedTool("memory", {});
    const { status, headers, bytes } = await send(collector.endpoints.otlp, "traces", body);
    expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
    expect(Buffer.from(bytes).toString()).toContain("data refused due to high memory usage");
    const page = await scrape(collector.endpoints.telemetry);
    expect(
      page.sum("otelcol_receiver_refused_requests", { reason: "pipeline_refused" }),
    ).toBeGreaterThanOrEqual(1);
    expect(collector.stderr()).toContain("Memory usage is above the soft limit. Refusing data.");
    expect(collector.stderr()).toMatch(
      /warn\tThe limit is below what this process uses before any data arrives, so it will refuse all data\. Raise limit_mib\..*"soft_limit_mib": 1,/,
    );
  } finally {
    expect((await collector.stop()).exitCode).toBe(0);
  }
});
