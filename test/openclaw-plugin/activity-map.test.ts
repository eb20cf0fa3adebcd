import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { textOf } from "../support/repository.ts";
import { EventScript } from "./event-script.ts";
import { createMap, drawn, recordsOf } from "./golden.ts";

const expectedFolder = new URL("expected/", import.meta.url);

describe("recordings of real gateways", () => {
  test.each(readdirSync(expectedFolder))("%s is what one would draw by hand", (name) => {
    const expected = readFileSync(new URL(name, expectedFolder), "utf8");
    const recording = recordingOf(name);
    const first = /"ts":(\d+)/.exec(recording)?.[1];

    expect(drawn(recordsOf(recording), Number(first))).toBe(expected);
  });
});

function recordingOf(expected: string): string {
  const file = expected.replace(".txt", ".jsonl");
  return file.startsWith("events-")
    ? textOf(`test/testdata/openclaw/${file}`)
    : textOf(`test/openclaw-plugin/recordings/${file}`);
}

describe("which span is which", () => {
  test("tools and model calls run below their run, and that below its harness run", () => {
    const script = new EventScript()
      .event("harness.run.started", "a", { harnessId: "openclaw" })
      .event("run.started", "a")
      .event("model.call.started", "a", { callId: "a:model:1", provider: "p", model: "m" })
      .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "exec" });

    expect(script.drawn()).toBe(
      [
        "1\tstart\tH1 root in T1 of S1 1.. seq=1 name=openclaw",
        "2\tstart\tR1 below H1 in T1 of S1 2.. seq=2",
        "3\tstart\tm1 below R1 in T1 of S1 3.. seq=3 provider=p model=m",
        "4\tstart\tt1 below R1 in T1 of S1 4.. seq=4 name=exec",
        "",
      ].join("\n"),
    );
  });

  test("tools reported under the span id of their run are spans of their own", () => {
    // As Codex, Claude CLI and ACP do.
    const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16), parentSpanId: "c".repeat(16) };
    const script = new EventScript()
      .event("harness.run.started", "a", { harnessId: "codex" })
      .event("run.started", "a", { trace })
      .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "bash", trace })
      .event("tool.execution.started", "a", { toolCallId: "c2", toolName: "bash", trace })
      .event("tool.execution.completed", "a", { toolCallId: "c1", toolName: "bash", trace })
      .event("run.completed", "a", { outcome: "completed", trace })
      .event("tool.execution.error", "a", {
        toolCallId: "c2",
        toolName: "bash",
        errorCategory: "codex_native_tool_outcome_unknown",
        trace,
      });

    expect(script.drawn()).toBe(
      [
        "1\tstart\tH1 root in T1 of S1 1.. seq=1 name=codex",
        "2\tstart\tR1 below H1 in T1 of S1 2.. seq=2",
        "3\tstart\tt1 below R1 in T1 of S1 3.. seq=3 name=bash",
        "4\tstart\tt2 below R1 in T1 of S1 4.. seq=4 name=bash",
        "5\tend\tt1 below R1 in T1 of S1 3..5 seq=5 name=bash outcome=completed",
        "6\tend\tR1 below H1 in T1 of S1 2..6 seq=6 outcome=completed",
        "7\tend\tt2 below R1 in T1 of S1 4..7 seq=7 name=bash outcome=error errorCategory=codex_native_tool_outcome_unknown ERROR",
        "",
      ].join("\n"),
    );
  });

  test("a harness run that makes itself known after its run takes it below", () => {
    const script = new EventScript()
      .event("run.started", "a")
      .event("harness.run.started", "a")
      .event("run.completed", "a")
      .event("harness.run.completed", "a");

    expect(script.drawn()).toBe(
      [
        "1\tstart\tR1 root in T1 of S1 1.. seq=1",
        "2\tstart\tH1 root in T1 of S1 2.. seq=2",
        "2\tstart\tR1 below H1 in T1 of S1 1.. seq=1",
        "3\tend\tR1 below H1 in T1 of S1 1..3 seq=3 outcome=completed",
        "4\tend\tH1 root in T1 of S1 2..4 seq=4 outcome=completed",
        "",
      ].join("\n"),
    );
  });

  test("a run without a harness run is a root", () => {
    const script = new EventScript()
      .event("run.started", "a")
      .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "exec" });

    expect(script.drawn()).toBe(
      [
        "1\tstart\tR1 root in T1 of S1 1.. seq=1",
        "2\tstart\tt1 below R1 in T1 of S1 2.. seq=2 name=exec",
        "",
      ].join("\n"),
    );
  });

  test("a run id used again, with the same tool-call id, is a trace of its own", () => {
    const script = new EventScript()
      .event("harness.run.started", "a")
      .event("run.started", "a")
      .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "exec" })
      .event("run.completed", "a", { outcome: "error" })
      .event("harness.run.completed", "a", { outcome: "timed_out" })
      .event("harness.run.started", "a")
      .event("run.started", "a")
      .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "exec" })
      .event("tool.execution.completed", "a", { toolCallId: "c1", toolName: "exec" })
      .event("run.completed", "a")
      .event("harness.run.completed", "a");

    expect(script.drawn()).toBe(
      [
        "1\tstart\tH1 root in T1 of S1 1.. seq=1",
        "2\tstart\tR1 below H1 in T1 of S1 2.. seq=2",
        "3\tstart\tt1 below R1 in T1 of S1 3.. seq=3 name=exec",
        "4\tend\tR1 below H1 in T1 of S1 2..4 seq=4 outcome=error ERROR",
        "5\tend\tH1 root in T1 of S1 1..5 seq=5 outcome=timed_out ERROR",
        "6\tstart\tH2 root in T2 of S1 6.. seq=6",
        "7\tstart\tR2 below H2 in T2 of S1 7.. seq=7",
        "8\tstart\tt2 below R2 in T2 of S1 8.. seq=8 name=exec",
        "9\tend\tt2 below R2 in T2 of S1 8..9 seq=9 name=exec outcome=completed",
        "10\tend\tR2 below H2 in T2 of S1 7..10 seq=10 outcome=completed",
        "11\tend\tH2 root in T2 of S1 6..11 seq=11 outcome=completed",
        "",
      ].join("\n"),
    );
  });

  test("a second attempt inside one harness run is a second run of it", () => {
    const script = new EventScript()
      .event("harness.run.started", "a")
      .event("run.started", "a")
      .event("run.completed", "a", { outcome: "error" })
      .event("run.started", "a")
      .event("run.completed", "a");

    expect(script.drawn()).toBe(
      [
        "1\tstart\tH1 root in T1 of S1 1.. seq=1",
        "2\tstart\tR1 below H1 in T1 of S1 2.. seq=2",
        "3\tend\tR1 below H1 in T1 of S1 2..3 seq=3 outcome=error ERROR",
        "4\tstart\tR2 below H1 in T1 of S1 4.. seq=4",
        "5\tend\tR2 below H1 in T1 of S1 4..5 seq=5 outcome=completed",
        "",
      ].join("\n"),
    );
  });

  test("a call id a model uses again while its first use hangs is distinguished by OpenClaw's span ids", () => {
    const span = (spanId: string) => ({ trace: { spanId } });
    const script = new EventScript()
      .event("run.started", "a")
      .event("tool.execution.started", "a", {
        toolCallId: "call_0",
        toolName: "exec",
        ...span("1"),
      })
      .event("tool.execution.started", "a", {
        toolCallId: "call_0",
        toolName: "exec",
        ...span("2"),
      })
      .event("tool.execution.completed", "a", {
        toolCallId: "call_0",
        toolName: "exec",
        ...span("1"),
      });

    expect(script.drawn()).toBe(
      [
        "1\tstart\tR1 root in T1 of S1 1.. seq=1",
        "2\tstart\tt1 below R1 in T1 of S1 2.. seq=2 name=exec",
        "3\tstart\tt2 below R1 in T1 of S1 3.. seq=3 name=exec",
        "4\tend\tt1 below R1 in T1 of S1 2..4 seq=4 name=exec outcome=completed",
        "",
      ].join("\n"),
    );
  });

  test("a tool inside a tool runs below that, not beside it", () => {
    const script = new EventScript()
      .event("run.started", "a")
      .event("tool.execution.started", "a", { toolCallId: "call 1|x", toolName: "tool_call" })
      .event("tool.execution.started", "a", {
        toolCallId: "tool_search_code:call_1_x:read:1",
        toolName: "read",
      })
      .event("tool.execution.completed", "a", {
        toolCallId: "tool_search_code:call_1_x:read:1",
        toolName: "read",
      })
      .event("tool.execution.completed", "a", { toolCallId: "call 1|x", toolName: "tool_call" });

    expect(script.drawn()).toBe(
      [
        "1\tstart\tR1 root in T1 of S1 1.. seq=1",
        "2\tstart\tt1 below R1 in T1 of S1 2.. seq=2 name=tool_call",
        "3\tstart\tt2 below t1 in T1 of S1 3.. seq=3 name=read",
        "4\tend\tt2 below t1 in T1 of S1 3..4 seq=4 name=read outcome=completed",
        "5\tend\tt1 below R1 in T1 of S1 2..5 seq=5 name=tool_call outcome=completed",
        "",
      ].join("\n"),
    );
  });

  test("tools without a call id are distinguished by their order", () => {
    const script = new EventScript()
      .event("run.started", "a")
      .event("tool.execution.started", "a", { toolName: "exec" })
      .event("tool.execution.started", "a", { toolName: "exec" })
      .event("tool.execution.completed", "a", { toolName: "exec" })
      .event("tool.execution.completed", "a", { toolName: "exec" });

    expect(new Set(spanIdsOf(script, "start")).size).toBe(3);
    expect(new Set(spanIdsOf(script, "end"))).toEqual(new Set(spanIdsOf(script, "start").slice(1)));
  });

  test("a tool of no run belongs to what its session is doing", () => {
    const script = new EventScript()
      .event("run.started", "a")
      .event("tool.execution.started", undefined, {
        sessionKey: "agent:main:a",
        toolCallId: "c1",
        toolName: "exec",
      });

    expect(script.drawn()).toContain("start\tt1 below R1 in T1 of S1 2..");
  });

  test("a tool that starts after its run ended still belongs to it", () => {
    const script = new EventScript()
      .event("run.started", "a")
      .event("run.completed", "a")
      .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "exec" });

    expect(script.drawn()).toContain("3\tstart\tt1 below R1 in T1");
  });
});

