import { describe, expect, test } from "vitest";
import { signalFlags } from "../../../src/activity/model/signal-batch.ts";
import { classify } from "./classified-spans.ts";

describe("the attributes of work", () => {
  for (const [name, attributes, want] of [
    ["execute_tool search", { "gen_ai.operation.name": "execute_tool" }, "search"],
    ["execute_tool search", { "openinference.span.kind": "TOOL" }, "search"],
    ["execute_tool search", { "langfuse.observation.type": "tool" }, "search"],
    [
      "execute_tool search",
      { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "" },
      "search",
    ],
    [
      "execute_tool search",
      { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "a b" },
      undefined,
    ],
    ["execute_tool a b", { "gen_ai.operation.name": "execute_tool" }, undefined],
    ["execute_tool ", { "gen_ai.operation.name": "execute_tool" }, undefined],
    ["execute_tool", { "gen_ai.operation.name": "execute_tool" }, undefined],
    ["execute_tool agent:main:a", { "gen_ai.operation.name": "execute_tool" }, undefined],
    ["running tool", { "gen_ai.operation.name": "execute_tool" }, undefined],
    ["ai.toolCall", { "ai.operationId": "ai.toolCall" }, undefined],
    ["get_weather", { "genkit:metadata:subtype": "tool" }, "get_weather"],
    ["haystack.agent.step.tool", { "haystack.tool.name": "get_weather" }, "get_weather"],
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

  for (const [scope, name, want] of [
    ["openinference.instrumentation.openai_agents", "get_weather", "get_weather"],
    ["openinference.instrumentation.openai_agents", "handoff to b", undefined],
    ["openinference.instrumentation.openai_agents", "tool", undefined],
    ["openinference.instrumentation.langchain", "get_weather", "get_weather"],
    ["openinference.instrumentation.langchain", "StructuredTool", undefined],
    ["openinference.instrumentation.dspy", "get_weather.__call__", "get_weather"],
    ["openinference.instrumentation.dspy", "get_weather.acall", "get_weather"],
    ["openinference.instrumentation.dspy", "get_weather", undefined],
    ["openinference.instrumentation.dspy", ".__call__", undefined],
    ["openinference.instrumentation.dspy", "Tool.__call__", undefined],
    ["openinference.instrumentation.llama_index", "FunctionTool.acall", undefined],
    ["openinference.instrumentation.smolagents", "SimpleTool", undefined],
    ["a scope of its own", "get_weather", undefined],
  ] as const) {
    test(`the tool of "${name}" of ${scope} is ${want}`, () => {
      const attributes = { "openinference.span.kind": "TOOL" };
      expect(classify(name, attributes, { scope }).tool).toBe(want);
      expect(classify(name, { ...attributes, "tool.name": "own" }, { scope }).tool).toBe("own");
      expect(classify(name, { "openinference.span.kind": "CHAIN" }, { scope }).tool).toBe(
        undefined,
      );
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

  test("an integer names the same session as the text of its digits, also where the user lists the attribute", () => {
    for (const key of ["session.id", "gen_ai.conversation.id", "my.session"]) {
      const rest = { sessionReferences: ["my.session"] };
      const sessionOf = (value: string | number) =>
        classify("openclaw.run", { [key]: value }, rest).session;
      expect(sessionOf(42)).toBe(sessionOf("42"));
      expect(sessionOf(42)).not.toBe(sessionOf("43"));
      expect(sessionOf(-7)).toBe(sessionOf("-7"));
      expect(sessionOf(2 ** 53 - 1)).toBe(sessionOf("9007199254740991"));
    }
  });

  test("a placeholder, a truth value, a fraction and a list name no session", () => {
    for (const value of ["", " ", "None", "null", " Undefined\n", "NaN", "unknown", true, 1.5]) {
      expect(classify("openclaw.run", { "session.id": value }).references).toBe(0);
    }
    expect(classify("openclaw.run", { "session.id": ["a"] }).references).toBe(0);
    expect(classify("openclaw.run", { "openclaw.sessionKey": "agent:main:main" }).references).toBe(
      1,
    );
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
