import { describe, expect, test } from "vitest";
import { signalFlags } from "../../../src/activity/model/signal-batch.ts";
import { classify } from "./classified-spans.ts";

describe("the attributes of work", () => {
  for (const [name, attributes, want] of [
    ["execute_tool search", { "gen_ai.operation.name": "execute_tool" }, undefined],
    ["search.tool", { "agentops.span.kind": "tool" }, "search"],
    ["search", { "langfuse.observation.type": "tool" }, "search"],
    ["search the web", { "langfuse.observation.type": "tool" }, undefined],
    ["search", { "langfuse.observation.type": "tool", "gen_ai.tool.name": "a b" }, undefined],
    ["tool", { "agentops.span.kind": "tool" }, "tool"],
    [".tool", { "agentops.span.kind": "tool" }, ".tool"],
    ["claude_code.tool", { tool_name: "Bash" }, "Bash"],
    ["search.tool", { "traceloop.span.kind": "tool", "traceloop.entity.name": "search" }, "search"],
    ["a", { "openinference.span.kind": "TOOL" }, undefined],
  ] as const) {
    test(`the tool of "${name}" with ${JSON.stringify(attributes)} is ${want}`, () => {
      expect(classify(name, attributes).tool).toBe(want);
    });
  }

  test("the best of several tool names counts, if it may be a label", () => {
    const both = { "openclaw.toolName": "b", "gen_ai.tool.name": "a" };
    const reversed = { "gen_ai.tool.name": "a", "openclaw.toolName": "b" };
    expect(classify("openclaw.tool.execution", both).tool).toBe("a");
    expect(classify("openclaw.tool.execution", reversed).tool).toBe("a");
    for (const name of ["agent:main:telegram:1", "two words", "x".repeat(121), ""]) {
      expect(
        classify("openclaw.tool.execution", { "gen_ai.tool.name": name }).tool,
      ).toBeUndefined();
    }
  });

  test("every session reference counts, but no empty one", () => {
    const references = { "session.id": "1", "openclaw.sessionKey": "2", "conversation.id": "" };
    expect(classify("openclaw.run", references).references).toBe(2);
  });

  test("a tool with an outcome was closed by its run, unless it was blocked", () => {
    const flagsOf = (outcome: string) =>
      classify("openclaw.tool.execution", { "openclaw.outcome": outcome }).flags;
    expect(flagsOf("completed") & signalFlags.closedByRun).not.toBe(0);
    expect(flagsOf("blocked") & signalFlags.closedByRun).toBe(0);
    expect(classify("openclaw.run", { "openclaw.outcome": "completed" }).flags).toBe(
      signalFlags.innerRun,
    );
  });
});

describe("items of a harness run of OpenClaw", () => {
  for (const [harness, claimed] of [
    ["openclaw", 2],
    ["pi", 2],
    ["codex", 0],
    ["unknown", 0],
  ] as const) {
    test(`open items of the harness ${harness} are ${claimed === 0 ? "not " : ""}tools`, () => {
      const attributes = { "openclaw.harness.items.active": 2, "openclaw.harness.id": harness };
      expect(classify("openclaw.harness.run", attributes).reportedOpen).toBe(claimed);
    });
  }

  for (const [tool, isTwo] of [
    ["exec", true],
    ["bash", true],
    ["apply_patch", true],
    ["read", false],
    ["executor", false],
  ] as const) {
    test(`the tool ${tool} is ${isTwo ? "perhaps two" : "one"}`, () => {
      const { flags } = classify("openclaw.tool.execution", { "openclaw.toolName": tool });
      expect((flags & signalFlags.countsTwoItems) !== 0).toBe(isTwo);
    });
  }

  test("a tool without a name is perhaps two", () => {
    const { flags } = classify("openclaw.tool.execution");
    expect(flags & signalFlags.countsTwoItems).toBe(signalFlags.countsTwoItems);
  });
});