describe("sub-agents", () => {
  const child = "agent:main:subagent:kid";
  const spawning = () =>
    new EventScript()
      .event("harness.run.started", "a", { trace: { spanId: "ha" } })
      .event("run.started", "a")
      .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "tool_call" })
      .event("tool.execution.started", "a", {
        toolCallId: "tool_search_code:c1:sessions_spawn:1",
        toolName: "sessions_spawn",
      });
  const finished = (script: EventScript) =>
    script
      .event("tool.execution.completed", "a", {
        toolCallId: "tool_search_code:c1:sessions_spawn:1",
        toolName: "sessions_spawn",
      })
      .event("tool.execution.completed", "a", { toolCallId: "c1", toolName: "tool_call" })
      .event("run.completed", "a")
      .event("harness.run.completed", "a");

  test.each([
    ["with the run id that was announced", { runId: "kid-run", childSessionKey: child }, "kid-run"],
    ["with a run id of its own", { childSessionKey: child }, "another-run"],
  ])("a sub-agent runs below the tool that started it: %s", (_, spawned, runId) => {
    const script = finished(
      spawning().hook("subagent_spawned", spawned, { requesterSessionKey: "agent:main:a" }),
    ).event("harness.run.started", runId, { sessionKey: child });

    expect(script.drawn()).toContain("10\tstart\tH2 below t2 in T1 of S2 9..");
  });

  test("where no hook tells, OpenClaw's trace does", () => {
    const script = finished(spawning()).event("harness.run.started", "kid-run", {
      sessionKey: child,
      trace: { spanId: "hk", parentSpanId: "ha" },
    });

    expect(script.drawn()).toContain("9\tstart\tH2 below t2 in T1 of S2 9..");
  });

  test("the run that announces its result belongs to the session that asked, in the same trace", () => {
    const announce = `announce:v1:${child}:kid-run`;
    const script = finished(
      spawning().hook(
        "subagent_spawned",
        { runId: "kid-run", childSessionKey: child },
        { requesterSessionKey: "agent:main:a" },
      ),
    )
      .event("harness.run.started", "kid-run", { sessionKey: child })
      .event("harness.run.completed", "kid-run", { sessionKey: child })
      .event("harness.run.started", announce, { sessionKey: "agent:main:a" })
      .event("run.started", announce, { sessionKey: "agent:main:a" });

    expect(script.drawn()).toContain("12\tstart\tH3 below t2 in T1 of S1 11..");
    expect(script.drawn()).toContain("13\tstart\tR2 below H3 in T1 of S1 12..");
  });

  test("the next turn of a session that a sub-agent was started from is a trace of its own", () => {
    const script = finished(
      spawning().hook(
        "subagent_spawned",
        { runId: "kid-run", childSessionKey: child },
        { requesterSessionKey: "agent:main:a" },
      ),
    ).event("harness.run.started", "b", { sessionKey: "agent:main:a" });

    expect(script.drawn()).toContain("10\tstart\tH2 root in T2 of S1 9..");
  });

  test("sub-agents that start sub-agents without end do not make a trace without end", () => {
    const script = new EventScript();
    for (let depth = 0; depth < 100; depth += 1) {
      script
        .event("run.started", `r${depth}`)
        .event("tool.execution.started", `r${depth}`, {
          toolCallId: "c",
          toolName: "sessions_spawn",
        })
        .hook(
          "subagent_spawned",
          { runId: `r${depth + 1}` },
          { requesterSessionKey: `agent:main:r${depth}` },
        );
    }

    const traces = script.records().map((record) => record.signal === "span" && record.traceId);
    expect(new Set(traces).size).toBe(4);
  });
});

