import Long from "long";
import { describe, expect, test } from "vitest";
import { dialectNames } from "../../../src/activity/model/dialects.ts";
import { SignalBatch, signalFlags, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { createSpanReader } from "./signal-readers.ts";

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

interface Sent {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, Value>>;
  readonly end?: number;
  readonly parent?: string;
  readonly scope?: string;
}

/** What becomes of one span. */
function scan(span: Sent, options: { readonly forwardsPending?: boolean } = {}) {
  const { observer, tools } = createSpanReader(options);
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
  observer.read(bytes, signals);
  return { observer, tools, signals };
}

/** The signals of one span, and whether it goes on to the backend. */
function observe(span: Sent, options: { readonly forwardsPending?: boolean } = {}) {
  const { observer, tools, signals } = scan(span, options);
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
      { forwardsPending: true },
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
    expect(signals.map(({ type, dialect, span, hasKey }) => [type, dialect, span, hasKey])).toEqual(
      [
        ["start", "live_span", 0xa1, false],
        ["pause", "pause_event", 0xb2, true],
        ["start", "implied_parent", 0xb2, false],
      ],
    );
  });

  test("goes on when that span ends, which is passed on", () => {
    const { isConsumed, signals } = observe({ name, parent });
    expect(isConsumed).toBe(false);
    expect(signals.map(({ type, dialect, span }) => [type, dialect, span])).toEqual([
      ["end", "span", 0xa1],
      ["resume", "pause_event", 0xb2],
      ["start", "implied_parent", 0xb2],
    ]);
  });
});

