import { describe, expect, test } from "vitest";
import { signalFlags } from "../../../src/activity/model/signal-batch.ts";
import { type Attributes, classify, type Rest } from "./classified-spans.ts";

describe("the class of a span", () => {
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
    ["claude_code.tool.blocked_on_user", {}, "other"],
    ["claude_code.tool.execution", { "gen_ai.operation.name": "execute_tool" }, "other"],
    ["execute_tool (merged)", { "gen_ai.operation.name": "execute_tool" }, "other"],
    ["create_agent a", { "gen_ai.operation.name": "create_agent" }, "other"],
    ["p", { "gen_ai.operation.name": "chat", "langsmith.span.kind": "prompt" }, "other"],
    ["x", { "agentops.span.kind": "session" }, "run"],
    ["openai.chat.completion", { "gen_ai.request.type": "chat" }, "model_call"],
    ["openai.chat", { "llm.request.type": "completion" }, "model_call"],
    ["x", { "mastra.span.type": "model_generation" }, "other"],
    ["exec_command", { "codex.tool.phase": "dispatch" }, "tool"],
    ["run_turn", {}, "run"],
    ["agent_call", { "gen_ai.operation.name": "agent_call" }, "run"],
    ["schedule_tool_calls", { "gen_ai.operation.name": "schedule_tool_calls" }, "other"],
    ["qwen-code.interaction", { "gen_ai.operation.name": "invoke_agent" }, "run"],
    ["qwen-code.subagent", {}, "run"],
    ["qwen-code.tool", {}, "tool"],
    ["qwen-code.llm_request", {}, "model_call"],
    ["qwen-code.tool.execution", { "gen_ai.tool.name": "a" }, "other"],
    ["qwen-code.hook", { "tool.name": "a" }, "other"],
    ["invoke_swarm", { "gen_ai.operation.name": "invoke_swarm" }, "run"],
    ["execute_event_loop_cycle", { "gen_ai.operation.name": "execute_event_loop_cycle" }, "other"],
    ["text_completions m", { "gen_ai.operation.name": "text_completions" }, "model_call"],
    ["haystack.pipeline.run", {}, "run"],
    ["haystack.agent.step.tool", {}, "tool"],
    ["haystack.component.run", {}, "other"],
    ["openclaw.agent.turn", {}, "run"],
    ["openclaw.request", {}, "other"],
    ["a", { "genkit:metadata:subtype": "tool.v2" }, "tool"],
    ["a", { "genkit:metadata:subtype": "agent" }, "run"],
    ["agent run", {}, "other"],
    ["GET /", { "http.method": "GET" }, "other"],
  ] as const) {
    test(`${name} with ${JSON.stringify(attributes)} is ${kind}`, () => {
      expect(classify(name, attributes).kind).toBe(kind);
    });
  }
});

test("OpenClaw's runs are classified by their names, also with attributes of the conventions", () => {
  const agent = { "gen_ai.operation.name": "invoke_agent" };
  const { harness, innerRun } = signalFlags;
  expect(classify("openclaw.harness.run", agent).flags & harness).toBe(harness);
  expect(classify("openclaw.run", agent).flags & innerRun).toBe(innerRun);
  expect(classify("another.run", agent).flags & (harness | innerRun)).toBe(0);
});

describe("a class that depends on the parent or the scope", () => {
  for (const [key, value] of [
    ["openinference.span.kind", "CHAIN"],
    ["langsmith.span.kind", "chain"],
    ["langfuse.observation.type", "span"],
    ["langfuse.observation.type", "chain"],
  ] as const) {
    test(`${key} ${value} is a run without a parent, and a step below one`, () => {
      expect(classify("x", { [key]: value }).kind).toBe("run");
      expect(classify("x", { [key]: value }, { isChild: true }).kind).toBe("other");
    });
  }

  for (const [scope, name, kind] of [
    ["pydantic-ai", "agent run", "run"],
    ["pydantic-ai", "running tool", "tool"],
    ["pydantic-ai", "running tools", "other"],
    ["pydantic-ai.other", "agent run", "other"],
    ["gcp.vertex.agent", "invocation", "run"],
    ["another", "invocation", "other"],
    ["logfire.openai_agents", "Function: {name}", "tool"],
  ] as const) {
    test(`"${name}" of scope ${scope} is ${kind}`, () => {
      expect(classify(name, {}, { scope }).kind).toBe(kind);
    });
  }
});

describe("a finished tool or model call of OpenClaw's own exporter", () => {
  const isOwn = (name: string, attributes: Attributes = {}, rest: Rest = {}) =>
    (classify(name, attributes, rest).flags & signalFlags.openclaw) !== 0;

  test("is recognized by its name, with an attribute of the same kind or without one", () => {
    expect(isOwn("openclaw.tool.execution")).toBe(true);
    expect(isOwn("openclaw.tool.execution", { "gen_ai.operation.name": "execute_tool" })).toBe(
      true,
    );
    expect(isOwn("openclaw.model.call", { "gen_ai.operation.name": "chat" })).toBe(true);
  });

  test("is not one of another name, of another kind, of our relay, or that is open", () => {
    expect(isOwn("openclaw.run")).toBe(false);
    expect(isOwn("execute_tool", { "gen_ai.operation.name": "execute_tool" })).toBe(false);
    expect(isOwn("openclaw.model.call", { "gen_ai.operation.name": "execute_tool" })).toBe(false);
    expect(isOwn("openclaw.tool.execution", {}, { scope: "openclaw-activity-relay" })).toBe(false);
    expect(isOwn("openclaw.tool.execution", {}, { isOpen: true })).toBe(false);
  });
});