describe("what is sent once", () => {
  test.each([
    ["a start that is reported twice", "tool.execution.started", { toolCallId: "c1" }, 1],
    ["a tool's second end", "tool.execution.completed", { toolCallId: "c1" }, 1],
  ])("%s", (_, type, fields, count) => {
    const script = new EventScript().event("run.started", "a");
    if (type !== "tool.execution.started") {
      script.event("tool.execution.started", "a", { toolName: "exec", ...fields });
    }
    script
      .event(type, "a", { toolName: "exec", ...fields })
      .event(type, "a", { toolName: "exec", ...fields });
    const phase = type.endsWith("started") ? "start" : "end";
    const tools = script
      .records()
      .filter(
        (record) => record.signal === "span" && record.kind === "tool" && record.phase === phase,
      );

    expect(tools).toHaveLength(count);
  });

  test("a run's second end says nothing new", () => {
    const script = new EventScript()
      .event("run.started", "a")
      .event("run.completed", "a")
      .event("run.completed", "a");

    expect(spanIdsOf(script, "end")).toHaveLength(1);
  });
});

describe("ends without a start", () => {
  test("a blocked tool is a span of no length", () => {
    const script = new EventScript()
      .event("run.started", "a")
      .event("tool.execution.blocked", "a", { toolCallId: "c1", toolName: "exec" });

    expect(script.drawn()).toContain(
      "2\tend\tt1 below R1 in T1 of S1 2..2 seq=2 name=exec outcome=blocked\n",
    );
    expect(script.map.openCount).toBe(1);
  });

  test("what began before the relay did is sent complete", () => {
    const script = new EventScript()
      .event("tool.execution.completed", "a", {
        toolCallId: "c1",
        toolName: "exec",
        ts: 10_000,
        durationMs: 4_000,
      })
      .event("run.completed", "a", { ts: 10_001, durationMs: 5_000 })
      .event("harness.run.completed", "a", { ts: 10_002, durationMs: 5_001 });

    expect(script.drawn()).toContain("end\tt1 root in T1 of S1 6000..10000");
    expect(script.drawn()).toContain("end\tR1 root in T2 of S1 5001..10001");
    expect(script.drawn()).toContain("end\tH1 root in T2 of S1 5001..10002");
  });

  test("a clock that was set back gives a span of no length", () => {
    const script = new EventScript()
      .event("run.started", "a", { ts: 5_000 })
      .event("run.completed", "a", { ts: 4_000 });

    expect(script.drawn()).toContain("R1 root in T1 of S1 5000..5000");
  });
});

