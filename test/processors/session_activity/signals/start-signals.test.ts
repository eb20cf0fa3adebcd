import Long from "long";
import { describe, expect, test } from "vitest";
import { otlp } from "../../../../src/otlp/proto/generated.js";
import { dialectNames } from "../../../../src/processors/session_activity/signals/dialects.ts";
import {
  SignalBatch,
  signalFlags,
  signalTypes,
} from "../../../../src/processors/session_activity/signals/signal-batch.ts";
import { createSpanObserver } from "./observers.ts";

type Value = string | number | boolean | { readonly double: number };

const nameOf = (names: Readonly<Record<string, number>>, value: number) =>
  Object.keys(names).find((name) => names[name] === value);

function anyValue(value: Value): otlp.AnyValue.$Properties {
  if (typeof value === "string") {
    return { stringValue: value };
  }
  if (typeof value === "boolean") {
    return { boolValue: value };
  }
  return typeof value === "number"
    ? { intValue: Long.fromNumber(value) }
    : { doubleValue: value.double };
}

/** The signals of one span, and whether it goes on to the backend. */
function observe(
  span: {
    readonly name: string;
    readonly attributes?: Readonly<Record<string, Value>>;
    readonly end?: number;
    readonly parent?: string;
    readonly scope?: string;
  },
  options: { readonly passesPending?: boolean } = {},
) {
  const { observer, tools } = createSpanObserver(options);
  const signals = new SignalBatch();
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        scopeSpans: [
          {
            scope: { name: span.scope ?? "" },
            spans: [
              {
                traceId: new Uint8Array(16).fill(1),
                spanId: Buffer.from("00000000000000a1", "hex"),
                ...(span.parent === undefined
                  ? {}
                  : { parentSpanId: Buffer.from(span.parent, "hex") }),
                name: span.name,
                startTimeUnixNano: Long.fromNumber(1_000_000_000),
                endTimeUnixNano: Long.fromNumber((span.end ?? 2) * 1_000_000_000),
                attributes: Object.entries(span.attributes ?? {}).map(([key, value]) => ({
                  key,
                  value: anyValue(value),
                })),
              },
            ],
          },
        ],
      },
    ],
  }).finish();
  observer.observe(bytes, signals);
  return {
    isConsumed: observer.isConsumed(0),
    signals: Array.from({ length: signals.count }, (_, row) => ({
      type: nameOf(signalTypes, signals.type.get(row)),
      dialect: dialectNames[signals.dialect.get(row)],
      span: signals.span1.get(row),
      parent: signals.parent1.get(row),
      sentMs: signals.sentMs.get(row),
      name: tools.valueOf(signals.name.get(row)),
      hasKey: signals.key0.get(row) !== 0 || signals.key1.get(row) !== 0,
      isProgress: (signals.flags.get(row) & signalFlags.progress) !== 0,
    })),
  };
}

const tool = { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "exec" };
const plain = { span: 0xa1, parent: 0, sentMs: 0, name: "exec", hasKey: false, isProgress: false };

describe("live spans (S1)", () => {
  test("a span without an end is a start and goes no further", () => {
    expect(observe({ name: "t", attributes: tool, end: 0 })).toEqual({
      isConsumed: true,
      signals: [{ ...plain, type: "start", dialect: "live_span" }],
    });
  });

  for (const [what, span, isProgress] of [
    ["a live start that says so", { end: 0, attributes: { "openclaw.progress": true } }, true],
    [
      "a relayed start that says so",
      { end: 0, scope: "openclaw-activity-relay", attributes: { "openclaw.progress": true } },
      true,
    ],
    ["a start that denies it", { end: 0, attributes: { "openclaw.progress": false } }, false],
    [
      "a start that says it in text",
      { end: 0, attributes: { "openclaw.progress": "true" } },
      false,
    ],
    ["an end", { end: 2, attributes: { "openclaw.progress": true } }, false],
  ] as const) {
    test(`${what} is ${isProgress ? "" : "not "}progress`, () => {
      const attributes = { ...tool, ...span.attributes };
      expect(observe({ name: "t", ...span, attributes }).signals).toMatchObject([{ isProgress }]);
    });
  }
});

describe("snapshots of Datadog (S2)", () => {
  for (const [what, version] of [
    ["an int", 12],
    ["the Unix time in nanoseconds", 1_795_000_000_000_000],
    ["zero", 0],
    ["a double", { double: 20_000 }],
  ] as const) {
    test(`${what} as the version makes a span with an end one that goes on`, () => {
      expect(
        observe({ name: "t", attributes: { ...tool, "_dd.partial_version": version } }),
      ).toEqual({
        isConsumed: true,
        signals: [{ ...plain, type: "start", dialect: "datadog_partial", sentMs: 2000 }],
      });
    });
  }

  for (const [what, version] of [
    ["a negative number", -1],
    ["a negative double", { double: -1 }],
    ["a text", "12"],
  ] as const) {
    test(`${what} as the version says nothing`, () => {
      expect(
        observe({ name: "t", attributes: { ...tool, "_dd.partial_version": version } }),
      ).toEqual({
        isConsumed: false,
        signals: [{ ...plain, type: "end", dialect: "span" }],
      });
    });
  }

  test("the end of a span that had snapshots is an end", () => {
    const { isConsumed, signals } = observe({
      name: "t",
      attributes: { ...tool, "_dd.was_long_running": 1 },
    });
    expect([isConsumed, signals[0]!.type]).toEqual([false, "end"]);
  });
});

