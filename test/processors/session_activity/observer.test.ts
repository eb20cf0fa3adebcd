import Long from "long";
import { describe, expect, test } from "vitest";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { KeyedHash } from "../../../src/processors/session_activity/keyed-hash.ts";
import { kindNames, toWorkKind } from "../../../src/processors/session_activity/kinds.ts";
import { LabelValues } from "../../../src/processors/session_activity/label-values.ts";
import { SenderProcesses } from "../../../src/processors/session_activity/sender-processes.ts";
import { SignalBatch, signalFlags } from "../../../src/processors/session_activity/signal-batch.ts";
import { SpanObserver } from "../../../src/processors/session_activity/span-observer.ts";

/** The kind that a finished span of this name with these text attributes is taken for. */
function observe(name: string, attributes: Readonly<Record<string, string>> = {}) {
  const tools = new LabelValues(10);
  const observer = new SpanObserver({
    processes: new SenderProcesses(),
    hash: new KeyedHash(new Uint8Array(8)),
    tools,
    channels: new LabelValues(10),
  });
  const signals = new SignalBatch();
  const span = {
    traceId: new Uint8Array(16).fill(1),
    spanId: new Uint8Array(8).fill(2),
    name,
    endTimeUnixNano: Long.fromNumber(1),
    attributes: Object.entries(attributes).map(([key, stringValue]) => ({
      key,
      value: { stringValue },
    })),
  };
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ scopeSpans: [{ spans: [span] }] }],
  }).finish();
  observer.observe(bytes, signals);
  return {
    kind: kindNames[toWorkKind(signals.kind.get(0))],
    tool: tools.valueOf(signals.name.get(0)),
    flags: signals.flags.get(0),
    references: signals.referencesTo(0) - signals.referencesFrom(0),
  };
}

describe("what a span is", () => {
  for (const [name, attributes, kind] of [
    ["openclaw.run", {}, "run"],
    ["openclaw.harness.run", {}, "run"],
    ["openclaw.tool.execution", {}, "tool"],
    ["openclaw.model.call", { "gen_ai.operation.name": "chat" }, "model_call"],
    ["openclaw.model.usage", { "gen_ai.operation.name": "chat" }, "other"],
    [
      "invoke_agent gpt",
      { "gen_ai.operation.name": "invoke_agent", "openclaw.api": "x" },
      "model_call",
    ],
    ["openclaw.run", { "gen_ai.operation.name": "execute_tool" }, "tool"],
    ["invoke_agent a", { "gen_ai.operation.name": "invoke_agent" }, "run"],
    ["step 1", { "gen_ai.operation.name": "agent_step" }, "other"],
    ["x", { "openinference.span.kind": "TOOL" }, "tool"],
    ["x", { "openinference.span.kind": "TOOL", "gen_ai.operation.name": "chat" }, "model_call"],
    ["x", { "gen_ai.operation.name": "step", "openinference.span.kind": "TOOL" }, "other"],
    ["x", { "traceloop.span.kind": "workflow" }, "run"],
    ["x", { "ai.operationId": "ai.toolCall" }, "tool"],
    ["x", { "langfuse.observation.type": "generation" }, "model_call"],
    ["x", { "langsmith.span.kind": "llm" }, "model_call"],
    ["x", { "mastra.span.type": "mcp_tool_call" }, "tool"],
    ["claude_code.tool", {}, "tool"],
    ["GET /", { "http.method": "GET" }, "other"],
  ] as const) {
    test(`${name} with ${JSON.stringify(attributes)} is ${kind}`, () => {
      expect(observe(name, attributes).kind).toBe(kind);
    });
  }
});

describe("what a span tells besides", () => {
  test("the best of several tool names counts, if it may be a label", () => {
    const both = { "openclaw.toolName": "b", "gen_ai.tool.name": "a" };
    expect(observe("openclaw.tool.execution", both).tool).toBe("a");
    for (const name of ["agent:main:telegram:1", "two words", "x".repeat(121), ""]) {
      expect(observe("openclaw.tool.execution", { "gen_ai.tool.name": name }).tool).toBeUndefined();
    }
  });

  test("every session reference is taken, an empty one is none", () => {
    const references = { "session.id": "1", "openclaw.sessionKey": "2", "conversation.id": "" };
    expect(observe("openclaw.run", references).references).toBe(2);
  });

  test("a tool that its run closed says so, one that was blocked does not", () => {
    const flagsOf = (outcome: string) =>
      observe("openclaw.tool.execution", { "openclaw.outcome": outcome }).flags;
    expect(flagsOf("completed") & signalFlags.closedByRun).not.toBe(0);
    expect(flagsOf("blocked") & signalFlags.closedByRun).toBe(0);
    expect(observe("openclaw.run", { "openclaw.outcome": "completed" }).flags).toBe(
      signalFlags.innerRun,
    );
  });
});

test("beyond the bound label values share one that says so", () => {
  const values = new LabelValues(2);
  const numbers = ["a", "b", "c", "d", "a"].map((text) =>
    values.numberOf(new TextEncoder().encode(text), 0, 1),
  );
  expect(numbers.map((number) => values.valueOf(number))).toEqual([
    "a",
    "b",
    "other",
    "other",
    "a",
  ]);
});