describe("sessions", () => {
  test("an event that knows only the session id, or only the run, is of the same session", () => {
    const script = new EventScript()
      .event("run.started", "a", { sessionId: "id-a" })
      .event("tool.execution.started", undefined, { sessionId: "id-a", toolCallId: "c1" })
      .event("tool.execution.started", "a", { sessionKey: undefined, toolCallId: "c2" });

    expect(new Set(script.records().map((record) => record.session)).size).toBe(1);
  });

  test.each(["new", "reset", "idle", "daily", "deleted"])("a session ends: %s", (reason) => {
    const script = new EventScript()
      .event("run.started", "a")
      .hook("session_end", { sessionKey: "agent:main:a", sessionId: "x", reason });

    expect(script.drawn()).toContain("2\tsession.end\tS1 seq=1\n");
  });

  test.each(["compaction", "shutdown", "restart", "unknown", undefined])(
    "a session goes on: %s",
    (reason) => {
      const script = new EventScript().hook("session_end", { sessionKey: "agent:main:a", reason });

      expect(script.records()).toEqual([]);
    },
  );

  test("a session begins", () => {
    const script = new EventScript().hook("session_start", { sessionKey: "agent:main:a" });

    expect(script.drawn()).toBe("1\tsession.start\tS1 seq=0\n");
  });
});

