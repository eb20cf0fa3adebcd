import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runProgram } from "../../src/cli/program.ts";
import { fakeHost } from "../cli/fake-host.ts";
import { metricsPage } from "../support/metrics-page.ts";
import { pathOf } from "../support/repository.ts";
import { startVirtualCollector, type VirtualCollector } from "../support/virtual-collector.ts";
import { relayTo, startOf } from "../support/virtual-relay.ts";

const folder = "test/testdata/session_activity/decisions";

/** What a captured case became: evictions as their table has them, and the metrics at the end. */
async function replayed(
  name: string,
  settings: readonly string[] = [],
  settle = "120s",
  within = folder,
) {
  const host = fakeHost([
    "replay",
    pathOf(`${within}/${name}`),
    "--config",
    pathOf("deploy/config.yaml"),
    ...settings.flatMap((each) => ["--config", `yaml:processors::session_activity::${each}`]),
    ...["--speed", "max", "--settle", settle],
  ]);
  expect(await runProgram(host)).toBe(0);
  // Some senders name their service and nothing else.
  const warnings = host.written.stderr.split("\n").filter((line) => line !== "");
  expect(warnings.filter((line) => !line.includes("share one state"))).toEqual([]);
  const evictions = [...host.written.stdout.matchAll(/^\+(\S+)s +(\S+) +(\S+) +(\d+) +(\d+) /gm)];
  const page = metricsPage(host.written.stdout);
  const count = (what: string, labels: Record<string, string> = {}) =>
    page.sum(`openclaw_session_activity_${what}`, labels);
  return {
    evictions: evictions.map(([, at, reason, confidence, tools, modelCalls]) => ({
      at: Number(at),
      reason,
      confidence,
      markers: Number(tools) + Number(modelCalls),
    })),
    page,
    count,
  };
}

const orphaned = (at: number, confidence = "confirmed") => ({
  at,
  reason: "orphaned_no_owner",
  confidence,
  markers: 1,
});

