import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { openScriptedModel, type ScriptedModel } from "../support/senders/scripted-model.ts";
import { install, play, senderOf } from "../support/senders/sender.ts";

const prefix = "openclaw_session_activity";

/** Real libraries under the preload, as they are. `run`: their run is known while it is open, too. */
const libraries = [
  { name: "openinference-langchain-js", run: true },
  { name: "langfuse-js", run: true },
  { name: "traceloop-js", run: true },
  { name: "openai-agents-js", run: true },
  { name: "mastra-bridge", run: true },
  { name: "genkit-js", run: true },
  { name: "ai-sdk", run: true },
  { name: "ai-sdk-6", run: true },
  { name: "ai-sdk-legacy", run: true },
  { name: "genai-late", run: true },
  { name: "genai-auto", run: true },
  { name: "genai-vercel-otel", run: true },
] as const;

describe("under the preload the open tool is on the page while it runs, with", () => {
  let model: ScriptedModel;

  beforeAll(async () => {
    model = await openScriptedModel();
  });
  afterAll(() => model?.close());

  for (const { name, run } of libraries) {
    const sender = senderOf(name);
    test(sender.title, { timeout: 240_000 }, async () => {
      install(sender);
      const collector = await startCollector({
        overrides: ["processors::session_activity::allowed_lateness: 1s"],
      });
      try {
        await playSlowly(collector, sender, model.url, run);
      } finally {
        await collector.stop();
      }
    });
  }
});

async function playSlowly(
  collector: RunningCollector,
  sender: ReturnType<typeof senderOf>,
  model: string,
  hasRun: boolean,
): Promise<void> {
  const page = () => scrape(collector.endpoints.prometheus);
  const openOf = (on: MetricsPage, kind: string) => on.sum(`${prefix}_open`, { kind });
  const played = play(sender, "slow", {
    otlp: collector.endpoints.otlp,
    model,
    isPreloaded: true,
  });
  let isOver = false;
  void played.finally(() => {
    isOver = true;
  });
  let seen: MetricsPage | undefined;
  while (!isOver) {
    const now = await page();
    seen ??= openOf(now, "tool") === 1 ? now : undefined;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { exitCode, output } = await played;
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  expect(output).not.toContain("ActivityPreloadWarning");
  expect(seen, `the tool was never open\n${output}`).toBeDefined();
  expect(openOf(seen!, "run") > 0).toBe(hasRun);

  // A finished span counts once its owner's end is known, and the lateness has passed.
  const left = async () => openOf(await page(), "tool") + openOf(await page(), "run");
  await expect.poll(left, { timeout: 15_000 }).toBe(0);
  const after = await page();
  for (const series of ["evicted_total", "reconciled_total", "corrected_total"]) {
    expect(after.sum(`${prefix}_${series}`), series).toBe(0);
  }
  const reported = (result: string) =>
    after.sum(`${prefix}_signals_total`, { dialect: "live_span", result });
  expect(reported("ended") + reported("duplicate")).toBeGreaterThan(0);
}