describe("what is never sent", () => {
  test.each([
    [
      "an event the dispatcher does not vouch for",
      { type: "run.started", ts: 1 },
      { trusted: false },
    ],
    ["an event of another kind", { type: "log.record", ts: 1 }, { trusted: true }],
    ["an event without a time", { type: "run.started" }, { trusted: true }],
    ["no event", undefined, { trusted: true }],
    ["no metadata", { type: "run.started", ts: 1 }, undefined],
  ])("%s", (_, event, metadata) => {
    expect(recordsOf(JSON.stringify({ event, metadata }))).toEqual([[]]);
  });

  test.each([
    ["agent:main:telegram:12345"],
    ["x:agent:main"],
    ["0b5e9a5e-1c1f-4b7a-9a51-0c9a6f6c8a11"],
    ["0123456789abcdef01234567"],
    ["two words"],
    ["x".repeat(121)],
  ])("a name that looks like an id: %s", (toolName) => {
    const script = new EventScript().event("tool.execution.started", "a", {
      toolCallId: "c1",
      toolName,
      channel: toolName,
    });

    expect(JSON.stringify(script.records())).not.toContain(toolName);
  });
});

describe("bounds", () => {
  test("the oldest open work is given up first, and counted", () => {
    const script = new EventScript(createMap({ maxOpen: 2 }))
      .event("tool.execution.started", "a", { toolCallId: "c1" })
      .event("tool.execution.started", "a", { toolCallId: "c2" })
      .event("tool.execution.started", "a", { toolCallId: "c3" });

    expect(script.map.openCount).toBe(2);
    expect(script.map.givenUp).toBe(1);
    expect(script.map.resend(0, () => undefined)).toMatchObject(
      spanIdsOf(script, "start")
        .slice(1)
        .map((spanId) => ({ spanId })),
    );
  });

  test("what is given up waits for nobody any longer", () => {
    const script = new EventScript(createMap({ maxOpen: 1 }))
      .event("tool.execution.started", "a", { toolCallId: "c1" })
      .agent("lifecycle", "a", { phase: "waiting-approval", approvalId: "x", toolCallId: "c1" })
      .event("tool.execution.started", "a", { toolCallId: "c2" });

    expect(script.records().map((record) => ("event" in record ? record.event : "span"))).toEqual([
      "span",
      "gen_ai.agent.paused",
      "gen_ai.agent.resumed",
      "span",
    ]);
  });

  test("an end whose run was forgotten has the ids its start had", () => {
    const script = new EventScript(createMap({ maxRuns: 1 }))
      .event("tool.execution.started", "a", { toolCallId: "c1" })
      .event("run.started", "b")
      .event("tool.execution.completed", "a", { toolCallId: "c1" });

    expect(spanIdsOf(script, "end")).toEqual(spanIdsOf(script, "start").slice(0, 1));
  });
});

describe("telling again", () => {
  test("open work is sent with everything above it, ended or not, and nothing else", () => {
    const script = new EventScript()
      .event("harness.run.started", "a")
      .event("run.started", "a")
      .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "exec" })
      .event("tool.execution.started", "a", { toolCallId: "c2", toolName: "read" })
      .event("tool.execution.completed", "a", { toolCallId: "c2", toolName: "read" })
      .event("run.completed", "a")
      .event("harness.run.completed", "a");

    expect(drawn([script.map.resend(0, () => undefined)], 0)).toBe(
      [
        "1\tend\tH1 root in T1 of S1 1..7 seq=7 outcome=completed",
        "1\tend\tR1 below H1 in T1 of S1 2..6 seq=6 outcome=completed",
        "1\tstart\tt1 below R1 in T1 of S1 3.. seq=3 name=exec",
        "",
      ].join("\n"),
    );
  });

  test.each([
    ["that does not know yet how its run ended", undefined, 2],
    ["that has known for less than 15 s that its run ended", 85_001, 2],
    ["that has known for longer: it has judged the orphan", 85_000, 0],
  ])("work is sent again to a collector %s", (_, deliveredMs, count) => {
    const script = new EventScript()
      .event("run.started", "a")
      .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "exec" })
      .event("run.completed", "a");

    expect(script.map.resend(100_000, () => deliveredMs)).toHaveLength(count);
  });
});

function spanIdsOf(script: EventScript, phase: "start" | "end"): readonly string[] {
  return script
    .records()
    .flatMap((record) =>
      record.signal === "span" && record.phase === phase ? [record.spanId] : [],
    );
}
