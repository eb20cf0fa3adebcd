import Long from "long";
import { describe, expect, test } from "vitest";
import { SignalBatch, signalFlags } from "../../../src/activity/model/signal-batch.ts";
import { kindNames, toWorkKind } from "../../../src/activity/model/work.ts";
import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { LabelValues } from "../../../src/activity/recognition/label-values.ts";
import { SenderProcesses } from "../../../src/activity/recognition/sender-processes.ts";
import type { SpanRule } from "../../../src/activity/recognition/span-rules.ts";
import { SpanSignalReader } from "../../../src/activity/recognition/span-signal-reader.ts";
import {
  attributeRules,
  nameRules,
  notWorkNames,
} from "../../../src/activity/recognition/work-spans.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";

type Value = string | number | boolean;
type Attributes = Readonly<Record<string, Value>>;

interface Rest {
  readonly scope?: string;
  readonly isChild?: boolean;
  /** The span has no end. */
  readonly isOpen?: boolean;
  /** Attributes after the others, which may repeat them. */
  readonly more?: readonly (readonly [key: string, value: Value])[];
  readonly workSpans?: readonly SpanRule[];
  readonly sessionReferences?: readonly string[];
}

function anyValueOf(value: Value): otlp.IAnyValue {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "boolean":
      return { boolValue: value };
    default:
      return { intValue: Long.fromNumber(value) };
  }
}

/** What a span of this name with these attributes is taken for. */
function observe(name: string, attributes: Attributes = {}, rest: Rest = {}) {
  const tools = new LabelValues(10);
  const observer = new SpanSignalReader({
    processes: new SenderProcesses(),
    hash: new KeyedHash(new Uint8Array(8)),
    tools,
    channels: new LabelValues(10),
    ...(rest.workSpans === undefined ? {} : { workSpans: rest.workSpans }),
    ...(rest.sessionReferences === undefined ? {} : { sessionReferences: rest.sessionReferences }),
  });
  const signals = new SignalBatch();
  const span = {
    traceId: new Uint8Array(16).fill(1),
    spanId: new Uint8Array(8).fill(2),
    ...(rest.isChild === true ? { parentSpanId: new Uint8Array(8).fill(3) } : {}),
    name,
    endTimeUnixNano: Long.fromNumber(rest.isOpen === true ? 0 : 1),
    attributes: [...Object.entries(attributes), ...(rest.more ?? [])].map(([key, value]) => ({
      key,
      value: anyValueOf(value),
    })),
  };
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ scopeSpans: [{ scope: { name: rest.scope ?? "test" }, spans: [span] }] }],
  }).finish();
  observer.read(bytes, signals);
  return {
    kind: kindNames[toWorkKind(signals.kind.get(0))],
    tool: tools.valueOf(signals.name.get(0)),
    flags: signals.flags.get(0),
    claimed: signals.reportedOpen.get(0),
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
    ["agent run", {}, "other"],
    ["GET /", { "http.method": "GET" }, "other"],
  ] as const) {
    test(`${name} with ${JSON.stringify(attributes)} is ${kind}`, () => {
      expect(observe(name, attributes).kind).toBe(kind);
    });
  }
});

test("OpenClaw's runs are what their names say, also with attributes of the conventions", () => {
  const agent = { "gen_ai.operation.name": "invoke_agent" };
  const { harness, innerRun } = signalFlags;
  expect(observe("openclaw.harness.run", agent).flags & harness).toBe(harness);
  expect(observe("openclaw.run", agent).flags & innerRun).toBe(innerRun);
  expect(observe("another.run", agent).flags & (harness | innerRun)).toBe(0);
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
      expect(observe("openclaw.harness.run", attributes).claimed).toBe(claimed);
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
      const { flags } = observe("openclaw.tool.execution", { "openclaw.toolName": tool });
      expect((flags & signalFlags.countsTwoItems) !== 0).toBe(isTwo);
    });
  }

  test("a tool without a name is perhaps two", () => {
    const { flags } = observe("openclaw.tool.execution");
    expect(flags & signalFlags.countsTwoItems).toBe(signalFlags.countsTwoItems);
  });
});

describe("what a span is where it stands", () => {
  for (const [key, value] of [
    ["openinference.span.kind", "CHAIN"],
    ["langsmith.span.kind", "chain"],
    ["langfuse.observation.type", "span"],
    ["langfuse.observation.type", "chain"],
  ] as const) {
    test(`${key} ${value} is a run without a parent, and a step below one`, () => {
      expect(observe("x", { [key]: value }).kind).toBe("run");
      expect(observe("x", { [key]: value }, { isChild: true }).kind).toBe("other");
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
      expect(observe(name, {}, { scope }).kind).toBe(kind);
    });
  }
});

