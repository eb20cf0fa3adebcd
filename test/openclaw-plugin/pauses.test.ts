import { describe, expect, test } from "vitest";
import { EventScript } from "./event-script.ts";

const pausesIn = (script: EventScript) =>
  script
    .drawn()
    .split("\n")
    .filter((line) => line.includes("gen_ai.agent."))
    .map((line) => line.split("\t").slice(1).join(" "));

const aTurn = () =>
  new EventScript()
    .event("harness.run.started", "a")
    .event("run.started", "a")
    .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "exec" });

const wait = { phase: "waiting-approval", approvalId: "ap-1", toolCallId: "c1" };
const resolved = { ...wait, phase: "approval-resolved" };

describe("an approval", () => {
  test("pauses the tool that waits until it is resolved", () => {
    const script = aTurn().agent("lifecycle", "a", wait).agent("lifecycle", "a", resolved);

    expect(pausesIn(script)).toEqual([
      "gen_ai.agent.paused S1 P1 names t1 in T1 seq=3",
      "gen_ai.agent.resumed S1 P1 names t1 in T1 seq=3",
    ]);
  });

  test("that a harness reports does the same", () => {
    const script = aTurn()
      .agent("approval", "a", {
        phase: "requested",
        kind: "exec",
        status: "pending",
        approvalId: "ap-1",
        toolCallId: "c1",
      })
      .agent("approval", "a", { phase: "resolved", kind: "exec", toolCallId: "c1" });

    expect(pausesIn(script)).toEqual([
      "gen_ai.agent.paused S1 P1 names t1 in T1 seq=3",
      "gen_ai.agent.resumed S1 P1 names t1 in T1 seq=3",
    ]);
  });

  test("is one pause however often it is asked for, and resolved once", () => {
    const script = aTurn()
      .agent("lifecycle", "a", wait)
      .agent("lifecycle", "a", wait)
      .agent("lifecycle", "a", resolved)
      .agent("lifecycle", "a", resolved);

    expect(pausesIn(script)).toHaveLength(2);
  });

  test("pauses the run where the tool is not known", () => {
    const script = new EventScript()
      .event("harness.run.started", "a")
      .event("run.started", "a")
      .agent("lifecycle", "a", wait);

    expect(pausesIn(script)).toEqual(["gen_ai.agent.paused S1 P1 names R1 in T1 seq=2"]);
  });

  test("pauses nothing where nothing is known to be open, or nobody can be asked", () => {
    const script = aTurn()
      .agent("lifecycle", "b", wait)
      .agent("approval", "a", { phase: "requested", status: "unavailable", toolCallId: "c1" })
      .event("tool.execution.completed", "a", { toolCallId: "c1", toolName: "exec" })
      .event("run.completed", "a")
      .agent("lifecycle", "a", wait);

    expect(pausesIn(script)).toEqual([]);
  });

  test("that a tool leaves for later when it ends pauses nothing for longer than that", () => {
    const pending = { phase: "requested", status: "pending", approvalId: "x", toolCallId: "c1" };
    const end = { toolCallId: "c1", toolName: "exec" };
    const afterEnd = aTurn()
      .event("tool.execution.completed", "a", end)
      .agent("approval", "a", pending);
    const beforeEnd = aTurn()
      .agent("approval", "a", pending)
      .event("tool.execution.completed", "a", end);

    expect(pausesIn(afterEnd)).toEqual([]);
    expect(pausesIn(beforeEnd)).toEqual([
      "gen_ai.agent.paused S1 P1 names t1 in T1 seq=3",
      "gen_ai.agent.resumed S1 P1 names t1 in T1 seq=5",
    ]);
  });

  test.each([
    ["its tool", "tool.execution.error", { toolCallId: "c1", toolName: "exec" }],
    ["the run of its tool", "run.completed", {}],
    ["the harness run of its tool", "harness.run.completed", {}],
  ])("ends with %s, before that is said to end", (_, type, fields) => {
    const script = aTurn().agent("lifecycle", "a", wait).event(type, "a", fields);
    const last = script.drawn().trim().split("\n").slice(-2);

    expect(last[0]).toBe("5\tgen_ai.agent.resumed\tS1 P1 names t1 in T1 seq=5");
    expect(last[1]).toContain("\tend\t");
  });

  test("of a sub-agent goes on when the run that started that has ended", () => {
    const script = new EventScript()
      .event("run.started", "a")
      .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "sessions_spawn" })
      .hook(
        "subagent_spawned",
        { runId: "b", childSessionKey: "agent:main:b" },
        { requesterSessionKey: "agent:main:a" },
      )
      .event("run.started", "b")
      .event("tool.execution.started", "b", { toolCallId: "c2", toolName: "exec" })
      .agent("lifecycle", "b", { ...wait, toolCallId: "c2" })
      .event("tool.execution.completed", "a", { toolCallId: "c1", toolName: "sessions_spawn" })
      .event("run.completed", "a");
    expect(pausesIn(script)).toHaveLength(1);

    expect(pausesIn(script.event("run.completed", "b"))).toHaveLength(2);
  });

  test("is sent again to a collector that may have lost it, for as long as it is waited for", () => {
    const script = aTurn().agent("lifecycle", "a", wait);
    const again = () =>
      script.map.resend(0, () => undefined).filter(({ signal }) => signal === "pause");
    const [paused] = again();

    expect(paused).toMatchObject({ event: "gen_ai.agent.paused" });
    script.agent("lifecycle", "a", resolved);
    expect(again()).toEqual([]);
  });
});

