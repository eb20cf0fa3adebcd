import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { type Agent, startAgent } from "./agent-process.ts";

let collector: RunningCollector;
let agent: Agent;

beforeEach(async () => {
  collector = await startCollector({
    overrides: ["processors::session_activity::allowed_lateness: 1s"],
  });
  agent = startAgent({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoints.otlp,
      OTEL_BSP_SCHEDULE_DELAY: "100",
    },
  });
});

afterEach(async () => {
  agent.kill("SIGKILL");
  await agent.ended();
  await collector.stop();
});

/** Asks for the page of metrics until it has the line. */
async function untilMetric(line: string): Promise<void> {
  const page = async () => (await fetch(collector.endpoints.prometheus)).text();
  await expect.poll(page, { timeout: 10_000, interval: 50 }).toContain(`${line}\n`);
}

test("a tool below a step of a sub-agent is evicted when that ends, though the tool that started it goes on", async () => {
  await agent.command("run outer", "tool starts outer", "run inner starts");
  await agent.command("step s inner", "tool hangs s");
  await untilMetric('openclaw_session_activity_open{kind="tool"} 2');
  await agent.command("end inner");
  await untilMetric('openclaw_session_activity_evicted_total{reason="orphaned_no_owner"} 1');
  await untilMetric('openclaw_session_activity_open{kind="tool"} 1');
  await untilMetric('openclaw_session_activity_open{kind="run"} 1');
});

test("the collector knows what is open now, and evicts the tool that its run left behind", async () => {
  await agent.command("run r", "tool hangs r", "tool works r");
  await untilMetric('openclaw_session_activity_open{kind="tool"} 2');
  await untilMetric('openclaw_session_activity_open{kind="run"} 1');

  await agent.command("end works", "end r");
  await untilMetric('openclaw_session_activity_evicted_total{reason="orphaned_no_owner"} 1');
  await untilMetric('openclaw_session_activity_open{kind="tool"} 0');
});