describe("rules of the user", () => {
  const tool = (match: SpanRule["match"]): SpanRule => ({ kind: "tool", match });

  for (const [title, match, name, attributes, kind] of [
    ["a name", { name: "my.tool.*" }, "my.tool.search", {}, "tool"],
    ["a name that does not fit", { name: "my.tool.*" }, "my.tools", {}, "other"],
    ["a scope", { scope: "te*" }, "x", {}, "tool"],
    ["a scope that does not fit", { scope: "Te*" }, "x", {}, "other"],
    ["a text", { attributes: { a: "x*" } }, "x", { a: "xy" }, "tool"],
    ["any text", { attributes: { a: "*" } }, "x", { a: "" }, "tool"],
    ["any text where there is a number", { attributes: { a: "*" } }, "x", { a: 1 }, "other"],
    ["an attribute that is missing", { attributes: { a: "*" } }, "x", { b: "x" }, "other"],
    ["a number", { attributes: { a: 7 } }, "x", { a: 7 }, "tool"],
    ["a negative number", { attributes: { a: -7 } }, "x", { a: -7 }, "tool"],
    ["a large number", { attributes: { a: 2 ** 40 + 3 } }, "x", { a: 2 ** 40 + 3 }, "tool"],
    ["another number", { attributes: { a: 2 ** 32 + 7 } }, "x", { a: 7 }, "other"],
    ["a number as text", { attributes: { a: 7 } }, "x", { a: "7" }, "other"],
    ["true", { attributes: { a: true } }, "x", { a: true }, "tool"],
    ["false where there is true", { attributes: { a: false } }, "x", { a: true }, "other"],
    ["true where there is 1", { attributes: { a: true } }, "x", { a: 1 }, "other"],
    ["all of several", { name: "x", attributes: { a: 1, b: "y" } }, "x", { a: 1, b: "y" }, "tool"],
    ["not all of several", { name: "x", attributes: { a: 1, b: "y" } }, "x", { a: 1 }, "other"],
  ] as const) {
    test(`${title}: ${kind}`, () => {
      expect(observe(name, attributes, { workSpans: [tool(match)] }).kind).toBe(kind);
    });
  }

  test("the first that matches decides, before the built-in ones", () => {
    const workSpans: readonly SpanRule[] = [
      { kind: "none", match: { attributes: { retry: true } } },
      { kind: "model_call", match: { name: "openclaw.*" } },
      { kind: "run", match: { name: "openclaw.run" } },
    ];
    const kindOf = (name: string, attributes: Attributes = {}) =>
      observe(name, attributes, { workSpans }).kind;
    expect(kindOf("openclaw.run")).toBe("model_call");
    expect(kindOf("openclaw.run", { retry: true })).toBe("other");
    expect(kindOf("claude_code.tool")).toBe("tool");
    expect(kindOf("x", { "gen_ai.operation.name": "chat" })).toBe("model_call");
  });

  test("may look at an attribute that a built-in rule looks at too", () => {
    const workSpans: readonly SpanRule[] = [
      { kind: "run", match: { attributes: { "gen_ai.operation.name": "agent_*" } } },
    ];
    const kindOf = (operation: string) =>
      observe("x", { "gen_ai.operation.name": operation }, { workSpans }).kind;
    expect(kindOf("agent_step")).toBe("run");
    expect(kindOf("execute_tool")).toBe("tool");
  });

  test("of an attribute that a span has twice the first counts", () => {
    const workSpans = [tool({ attributes: { a: "x" } })];
    expect(observe("x", { a: "x" }, { workSpans, more: [["a", "y"]] }).kind).toBe("tool");
    expect(observe("x", { a: "y" }, { workSpans, more: [["a", "x"]] }).kind).toBe("other");
  });

  test("a tool of theirs has its name from an attribute, else from the span", () => {
    const workSpans = [tool({ name: "my.*" })];
    const toolOf = (attributes: Attributes) => observe("my.search", attributes, { workSpans }).tool;
    expect(toolOf({ "tool.name": "search" })).toBe("search");
    expect(toolOf({})).toBe("my.search");
  });

  test("a tool may outlive its run where a rule says so, whatever reports it", () => {
    const workSpans: readonly SpanRule[] = [
      { kind: "tool", match: { name: "my.background.*" }, detached: true },
      { kind: "tool", match: { name: "my.*" } },
    ];
    const isDetached = (name: string, rest: Rest = {}) =>
      (observe(name, {}, { workSpans, ...rest }).flags & signalFlags.detached) !== 0;
    expect(isDetached("my.background.search")).toBe(true);
    expect(isDetached("my.background.search", { isOpen: true })).toBe(true);
    expect(isDetached("my.search")).toBe(false);
    expect(observe("my.background.search", {}, { workSpans }).tool).toBe("my.background.search");
  });

  test("session references of the user count besides the built-in ones", () => {
    const both = { "my.session": "1", "session.id": "2" };
    expect(observe("openclaw.run", both).references).toBe(1);
    expect(observe("openclaw.run", both, { sessionReferences: ["my.session"] }).references).toBe(2);
  });
});

describe("what a span tells besides", () => {
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
      expect(observe(name, attributes).tool).toBe(want);
    });
  }

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

describe("a finished tool or model call of OpenClaw's own exporter", () => {
  const isOwn = (name: string, attributes: Attributes = {}, rest: Rest = {}) =>
    (observe(name, attributes, rest).flags & signalFlags.openclaw) !== 0;

  test("is known by its name, whether or not an attribute says the same", () => {
    expect(isOwn("openclaw.tool.execution")).toBe(true);
    expect(isOwn("openclaw.tool.execution", { "gen_ai.operation.name": "execute_tool" })).toBe(
      true,
    );
    expect(isOwn("openclaw.model.call", { "gen_ai.operation.name": "chat" })).toBe(true);
  });

  test("is none of another name, of another kind, of our relay, or that is still open", () => {
    expect(isOwn("openclaw.run")).toBe(false);
    expect(isOwn("execute_tool", { "gen_ai.operation.name": "execute_tool" })).toBe(false);
    expect(isOwn("openclaw.model.call", { "gen_ai.operation.name": "execute_tool" })).toBe(false);
    expect(isOwn("openclaw.tool.execution", {}, { scope: "openclaw-activity-relay" })).toBe(false);
    expect(isOwn("openclaw.tool.execution", {}, { isOpen: true })).toBe(false);
  });
});

test("no two built-in rules are for the same name or attribute, so that the order of rules is plain", () => {
  const names = [...notWorkNames, ...nameRules.map(({ name }) => name)];
  const keys = attributeRules.map(({ key }) => key);
  expect(names).toEqual([...new Set(names)]);
  expect(keys).toEqual([...new Set(keys)]);
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