describe("pending spans of Logfire (S3)", () => {
  const pending = { ...tool, "logfire.span_type": "pending_span" };
  const parent = "00000000000000b2";

  for (const [what, attributes, want] of [
    ["its parent", { "logfire.pending_parent_id": "00000000000000c3" }, 0xc3],
    ["no parent by zeros", { "logfire.pending_parent_id": "0000000000000000" }, 0],
    ["no parent by saying nothing", {}, 0],
    ["something that is no id", { "logfire.pending_parent_id": "the root of it all" }, 0],
  ] as const) {
    test(`stands for its parent, which has ${what}`, () => {
      expect(observe({ name: "t", parent, attributes: { ...pending, ...attributes } })).toEqual({
        isConsumed: true,
        signals: [
          { ...plain, type: "start", dialect: "logfire_pending", span: 0xb2, parent: want },
        ],
      });
    });
  }

  test("without a parent stands for nothing", () => {
    const { signals } = observe({ name: "t", attributes: pending });
    expect(signals[0]!.type).toBe("malformed");
  });

  test("goes on to the backend where that was asked for", () => {
    const { isConsumed, signals } = observe(
      { name: "t", parent, attributes: pending },
      { passesPending: true },
    );
    expect([isConsumed, signals[0]!.type]).toEqual([false, "start"]);
  });

  test("the span itself is no start, whatever its type", () => {
    const { isConsumed, signals } = observe({
      name: "t",
      attributes: { ...tool, "logfire.span_type": "span" },
    });
    expect([isConsumed, signals[0]!.type]).toEqual([false, "end"]);
  });
});

describe("a tool that waits for a person (S8)", () => {
  const name = "claude_code.tool.blocked_on_user";
  const parent = "00000000000000b2";

  test("is paused while a live span says so", () => {
    const { isConsumed, signals } = observe({ name, parent, end: 0 });
    expect(isConsumed).toBe(true);
    expect(signals.map(({ type, span, hasKey }) => [type, span, hasKey])).toEqual([
      ["start", 0xa1, false],
      ["pause", 0xb2, true],
    ]);
  });

  test("goes on when that span ends, which is passed on", () => {
    const { isConsumed, signals } = observe({ name, parent });
    expect(isConsumed).toBe(false);
    expect(signals.map(({ type, span }) => [type, span])).toEqual([
      ["end", 0xa1],
      ["resume", 0xb2],
    ]);
  });
});

describe("tools that a model asked for (I2)", () => {
  const chat = { "gen_ai.operation.name": "chat" };
  const parts = (...list: readonly object[]) =>
    JSON.stringify([{ role: "assistant", parts: list }]);
  const call = { type: "tool_call", id: "c1", name: "exec", arguments: {} };

  for (const [what, attributes] of [
    ["the GenAI conventions", { ...chat, "gen_ai.output.messages": parts(call) }],
    [
      "the Vercel AI SDK",
      {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.response.toolCalls": JSON.stringify([
          { toolCallId: "c1", toolName: "exec", input: "{}" },
        ]),
      },
    ],
    [
      "OpenInference",
      {
        "openinference.span.kind": "LLM",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "exec",
      },
    ],
    [
      "OpenLLMetry",
      {
        ...chat,
        "gen_ai.completion.0.tool_calls.0.id": "c1",
        "gen_ai.completion.0.tool_calls.0.name": "exec",
      },
    ],
  ] as const) {
    test(`are read as ${what} write them`, () => {
      const { signals } = observe({ name: "chat m", attributes });
      expect(signals.map(({ type, name, hasKey }) => [type, name, hasKey])).toEqual([
        ["end", undefined, false],
        ["request", "exec", true],
      ]);
    });
  }

  test("results that a model was handed are answers", () => {
    const { signals } = observe({
      name: "chat m",
      attributes: {
        ...chat,
        "gen_ai.input.messages": parts(call, {
          type: "tool_call_response",
          id: "c1",
          response: "x",
        }),
      },
    });
    expect(signals.map(({ type }) => type)).toEqual(["end", "answer"]);
  });

  for (const [what, attributes, end] of [
    ["a model call that goes on", { ...chat, "gen_ai.output.messages": parts(call) }, 0],
    ["a span that is no model call", { ...tool, "gen_ai.output.messages": parts(call) }, 2],
    ["content that is no JSON", { ...chat, "gen_ai.output.messages": "[{" }, 2],
    ["a call without an id", { ...chat, "gen_ai.output.messages": parts({ ...call, id: "" }) }, 2],
    [
      "a call that the provider made itself",
      {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.response.toolCalls": JSON.stringify([
          { toolCallId: "c1", toolName: "exec", providerExecuted: true },
        ]),
      },
      2,
    ],
  ] as const) {
    test(`${what} asks for nothing`, () => {
      expect(observe({ name: "x", attributes, end }).signals).toHaveLength(1);
    });
  }

  test("the tool's own span carries the call id", () => {
    const { signals } = observe({
      name: "t",
      attributes: { ...tool, "gen_ai.tool.call.id": "c1" },
    });
    expect(signals).toEqual([{ ...plain, type: "end", dialect: "span", hasKey: true }]);
  });
});

test("the order of OpenClaw's events is read from the relay's spans", () => {
  const { observer } = createSpanObserver();
  const signals = new SignalBatch();
  const span = {
    traceId: new Uint8Array(16).fill(1),
    spanId: new Uint8Array(8).fill(2),
    name: "openclaw.run",
    attributes: [{ key: "openclaw.seq", value: { intValue: Long.fromNumber(77) } }],
  };
  observer.observe(
    otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [
        { scopeSpans: [{ scope: { name: "openclaw-activity-relay" }, spans: [span] }] },
      ],
    }).finish(),
    signals,
  );
  expect(signals.seq.get(0)).toBe(77);
});
