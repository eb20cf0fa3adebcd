import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { openScriptedModel, type ScriptedModel } from "../support/senders/scripted-model.ts";
import { install, installLiveSpans, play, senderOf } from "../support/senders/sender.ts";

const prefix = "openclaw_session_activity";

const lacksVenv = spawnSync("python3", ["-c", "import ensurepip, venv"]).status !== 0;
const skipsPython = lacksVenv && process.env["CI"] !== "true";
if (skipsPython) {
  process.stderr.write("Skipping senders in Python: python3 with venv was not found.\n");
}

let model: ScriptedModel;
let collector: RunningCollector;

beforeAll(async () => {
  model = await openScriptedModel();
});
afterAll(() => model?.close());

async function withCollector(run: () => Promise<void>): Promise<void> {
  collector = await startCollector({
    overrides: ["processors::session_activity::allowed_lateness: 2s"],
  });
  try {
    await run();
  } finally {
    await collector.stop();
  }
}

const page = () => scrape(collector.endpoints.prometheus);
const openOf = (on: MetricsPage, kind: string) => on.sum(`${prefix}_open`, { kind });

/** Plays a scenario, and returns the first page on which `isSeen` holds meanwhile. */
async function playUntil(
  name: string,
  scenario: string,
  isSeen: (page: MetricsPage) => boolean,
): Promise<MetricsPage> {
  const sender = senderOf(name);
  install(sender);
  installLiveSpans(sender);
  const played = play(sender, scenario, { otlp: collector.endpoints.otlp, model: model.url });
  let isOver = false;
  void played.finally(() => {
    isOver = true;
  });
  let seen: MetricsPage | undefined;
  while (!isOver) {
    const now = await page();
    seen ??= isSeen(now) ? now : undefined;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { exitCode, output } = await played;
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  expect(seen, output).toBeDefined();
  return seen!;
}

describe.skipIf(skipsPython)("with live spans for Python", () => {
  for (const name of ["langgraph-py", "openai-agents-py", "strands-py"]) {
    test(
      `${senderOf(name).title}: the open tool is on the page while it runs`,
      {
        timeout: 400_000,
      },
      () =>
        withCollector(async () => {
          const seen = await playUntil(name, "slow", (now) => openOf(now, "tool") === 1);
          expect(openOf(seen, "run")).toBeGreaterThan(0);
          await expect
            .poll(async () => (await page()).sum(`${prefix}_open`), { timeout: 15_000 })
            .toBe(0);
          const after = await page();
          for (const series of ["evicted_total", "reconciled_total", "corrected_total"]) {
            expect(after.sum(`${prefix}_${series}`), series).toBe(0);
          }
        }),
    );
  }

  test(
    "LangGraph: a tool that goes on in the background after its turn is the one orphan, though only its name tells of it",
    {
      timeout: 400_000,
    },
    () =>
      withCollector(async () => {
        const evicted = await playUntil(
          "langgraph-py",
          "background",
          (now) => now.sum(`${prefix}_evicted_total`) > 0,
        );
        expect(evicted.sum(`${prefix}_evicted_work_total`, { kind: "tool" })).toBe(1);
        expect(evicted.sum(`${prefix}_evicted_total`, { reason: "orphaned_no_owner" })).toBe(1);
        expect(openOf(evicted, "run")).toBe(0);
      }),
  );
});
