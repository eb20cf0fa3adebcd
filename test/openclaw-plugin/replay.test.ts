import { execFile } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evictedOn, scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { pathOf } from "../support/repository.ts";
import { type OtlpSink, startSink } from "./otlp-sink.ts";

const recording = pathOf("test/testdata/openclaw/events-9x.jsonl");

interface Ended {
  readonly code: number;
  readonly stderr: string;
}

/** Runs the command as a user would. */
function replay(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [pathOf("openclaw-plugin/replay.ts"), ...args],
      { timeout: 60_000 },
      (error, _, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stderr }),
    );
  });
}

describe("replaying a recording to a sink", () => {
  let sink: OtlpSink;

  beforeAll(async () => {
    sink = await startSink();
  });
  afterAll(() => sink.close());

  test("sends every start and end, and the good-bye last", async () => {
    const { code, stderr } = await replay(
      ...[recording, "--endpoint", sink.url, "--speed", "0", "--header", "X-Team=a=b"],
    );

    expect(stderr).toBe(
      "Replayed 62 lines: 62 records sent, 0 not delivered, 0 pieces of work left open.\n",
    );
    expect(code).toBe(0);
    expect(sink.spans.filter(({ endMs }) => endMs === undefined)).toHaveLength(25);
    expect(sink.spans.filter(({ endMs }) => endMs !== undefined)).toHaveLength(25);
    expect(sink.logs.at(-1)!.eventName).toBe("entity.delete");
    expect(sink.requests[0]!.headers).toMatchObject({ "x-team": "a=b" });
  });

  test("keeps the recorded pace, or a multiple of it", async () => {
    const from = performance.now();
    await replay(recording, "--endpoint", sink.url, "--speed", "40");

    // 42.6 s were recorded.
    expect(performance.now() - from).toBeGreaterThan(1_060);
  });
});

test.each([
  ["no file", [], 2, /^Usage: replay FILE/],
  ["a file that is not there", ["/nowhere.jsonl"], 2, /no such file/],
  ["a file that is no recording", [pathOf("package.json")], 2, /^Line 1 of the recording/],
  ["a speed that is none", [recording, "--speed", "fast"], 2, /^Usage: replay FILE/],
  ["an address that is none", [recording, "--endpoint", "nowhere"], 2, /endpoint must be an/],
  [
    "no collector",
    [recording, "--speed", "0", "--endpoint", "http://127.0.0.1:9"],
    1,
    /62 not del/,
  ],
] as const)("the command reports %s", async (_, args, code, message) => {
  const ended = await replay(...args);

  expect(ended.stderr).toMatch(message);
  expect(ended.code).toBe(code);
});

describe("replaying a recording to the collector", () => {
  let collector: RunningCollector;

  beforeAll(async () => {
    collector = await startCollector({
      overrides: ["processors::session_activity::allowed_lateness: 2s"],
    });
  });
  afterAll(async () => {
    await collector?.stop();
  });

  test.each([
    // A harness run and the run in it are one. Ends that come after the end of their run.
    ["test/testdata/openclaw/events-9x.jsonl", { run: 6, tool: 5, model_call: 8 }, "20"],
    // A tool in a tool, a sub-agent that outlives the turn, a run that announces its result.
    [
      "test/openclaw-plugin/recordings/9x-sub-agent.jsonl",
      { run: 3, tool: 3, model_call: 5 },
      "20",
    ],
    [
      "test/openclaw-plugin/recordings/430-sub-agent.jsonl",
      { run: 5, tool: 5, model_call: 9 },
      "20",
    ],
    // The session is said to be idle, with an empty queue, for longer than the lateness while its run goes on.
    [
      "test/testdata/openclaw/events-9x-idle-while-running.jsonl",
      { run: 2, tool: 1, model_call: 3 },
      "8",
    ],
    ["test/testdata/openclaw/events-9x-queued.jsonl", { run: 1, tool: 1, model_call: 2 }, "20"],
    ["test/testdata/openclaw/events-9x-approvals.jsonl", { run: 2, tool: 2, model_call: 4 }, "20"],
    ["test/testdata/openclaw/events-9x-streaming.jsonl", { run: 1, model_call: 1 }, "100"],
  ])("%s evicts nothing", async (file, counts, speed) => {
    const before = await scrape(collector.endpoints.prometheus);
    await replay(pathOf(file), "--endpoint", collector.endpoints.otlp, "--speed", speed);
    const after = await scrape(collector.endpoints.prometheus);

    expect(evictedOn(after)).toBe(0);
    for (const [kind, count] of Object.entries(counts)) {
      const sum = (name: string) => {
        const series = `openclaw_session_activity_${name}`;
        return after.sum(series, { kind }) - before.sum(series, { kind });
      };
      expect({ kind, started: sum("started_total"), ended: sum("ended_total") }).toEqual({
        kind,
        started: count,
        ended: count,
      });
    }
  });
});
