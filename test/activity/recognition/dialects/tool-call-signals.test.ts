import { describe, expect, test } from "vitest";
import { signalFlags } from "../../../../src/activity/model/signal-batch.ts";
import { observe, plain, scan, tool } from "../observed-spans.ts";

describe("tools that a model requested (I2)", () => {
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
    test(`are read in the form of ${what}`, () => {
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

  test("beyond the bound of tool names have no name, which would be that of another tool", () => {
    const many = Array.from({ length: 120 }, (_, at) => ({
      ...call,
      id: `c${at}`,
      name: `t${at}`,
    }));
    const { signals, tools } = scan({
      name: "chat m",
      attributes: { ...chat, "gen_ai.output.messages": parts(...many) },
    });
    expect(tools.valueOf(signals.name.get(100))).toBe("t99");
    expect(signals.name.get(101)).toBe(0);
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

  test("events of the first conventions request only in the choice of the model", () => {
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

  test("the arguments and the result of a tool request and answer nothing", () => {
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

  test("results in the input of a model are answers", () => {
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
    ["a model call that is open", { ...chat, "gen_ai.output.messages": parts(call) }, 0],
    ["a span that is no model call", { ...tool, "gen_ai.output.messages": parts(call) }, 2],
    ["content that is no JSON", { ...chat, "gen_ai.output.messages": "[{" }, 2],
    ["a call without an id", { ...chat, "gen_ai.output.messages": parts({ ...call, id: "" }) }, 2],
    [
      "a call that the provider ran, of the Vercel AI SDK",
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
      "a call that the provider ran",
      { ...chat, "gen_ai.output.messages": parts({ ...call, builtin: true }) },
      2,
    ],
    [
      "a call with invalid arguments",
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
    test(`${what} requests nothing`, () => {
      expect(observe({ name: "x", attributes, end }).signals).toHaveLength(1);
    });
  }

  test("a model call has a flag if its input was captured, readable or not", () => {
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

  test("the tool's own span has the call id", () => {
    const { signals } = observe({
      name: "t",
      attributes: { ...tool, "gen_ai.tool.call.id": "c1" },
    });
    expect(signals).toEqual([{ ...plain, type: "end", dialect: "span", hasKey: true }]);
  });
});
