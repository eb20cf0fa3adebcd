import { describe, expect, test } from "vitest";
import { answerIn, requestIn } from "../../../src/activity/recognition/tool-call-parts.ts";

describe("a part of a message requests", () => {
  for (const [what, part, want] of [
    ["a call of the conventions", { type: "tool_call", id: "c", name: "t" }, "c t"],
    ["a function of OpenAI", { type: "function", id: "c", function: { name: "t" } }, "c t"],
    [
      "a call whose call id is not its id",
      { type: "function_call", id: "f", call_id: "c", name: "t" },
      "c t",
    ],
    ["a call of Gemini", { functionCall: { id: "c", name: "t" } }, "c t"],
    ["a call of the Vercel AI SDK without a type", { toolCallId: "c", toolName: "t" }, "c t"],
    ["nothing: text", { type: "text", id: "c", name: "t" }, undefined],
    ["nothing: a call without a name", { type: "tool_call", id: "c" }, undefined],
    ["nothing: a call without an id", { type: "tool_call", name: "t" }, undefined],
    [
      "nothing: a call that the provider runs",
      { type: "tool-call", toolCallId: "c", toolName: "t", providerExecuted: true },
      undefined,
    ],
    [
      "nothing: a built-in call",
      { type: "tool_call", id: "c", name: "t", builtin: true },
      undefined,
    ],
    [
      "nothing: a call with invalid arguments",
      { type: "tool_call", id: "c", name: "t", invalid: true },
      undefined,
    ],
  ] as const) {
    test(what, () => {
      const call = requestIn(part);
      expect(call && `${call.id} ${call.name}`).toBe(want);
    });
  }
});

describe("a part of a message answers", () => {
  for (const [what, part, want] of [
    ["with a result of the conventions", { type: "tool_call_response", id: "c" }, "c"],
    ["with a result of Anthropic", { type: "tool_result", tool_use_id: "c", id: "x" }, "c"],
    ["with a message of Chat Completions", { role: "tool", tool_call_id: "c" }, "c"],
    ["with an event", { "event.name": "gen_ai.tool.message", id: "c" }, "c"],
    ["with a result of Gemini", { functionResponse: { id: "c" } }, "c"],
    ["with a result of AutoGen", { call_id: "c", is_error: false }, "c"],
    [
      "with a question to a person",
      { type: "tool-approval-request", toolCall: { toolCallId: "c" } },
      "c",
    ],
    ["nothing: a call", { type: "tool_call", id: "c", name: "t" }, undefined],
    ["nothing: a result without an id", { type: "tool_result" }, undefined],
    ["nothing: a result of Gemini without an id", { functionResponse: {} }, undefined],
  ] as const) {
    test(what, () => expect(answerIn(part)).toBe(want));
  }
});