describe("captured cases", () => {
  test("a process that starts beside one in a long tool takes nothing of it away", async () => {
    const { evictions, count } = await replayed("sibling-process");
    expect(evictions).toEqual([]);
    expect(count("reconciled_total")).toBe(0);
    expect(count("ended_total", { kind: "run" })).toBe(2);
    expect(count("ended_total", { kind: "tool" })).toBe(1);
  });

  test("a tool call of a response that was thrown away and asked for again is no orphan", async () => {
    const { evictions, count } = await replayed("model-retry-discards-call");
    expect(evictions).toEqual([]);
    expect(count("ended_total", { kind: "tool" })).toBe(2);
  });

  test("a requested tool that did not come, and comes an hour later, is one tool, and its eviction is reconciled", async () => {
    const { evictions, count } = await replayed("requested-tool-comes-late");
    expect(evictions).toEqual([orphaned(97, "presumed")]);
    expect(count("started_total", { kind: "tool" })).toBe(4);
    expect(count("ended_total", { kind: "tool" })).toBe(3);
    expect(count("reconciled_total", { kind: "tool" })).toBe(1);
    expect(count("reconciled_total")).toBe(1);
  });

  test("of tools whose spans did not come only one of which no model had the result is an orphan", async () => {
    const { evictions, count } = await replayed("openinference-answers");
    expect(evictions).toEqual([orphaned(190, "presumed")]);
    expect(count("reconciled_total")).toBe(0);
  });

  for (const [name, evicted] of [
    ["ai-sdk-6/approval", []],
    ["pydantic-ai/approval", []],
    ["agno/cancelled", [orphaned(10, "presumed")]],
  ] as const) {
    test(`${name}: ${evicted.length} evicted, and none of the others comes twice`, async () => {
      const { evictions, count } = await replayed(name, [], "120s", "test/testdata/senders");
      expect(evictions).toEqual(evicted);
      expect(count("started_total", { kind: "tool" })).toBe(
        count("ended_total", { kind: "tool" }) + evicted.length,
      );
      expect(count("reconciled_total")).toBe(0);
    });
  }

  for (const [name, evicted, { reconciled, kind, started }] of [
    [
      "langgraph-py/background-pending",
      [orphaned(14.086, "presumed")],
      { reconciled: 1, kind: "tool", started: [2, 5, 4] },
    ],
    [
      "langgraph-py/background-partial",
      [orphaned(13.311, "presumed")],
      { reconciled: 1, kind: "tool", started: [2, 5, 4] },
    ],
    [
      "strands/abandoned",
      [orphaned(14.753, "presumed")],
      { reconciled: 0, kind: "model_call", started: [1, 0, 1] },
    ],
    [
      "agent-framework/background",
      [orphaned(11.621)],
      { reconciled: 1, kind: "tool", started: [1, 2, 2] },
    ],
  ] as const) {
    test(`${name}: one ${kind} is an orphan after its turn, though only its end says what it is`, async () => {
      const { evictions, count } = await replayed(name, [], "120s", "test/testdata/senders");
      expect(evictions).toEqual(evicted);
      const kinds = ["run", "tool", "model_call"];
      expect(kinds.map((each) => count("started_total", { kind: each }))).toEqual(started);
      expect(count("evicted_work_total", { kind })).toBe(1);
      expect(count("reconciled_total", { kind })).toBe(reconciled);
      expect(count("corrected_total")).toBe(0);
      expect(count("open")).toBe(0);
    });
  }

  test("finished tools that say how they ended were closed by nobody else, nor by a run that goes on", async () => {
    const { evictions, count } = await replayed("finished-tools-with-outcomes");
    expect(evictions).toEqual([]);
    expect(count("ended_total", { kind: "tool" })).toBe(4);
    expect(count("ended_total", { kind: "run" })).toBe(3);
  });

  test("a span without a start time has no duration", async () => {
    const { page, evictions } = await replayed("start-time-unset-duration");
    const series = "openclaw_session_activity_duration_seconds";
    expect(page.sum(`${series}_count`, { kind: "tool" })).toBe(0);
    expect(page.sum(`${series}_count`, { kind: "run" })).toBe(1);
    expect(page.sum(`${series}_sum`)).toBeCloseTo(1.5);
    expect(evictions).toEqual([]);
  });

  test("starts without a time are no late starts, before and after an eviction", async () => {
    const { evictions, count } = await replayed("start-time-unset-fence");
    expect(evictions).toEqual([orphaned(10.5), orphaned(70.5)]);
    expect(count("late_starts_total")).toBe(0);
  });

  test("a tool whose run is in another process of its trace goes a lateness after that run, presumed", async () => {
    const { evictions } = await replayed("tool-in-other-process");
    expect(evictions).toEqual([orphaned(15, "presumed")]);
  });
});

describe("histories, with a lateness of 2 s", () => {
  const settings = ["allowed_lateness: 2s", "restart_grace: 1s"];

  test("h3-1: a marker of turn 1 goes a lateness after it though turn 2 is open, which its model call blocks", async () => {
    const { evictions, count } = await replayed("histories/h3-1", settings, "400s");
    expect(evictions).toEqual([orphaned(7)]);
    expect(count("sessions", { state: "stalled", blocked_by: "model_call" })).toBe(1);
    expect(count("sessions")).toBe(1);
  });

  test("h2-1: of three levels out of order only the marker of the run that ended goes", async () => {
    const { evictions, count } = await replayed("histories/h2-1", settings, "20s");
    expect(evictions).toEqual([orphaned(3)]);
    expect(count("open", { kind: "tool" })).toBe(2);
    expect(count("open", { kind: "run" })).toBe(2);
  });

  test("h4-1: what starts below an open run is tracked, however late it arrives", async () => {
    const { evictions, count } = await replayed("histories/h4-1", settings, "1s");
    expect(evictions).toEqual([orphaned(7)]);
    expect(count("open", { kind: "tool" })).toBe(2);
    expect(count("late_starts_total")).toBe(0);
  });

  test("h10-2: a tool that says that it ended has ended, late", async () => {
    const { evictions, count } = await replayed("histories/h10-2", settings, "30s");
    expect(evictions).toEqual([]);
    expect(count("ended_total", { kind: "tool" })).toBe(1);
  });
});

