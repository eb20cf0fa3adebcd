import { afterAll, beforeAll, describe, type ExpectStatic, test } from "vitest";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { openScriptedModel, type ScriptedModel } from "../support/senders/scripted-model.ts";
import { install, play, type Sender, senderOf } from "../support/senders/sender.ts";

const prefix = "openclaw_session_activity";

/** Real libraries under the preload, as they are. */
const libraries: readonly Library[] = [
  { name: "openinference-langchain-js" },
  { name: "langfuse-js" },
  { name: "traceloop-js" },
  { name: "openai-agents-js" },
  { name: "mastra-bridge" },
  { name: "genkit-js" },
  { name: "ai-sdk" },
  { name: "ai-sdk-6" },
  { name: "ai-sdk-legacy" },
  { name: "genai-late" },
  { name: "genai-cjs" },
  { name: "genai-at-end", isLearned: true },
  { name: "genai-auto" },
  { name: "genai-vercel-otel" },
];
/** With `SENDERS=all`, as `npm run test:senders` has it, those that take long to install, too. */
const played = libraries.filter(
  ({ name }) => process.env["SENDERS"] === "all" || !senderOf(name).isSlow,
);

interface Library {
  /** Its folder in `test/senders`. */
  readonly name: string;
  /** Nothing but the first of its two turns says what the open work of the second is. */
  readonly isLearned?: boolean;
}

// Two side by side (`maxConcurrency`): each waits for its tool most of the time.
describe.concurrent("under the preload the open tool is on the page while it runs, with", () => {
  let model: ScriptedModel;
  /** Why a library could not be installed. */
  const failures = new Map<string, unknown>();

  beforeAll(async () => {
    model = await openScriptedModel();
    // Before all of them, because it blocks this process, and with it the model and the scrapes.
    for (const { name } of played) {
      try {
        install(senderOf(name));
      } catch (error) {
        failures.set(name, error);
      }
    }
  }, 600_000);
  afterAll(() => model?.close());

  for (const library of played) {
    const sender = senderOf(library.name);
    test(sender.title, { timeout: 120_000 }, async ({ expect }) => {
      if (failures.has(library.name)) {
        throw failures.get(library.name);
      }
      const collector = await startCollector({
        overrides: ["processors::session_activity::allowed_lateness: 1s"],
      });
      try {
        await playSlowly({ collector, model: model.url, expect }, sender, library);
      } finally {
        await collector.stop();
      }
    });
  }
});

async function playSlowly(
  {
    collector,
    model,
    expect,
  }: {
    readonly collector: RunningCollector;
    readonly model: string;
    /** That of the test: the shared one does not know which of two tests side by side polls. */
    readonly expect: ExpectStatic;
  },
  sender: Sender,
  { isLearned = false }: Library,
): Promise<void> {
  const page = () => scrape(collector.endpoints.prometheus);
  const openOf = (on: MetricsPage, kind: string) => on.sum(`${prefix}_open`, { kind });
  const playing = play(sender, "slow", {
    otlp: collector.endpoints.otlp,
    model,
    isPreloaded: true,
  });
  let isOver = false;
  void playing.finally(() => {
    isOver = true;
  });
  let seen: MetricsPage | undefined;
  while (!isOver) {
    const now = await page();
    seen ??= openOf(now, "tool") === 1 ? now : undefined;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { exitCode, output } = await playing;
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  expect(output).not.toContain("ActivityPreloadWarning");
  expect(seen, `the tool was never open\n${output}`).toBeDefined();
  expect(openOf(seen!, "run")).toBeGreaterThan(0);
  const signalsOf = (on: MetricsPage, result: string) =>
    on.sum(`${prefix}_signals_total`, { dialect: "live_span", result });
  if (isLearned) {
    expect(signalsOf(seen!, "guessed")).toBeGreaterThanOrEqual(2); // The run and the tool.
    expect(signalsOf(seen!, "started")).toBe(0);
  }

  // A finished span counts once its owner's end is known, and the lateness has passed.
  const left = async () => (await page()).sum(`${prefix}_open`);
  await expect.poll(left, { timeout: 15_000 }).toBe(0);
  const after = await page();
  for (const series of ["evicted_total", "reconciled_total", "corrected_total"]) {
    expect(after.sum(`${prefix}_${series}`), series).toBe(0);
  }
  expect(signalsOf(after, "ended") + signalsOf(after, "duplicate")).toBeGreaterThan(0);
}