describe("a span that is always inside a tool (I1)", () => {
  const name = "claude_code.tool.execution";

  test("says that its parent is one", () => {
    const { signals } = observe({ name, parent: "00000000000000b2" });
    expect(signals.map(({ type, dialect, span, parent }) => [type, dialect, span, parent])).toEqual(
      [
        ["end", "span", 0xa1, 0xb2],
        ["start", "implied_parent", 0xb2, 0],
      ],
    );
  });

  test("says nothing more where it names no parent", () => {
    expect(observe({ name }).signals.map(({ type }) => type)).toEqual(["end"]);
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

  for (const [what, output] of [
    [
      "OpenAI",
      [{ type: "function_call", id: "fc_1", call_id: "c1", name: "exec", arguments: "{}" }],
    ],
    [
      "Chat Completions",
      [
        {
          role: "assistant",
          tool_calls: [{ id: "c1", type: "function", function: { name: "exec" } }],
        },
      ],
    ],
    ["Anthropic", [{ role: "assistant", content: [{ type: "tool_use", id: "c1", name: "exec" }] }]],
    [
      "Gemini",
      [{ role: "model", parts: [{ functionCall: { id: "c1", name: "exec", args: {} } }] }],
    ],
  ] as const) {
    test(`are read as ${what} has them`, () => {
      const attributes = { ...chat, "gen_ai.output.messages": JSON.stringify(output) };
      const { signals } = observe({ name: "chat m", attributes });
      expect(signals.map(({ type, name, hasKey }) => [type, name, hasKey])).toEqual([
        ["end", undefined, false],
        ["request", "exec", true],
      ]);
    });
  }

  test("are read of any message and number", () => {
    const key = (message: number, number: number) =>
      `llm.output_messages.${message}.message.tool_calls.${number}.tool_call`;
    const calls = [
      [0, 0],
      [0, 40],
      [3, 2],
    ] as const;
    const { signals } = observe({
      name: "llm",
      attributes: {
        "openinference.span.kind": "LLM",
        "llm.output_messages.0.message.role": "assistant",
        ...Object.fromEntries(
          calls.flatMap(([message, number]) => [
            [`${key(message, number)}.id`, `c${message}.${number}`],
            [`${key(message, number)}.function.name`, "exec"],
          ]),
        ),
      },
    });
    expect(signals.map(({ type }) => type)).toEqual(["end", "request", "request", "request"]);
  });

  test("of more than 128 calls the first are read, and one more is counted", () => {
    const many = Array.from({ length: 200 }, (_, at) => ({ ...call, id: `c${at}` }));
    const { signals } = observe({
      name: "chat m",
      attributes: { ...chat, "gen_ai.output.messages": parts(...many) },
    });
    const requests = signals.filter(({ type }) => type === "request");
    expect(requests.filter(({ hasKey }) => hasKey)).toHaveLength(128);
    expect(requests.filter(({ hasKey }) => !hasKey)).toHaveLength(1);
  });

  test("of more than 128 answers the last are read: the others are history", () => {
    const many = Array.from({ length: 200 }, (_, at) => ({
      type: "tool_call_response",
      id: `c${at}`,
    }));
    const { signals } = observe({
      name: "chat m",
      attributes: { ...chat, "gen_ai.input.messages": parts(...many) },
    });
    expect(signals.filter(({ type }) => type === "answer")).toHaveLength(128);
  });

  const llm = { "openinference.span.kind": "LLM", "llm.input_messages.0.message.role": "user" };
  const ai = { "ai.operationId": "ai.generateText.doGenerate" };
  const agent = { "gen_ai.operation.name": "invoke_agent" };
  const json = (...list: readonly object[]) => JSON.stringify(list);
  for (const [what, attributes] of [
    ["OpenInference", { ...llm, "llm.input_messages.317.message.tool_call_id": "c1" }],
    [
      "OpenInference in contents",
      { ...llm, "llm.input_messages.4.message.contents.1.message_content.tool_call_id": "c1" },
    ],
    [
      "AutoGen's OpenInference",
      {
        ...llm,
        "llm.input_messages.3.function.0": JSON.stringify({
          name: "exec",
          call_id: "c1",
          is_error: false,
        }),
      },
    ],
    [
      "OpenLLMetry",
      { ...chat, "gen_ai.prompt.0.role": "user", "gen_ai.prompt.12.tool_call_id": "c1" },
    ],
    [
      "the Vercel AI SDK",
      {
        ...ai,
        "ai.prompt.messages": json({
          role: "tool",
          content: [
            {
              type: "tool-result",
              toolCallId: "c1",
              toolName: "exec",
              output: { type: "execution-denied" },
            },
          ],
        }),
      },
    ],
    [
      "the Vercel AI SDK, of an approval",
      {
        ...ai,
        "ai.prompt.messages": json({
          role: "assistant",
          content: [{ type: "tool-approval-request", approvalId: "a", toolCallId: "c1" }],
        }),
      },
    ],
    [
      "Anthropic",
      {
        ...chat,
        "gen_ai.input.messages": json({
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "c1" }],
        }),
      },
    ],
    [
      "OpenAI",
      { ...chat, "gen_ai.input.messages": json({ type: "function_call_output", call_id: "c1" }) },
    ],
    [
      "Gemini",
      {
        ...chat,
        "gen_ai.input.messages": json({
          role: "user",
          parts: [{ functionResponse: { id: "c1", name: "exec" } }],
        }),
      },
    ],
    [
      "LangChain",
      {
        ...chat,
        "gen_ai.input.messages": json({ role: "tool", data: { type: "tool", tool_call_id: "c1" } }),
      },
    ],
    [
      "Pydantic AI, as events",
      { ...chat, events: json({ "event.name": "gen_ai.tool.message", id: "c1", content: "x" }) },
    ],
    [
      "Pydantic AI, of a whole run",
      { ...agent, "pydantic_ai.all_messages": parts({ type: "tool_call_response", id: "c1" }) },
    ],
    [
      "Pydantic AI, of a call that a run left to its caller",
      {
        ...agent,
        final_result: JSON.stringify({
          calls: [],
          approvals: [{ tool_name: "exec", tool_call_id: "c1" }],
        }),
      },
    ],
  ] as const) {
    test(`answers are read as ${what} writes them`, () => {
      const { signals } = observe({ name: "x", attributes });
      expect(signals.map(({ type, hasKey }) => [type, hasKey])).toEqual([
        ["end", false],
        ["answer", true],
      ]);
    });
  }

  test("events of the first conventions ask only in what the model chose", () => {
    const calls = [{ id: "c1", type: "function", function: { name: "exec" } }];
    const events = [
      {
        "event.name": "gen_ai.assistant.message",
        role: "assistant",
        tool_calls: [{ ...calls[0], id: "c0" }],
      },
      { "event.name": "gen_ai.choice", message: { role: "assistant", tool_calls: calls } },
    ];
    const { signals } = observe({
      name: "x",
      attributes: { ...chat, events: JSON.stringify(events) },
    });
    expect(signals.map(({ type }) => type)).toEqual(["end", "request"]);
  });

  test("what a tool was given or gave asks for nothing and answers nothing", () => {
    const nested = { type: "tool_call", id: "c9", name: "rm", tool_call_id: "c9" };
    const { signals } = observe({
      name: "x",
      attributes: {
        ...chat,
        "gen_ai.output.messages": parts({ ...call, arguments: { parts: [nested] } }),
        "gen_ai.input.messages": parts({
          type: "tool_call_response",
          id: "c0",
          response: [nested],
        }),
      },
    });
    expect(signals.map(({ type }) => type)).toEqual(["end", "request", "answer"]);
  });

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
    ["a run", { ...agent, "gen_ai.output.messages": parts(call) }, 2],
    [
      "a call that the provider made",
      { ...chat, "gen_ai.output.messages": parts({ ...call, builtin: true }) },
      2,
    ],
    [
      "a call with arguments that are no good",
      { ...chat, "gen_ai.output.messages": parts({ ...call, invalid: true }) },
      2,
    ],
    [
      "a message with an id and a name",
      { ...chat, "gen_ai.output.messages": json({ id: "m1", name: "exec" }) },
      2,
    ],
    [
      "content of more than 1 MiB",
      { ...chat, "gen_ai.output.messages": parts(call, { text: "x".repeat(1 << 20) }) },
      2,
    ],
  ] as const) {
    test(`${what} asks for nothing`, () => {
      expect(observe({ name: "x", attributes, end }).signals).toHaveLength(1);
    });
  }

  test("of a model call it is known whether its input was captured, readable or not", () => {
    for (const [attributes, want] of [
      [{ ...chat, "gen_ai.output.messages": parts(call) }, false],
      [{ ...chat, "gen_ai.input.messages": "[" }, true],
      [{ ...chat, "input.value": "__REDACTED__" }, true],
      [{ ...ai, "ai.prompt.messages": "[]" }, true],
      [{ ...llm }, true],
      [{ ...chat, "gen_ai.prompt.0.content": "x" }, true],
      [{ ...chat, events: "[]" }, true],
      [{ ...agent, "gen_ai.input.messages": "[]" }, false],
    ] as const) {
      const { signals } = scan({ name: "x", attributes });
      expect((signals.flags.get(0) & signalFlags.hasPrompt) !== 0, JSON.stringify(attributes)).toBe(
        want,
      );
    }
  });

  test("the tool's own span carries the call id", () => {
    const { signals } = observe({
      name: "t",
      attributes: { ...tool, "gen_ai.tool.call.id": "c1" },
    });
    expect(signals).toEqual([{ ...plain, type: "end", dialect: "span", hasKey: true }]);
  });
});

test("the order of OpenClaw's events is read from the relay's spans", () => {
  const { observer } = createSpanReader();
  const signals = new SignalBatch();
  const span = {
    traceId: new Uint8Array(16).fill(1),
    spanId: new Uint8Array(8).fill(2),
    name: "openclaw.run",
    attributes: [{ key: "openclaw.seq", value: { intValue: Long.fromNumber(77) } }],
  };
  observer.read(
    otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [
        { scopeSpans: [{ scope: { name: "openclaw-activity-relay" }, spans: [span] }] },
      ],
    }).finish(),
    signals,
  );
  expect(signals.seq.get(0)).toBe(77);
});