describe("events of OpenClaw, as its relay sends them", () => {
  const evictionsOf = (collector: VirtualCollector) =>
    collector.events("session.activity.evicted").map(({ atSeconds, attributes }) => ({
      at: atSeconds,
      reason: attributes["openclaw.reason"],
      confidence: attributes["openclaw.confidence"],
      markers:
        Number(attributes["openclaw.evictedTools"]) +
        Number(attributes["openclaw.evictedModelCalls"]),
      tool: attributes["gen_ai.tool.name"],
    }));

  /** Plays a recording; gives the collector and the states of sessions at every second, one after another. */
  async function relayed(name: string, config: object, untilMs: number) {
    const recording = readFileSync(pathOf(`${folder}/${name}.jsonl`), "utf8");
    const collector = await startVirtualCollector(config, startOf(recording));
    const states: string[] = [];
    await relayTo(collector, recording, untilMs, async () => {
      const page = await collector.page();
      const now = ["active", "long_running", "stalled", "blocked_tool_call", "paused"].flatMap(
        (state) =>
          ["tool", "model_call", "run", "none"]
            .filter(
              (by) => page.sum("openclaw_session_activity_sessions", { state, blocked_by: by }) > 0,
            )
            .map((by) => `${state} by ${by}`),
      );
      const state = now.join(", ");
      if (state !== states.at(-1)) {
        states.push(state);
      }
    });
    return { collector, states };
  }

  test("a marker of turn 1 is evicted though turn 2 is open, and never blocks that", async () => {
    const { collector, states } = await relayed(
      "events-stale-next-turn",
      { allowed_lateness: "10s", stalled_after: "30s" },
      150_000,
    );
    expect(evictionsOf(collector)).toEqual([{ ...orphaned(25.557), tool: "never_tool" }]);
    // Each turn is a session's only run; turn 2 is silent from 17.314 s on.
    expect(states).toEqual(["active by none", "", "active by none", "stalled by model_call", ""]);
    expect(
      collector
        .events("session.stalled")
        .map(({ atSeconds, attributes }) => [
          atSeconds,
          attributes["openclaw.verdict"],
          attributes["openclaw.blockedBy"],
        ]),
    ).toEqual([[47.314, "silent_model_call", "model_call"]]);
  });

  test("turns that follow each other within the lateness keep no marker of the first", async () => {
    const { collector } = await relayed(
      "events-stale-three-turns",
      { allowed_lateness: "5s" },
      150_000,
    );
    expect(evictionsOf(collector)).toEqual([{ ...orphaned(9.02), tool: "bash" }]);
  });

  test("a tool that hangs beside siblings that end is reported by itself, once, and changes no state", async () => {
    const { collector, states } = await relayed(
      "events-sibling-hides-hung-tool",
      { stalled_after: "30s" },
      150_000,
    );
    expect(
      collector
        .events("session.diagnosed")
        .map(({ atSeconds, attributes }) => [
          atSeconds,
          attributes["openclaw.claim"],
          attributes["openclaw.verdict"],
          attributes["gen_ai.tool.name"],
        ]),
    ).toEqual([[31, "none", "silent_tool", "bash"]]);
    expect(collector.events("session.stalled")).toEqual([]);
    expect(states).toEqual(["active by none", ""]);
    expect(evictionsOf(collector)).toEqual([{ ...orphaned(102.02), tool: "bash" }]);
  });

  test("a reset of the session comes too late for a marker whose run had ended before: that cause was first", async () => {
    const { collector } = await relayed(
      "events-reset-after-recovery",
      { allowed_lateness: "5s" },
      150_000,
    );
    expect(evictionsOf(collector)).toEqual([{ ...orphaned(8.02), tool: "bash" }]);
  });
});