test("more than a thousand at once: the oldest are over, and no pause is left without an end", () => {
  const script = new EventScript().event("run.started", "a");
  for (let at = 0; at < 1_100; at += 1) {
    script.agent("lifecycle", "a", { ...wait, approvalId: `ap-${at}` });
  }
  expect(script.map.resend(0, () => undefined)).toHaveLength(1 + 1_024);
  script.event("run.completed", "a");

  const begun = pausesIn(script).filter((line) => line.includes("paused"));
  const over = pausesIn(script).filter((line) => line.includes("resumed"));
  expect(begun).toHaveLength(1_100);
  expect(new Set(over.map((line) => line.split(" ")[2])).size).toBe(1_100);
});

test("a tool that puts a question to the user waits for a person until it ends", () => {
  const question = { toolCallId: "q1", toolName: "ask_user" };
  const script = aTurn().event("tool.execution.started", "a", question);
  expect(pausesIn(script)).toEqual(["gen_ai.agent.paused S1 P1 names t2 in T1 seq=4"]);

  script.event("tool.execution.completed", "a", question);
  expect(pausesIn(script).slice(1)).toEqual(["gen_ai.agent.resumed S1 P1 names t2 in T1 seq=5"]);
});

describe("an approval that a plugin asks for before the tool starts", () => {
  const request = { runId: "a", sessionKey: "agent:main:a", toolCallId: "c2", toolName: "exec" };
  const requested = (script: EventScript) =>
    script.approval("plugin.approval.requested", { id: "plugin:1", request, createdAtMs: 3 });
  const tool = { toolCallId: "c2", toolName: "exec" };
  const paused = "gen_ai.agent.paused S1 P1 names R1 in T1 seq=3";

  test("pauses the run until it is resolved", () => {
    const script = requested(aTurn()).approval("plugin.approval.resolved", { id: "plugin:1" });

    expect(pausesIn(script)).toEqual([paused, "gen_ai.agent.resumed S1 P1 names R1 in T1 seq=3"]);
  });

  test.each([
    ["starts", "tool.execution.started"],
    ["is refused", "tool.execution.blocked"],
    ["fails", "tool.execution.error"],
  ])("is over when the tool %s, though nobody says that it is resolved", (_, type) => {
    const script = requested(aTurn()).event(type, "a", tool);

    expect(pausesIn(script)).toEqual([paused, "gen_ai.agent.resumed S1 P1 names R1 in T1 seq=5"]);
  });

  test("goes on when another tool, or the same of another run, starts", () => {
    const script = requested(aTurn())
      .event("tool.execution.started", "a", { toolCallId: "c3", toolName: "exec" })
      .event("run.started", "b")
      .event("tool.execution.started", "b", tool);

    expect(pausesIn(script)).toEqual([paused]);
  });

  test.each([
    ["of a command", "exec.approval.requested", { id: "1", request }],
    ["without an id", "plugin.approval.requested", { request }],
    ["of no run that is open", "plugin.approval.requested", { id: "1", request: { runId: "b" } }],
    ["that says nothing", "plugin.approval.requested", undefined],
  ])("and one %s is left out", (_, name, payload) => {
    expect(pausesIn(aTurn().approval(name, payload))).toEqual([]);
  });
});
