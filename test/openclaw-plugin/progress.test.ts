import { expect, test } from "vitest";
import { parseAgentEvent } from "../../openclaw-plugin/src/agent-event.ts";
import { parseDiagnosticEvent } from "../../openclaw-plugin/src/gateway-event.ts";
import { EventScript } from "./event-script.ts";

const lines = (script: EventScript, kind: string) =>
  script
    .drawn()
    .split("\n")
    .filter((line) => line.includes(`\t${kind}\t`));

/** A run with an open tool and an open model call. */
const aTurn = () =>
  new EventScript()
    .event("harness.run.started", "a")
    .event("run.started", "a")
    .event("model.call.started", "a", { callId: "a:model:1" })
    .event("tool.execution.started", "a", { toolCallId: "c1", toolName: "exec" });

test("progress of a run repeats its start, with the place of the progress in the order of events", () => {
  const script = aTurn().event("run.progress", "a", { reason: "model_call:stream_progress" });

  expect(lines(script, "progress")).toEqual(["5\tprogress\tR1 below H1 in T1 of S1 2.. seq=5"]);
});

test("progress of a run is sent every ten seconds at most, and every run has its own ten seconds", () => {
  const script = aTurn().event("run.started", "b");
  for (let ts = 20_000; ts <= 60_000; ts += 1_000) {
    script.event("run.progress", "a", { ts }).event("run.progress", "b", { ts });
  }

  expect(lines(script, "progress")).toHaveLength(10);
  expect(lines(script, "progress").filter((line) => line.includes("R1"))).toHaveLength(5);
});

test("a clock that is set back does not hold progress up", () => {
  const progress = (ts: number, receivedMs: number) =>
    parseDiagnosticEvent(
      { type: "run.progress", runId: "a", sessionKey: "s", seq: 9, ts },
      { trusted: true },
      receivedMs,
    )!;
  const { map } = aTurn();
  const sent = [
    [1_000_000, 0],
    [1_005_000, 5_000],
    [2_000, 10_000],
    [3_000, 11_000],
  ].map(([ts, receivedMs]) => map.apply(progress(ts!, receivedMs!)).length);

  expect(sent).toEqual([1, 0, 1, 0]);
});

test("a tool with new output makes progress, and its run does not", () => {
  const script = aTurn().agent("tool", "a", { phase: "update", toolCallId: "c1" });

  expect(lines(script, "progress")).toEqual([
    "5\tprogress\tt1 below R1 in T1 of S1 4.. seq=4 name=exec",
  ]);
});

test("progress of what has ended or was never seen is nothing", () => {
  const script = aTurn()
    .event("tool.execution.completed", "a", { toolCallId: "c1", toolName: "exec" })
    .event("run.completed", "a")
    .agent("tool", "a", { phase: "update", toolCallId: "c1" })
    .event("run.progress", "a")
    .event("run.progress", "b")
    .agent("tool", "b", { phase: "update", toolCallId: "c1" });

  expect(lines(script, "progress")).toEqual([]);
});

test("progress without a run id is that of the session's open run", () => {
  const script = aTurn().event("run.progress", undefined, { sessionKey: "agent:main:a" });

  expect(lines(script, "progress")).toHaveLength(1);
});

test.each([
  ["a piece of an answer", { stream: "assistant", runId: "a", ts: 1, data: { delta: "x" } }],
  ["the start of a tool", { stream: "tool", runId: "a", ts: 1, data: { phase: "start" } }],
  ["an update of no tool", { stream: "tool", runId: "a", ts: 1, data: { phase: "update" } }],
  ["no data", { stream: "tool", runId: "a", ts: 1 }],
  ["nothing", undefined],
])("an agent event with %s is left out", (_, event) => {
  expect(parseAgentEvent(event, 0)).toBeUndefined();
});

test("progress that a plugin without trust reports is left out", () => {
  const event = { type: "run.progress", runId: "a", sessionKey: "s", seq: 1, ts: 1 };

  expect(parseDiagnosticEvent(event, { trusted: false }, 0)).toBeUndefined();
  expect(parseDiagnosticEvent(event, { trusted: true }, 0)).toMatchObject({ type: "progress" });
});
