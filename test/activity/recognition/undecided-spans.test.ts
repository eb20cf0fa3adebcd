import Long from "long";
import { describe, expect, test } from "vitest";
import { SignalBatch, signalFlags } from "../../../src/activity/model/signal-batch.ts";
import { kindNames, toWorkKind } from "../../../src/activity/model/work.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { createSpanReader } from "./signal-readers.ts";

interface Sent {
  readonly name: string;
  readonly scope?: string;
  readonly isRoot?: boolean;
  readonly isEnd?: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly pid?: string;
}

/** What a reader makes of spans that it reads one after the other. */
function read(...sent: readonly Sent[]) {
  const { observer, tools } = createSpanReader({});
  const signals = new SignalBatch();
  return sent.map(({ name, scope = "lib", isRoot = false, isEnd = false, attributes, pid }) => {
    const keyValues = (values: Readonly<Record<string, string>>) =>
      Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
    const bytes = otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [
        {
          resource: {
            attributes: keyValues({ "service.name": "s", "service.instance.id": pid ?? "1" }),
          },
          scopeSpans: [
            {
              scope: { name: scope },
              spans: [
                {
                  traceId: new Uint8Array(16).fill(1),
                  spanId: new Uint8Array(8).fill(2),
                  ...(isRoot ? {} : { parentSpanId: new Uint8Array(8).fill(3) }),
                  name,
                  startTimeUnixNano: Long.fromNumber(1_000_000_000),
                  endTimeUnixNano: Long.fromNumber(isEnd ? 2_000_000_000 : 0),
                  attributes: keyValues(attributes ?? {}),
                },
              ],
            },
          ],
        },
      ],
    }).finish();
    expect(observer.read(bytes, signals).ok).toBe(true);
    return {
      kind: kindNames[toWorkKind(signals.kind.get(0))],
      isUndecided: (signals.flags.get(0) & signalFlags.undecided) !== 0,
      tool: tools.valueOf(signals.name.get(0)),
      isNamedBySpan: signals.nameHash.get(0) === signals.shape0.get(0),
      agent: signals.nameHash.get(0),
      shape: [signals.shape0.get(0), signals.shape1.get(0)],
      references: signals.referencesTo.get(0) - signals.referencesFrom.get(0),
    };
  });
}

const openInference = (kind: string, tool?: string) => ({
  "openinference.span.kind": kind,
  ...(tool === undefined ? {} : { "tool.name": tool }),
});
const none = [0, 0];

describe("a start without a deciding attribute is what its name says", () => {
  for (const [name, kind, tool] of [
    ["invoke_agent", "run"],
    ["invoke_agent Strands Agents", "run"],
    ["invoke_workflow w", "run"],
    ["execute_tool get_weather", "tool", "get_weather"],
    ["execute_tool ", "tool"],
    ["execute_tool", "tool"],
    ["chat", "model_call"],
    ["chat gpt-5", "model_call"],
    ["text_completion m", "model_call"],
    ["generate_content m", "model_call"],
    ["embeddings m", "model_call"],
    ["chats", "other"],
    ["Chat m", "other"],
    ["chat/room", "other"],
    ["my chat m", "other"],
    ["invoke_agents", "other"],
    ["text_completions", "other"],
    ["a_name_that_is_longer_than_any_operation", "other"],
    ["", "other"],
    [" chat", "other"],
    // Names that are known to be no work stay no work.
    ["execute_tool (merged)", "other"],
  ] as const) {
    test(`"${name}": ${kind}`, () => {
      const [start] = read({ name });
      expect(start).toMatchObject({ kind, tool });
      expect(start?.isUndecided).toBe(name !== "execute_tool (merged)");
    });
  }
});

describe("a start of Mastra's bridge is what its name says until it ends", () => {
  for (const [name, kind, tool] of [
    ["agent run: 'weather'", "run"],
    ["agent run: 'weather' (resumed)", "run"],
    ["workflow run: 'w'", "run"],
    ["tool: 'get_time'", "tool", "get_time"],
    ["mcp_tool: 'get_time'", "tool", "get_time"],
    ["tool: ''", "tool"],
    ["tool: '", "tool"],
    ["tool:", "tool"],
    ["tool", "other"],
    ["inference: 0", "model_call"],
    ["llm: 'gpt'", "other"],
    ["step: 0", "other"],
    ["tool output mapping: 'x'", "other"],
    ["chat m", "other"],
  ] as const) {
    test(`"${name}": ${kind}`, () => {
      const [start, elsewhere] = read({ name, scope: "@mastra/otel-bridge" }, { name });
      expect(start).toMatchObject({ kind, tool, isUndecided: true });
      if (name !== "chat m") {
        expect(elsewhere?.kind).toBe("other");
      }
    });
  }
});

test("a deciding attribute comes before the name, at the start as well as at the end", () => {
  const attributes = openInference("CHAIN");
  for (const isEnd of [false, true]) {
    const [span] = read({ name: "chat m", attributes, isEnd });
    expect(span).toMatchObject({ kind: "other", isUndecided: false });
  }
});

test("a finished span is not what only its name says", () => {
  const [span] = read({ name: "chat m", isEnd: true });
  expect(span).toMatchObject({ kind: "other", isUndecided: true, shape: none });
});

test("an agent is named by what follows the operation, as by its attribute", () => {
  const [byName, byAttribute] = read(
    { name: "invoke_agent helper" },
    {
      name: "invoke_agent helper",
      attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper" },
    },
  );
  expect(byName?.agent).toBe(byAttribute?.agent);
});

test("a start and the finished spans that teach what it is have one shape, per scope, name and place", () => {
  const end = { name: "get_weather", isEnd: true, attributes: openInference("TOOL") };
  const [start, same, otherScope, otherName, root] = read(
    { name: "get_weather" },
    end,
    { ...end, scope: "other" },
    { ...end, name: "get_time" },
    { ...end, isRoot: true },
  );
  expect(start?.shape).not.toEqual(none);
  expect(same?.shape).toEqual(start?.shape);
  for (const other of [otherScope, otherName, root]) {
    expect(other?.shape).not.toEqual(start?.shape);
  }
});

test("a finished tool is known to be named by its span, if it is", () => {
  const [, named, unnamed] = read(
    { name: "x" },
    { name: "get_weather", isEnd: true, attributes: openInference("TOOL", "get_weather") },
    { name: "FunctionTool.acall", isEnd: true, attributes: openInference("TOOL", "get_weather") },
  );
  expect(named).toMatchObject({ tool: "get_weather", isNamedBySpan: true });
  expect(unnamed).toMatchObject({ tool: "get_weather", isNamedBySpan: false });
});

test("finished spans teach before any start has arrived: the first turn may have been too short for one", () => {
  const end = { name: "get_weather", isEnd: true, attributes: openInference("TOOL") };
  const [before, start] = read(end, { name: "get_weather" });
  expect(before?.shape).toEqual(start?.shape);
});

test("of finished spans without a deciding attribute only those teach that are named after an operation, where starts say nothing", () => {
  const [early, , named, unnamed] = read(
    { name: "chat m", isEnd: true },
    { name: "x" },
    { name: "chat m", isEnd: true },
    { name: "GET", isEnd: true },
  );
  expect(named?.shape).not.toEqual(none);
  expect([early?.shape, unnamed?.shape]).toEqual([none, none]);
});

test("an undecided start carries the session that it names", () => {
  const [start] = read({ name: "LangGraph", attributes: { "session.id": "s" } });
  expect(start).toMatchObject({ kind: "other", isUndecided: true, references: 1 });
});
