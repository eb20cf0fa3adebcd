import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { openScriptedModel, type ScriptedModel } from "../support/senders/scripted-model.ts";
import { install, play, senderOf } from "../support/senders/sender.ts";

/** Real libraries that play one turn, and how many runs it has for them. */
const live = [
  ["ai-sdk", 1],
  ["ai-sdk-legacy", 1],
  ["openinference-langchain-js", 1],
  ["partial-span-processor", 1],
] as const;

const lacksVenv = spawnSync("python3", ["-c", "import ensurepip, venv"]).status !== 0;
const skipsPython = lacksVenv && process.env["CI"] !== "true";
if (skipsPython) {
  process.stderr.write("Skipping senders in Python: python3 with venv was not found.\n");
}

describe("a turn that a real library sends live", () => {
  let collector: RunningCollector;
  let model: ScriptedModel;

  beforeAll(async () => {
    collector = await startCollector({
      overrides: ["processors::session_activity::allowed_lateness: 1s"],
    });
    model = await openScriptedModel();
  });
  afterAll(async () => {
    await model?.close();
    await collector?.stop();
  });

  for (const [name, runs] of live) {
    const sender = senderOf(name);
    test.skipIf(sender.runtime === "python" && skipsPython)(
      `${sender.title}: ${runs} run, two tools, two model calls, nothing evicted`,
      { timeout: 240_000 },
      async () => {
        install(sender);
        const { prometheus: url, otlp } = collector.endpoints;
        const before = endedOn(await scrape(url));
        const { exitCode, output } = await play(sender, "turn", { otlp, model: model.url });
        expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
        // A finished span counts once its owner's end is known, and the lateness has passed.
        const since = async () =>
          endedOn(await scrape(url)).map((count, at) => count - before[at]!);
        await expect.poll(since, { timeout: 15_000 }).toEqual([runs, 2, 2]);
        const page = await scrape(url);
        expect(page.sum("openclaw_session_activity_open")).toBe(0);
        expect(page.sum("openclaw_session_activity_evicted_total")).toBe(0);
      },
    );
  }
});

function endedOn(page: MetricsPage): readonly number[] {
  return ["run", "tool", "model_call"].map((kind) =>
    page.sum("openclaw_session_activity_ended_total", { kind }),
  );
}
