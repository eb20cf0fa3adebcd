// The example of docs/preload.md with a model that needs no network: one turn with one slow tool.
import { OpenTelemetry } from "@ai-sdk/otel";
import { generateText, jsonSchema, registerTelemetry, stepCountIs, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";

registerTelemetry(new OpenTelemetry());

const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
const answers = [
  {
    finishReason: { unified: "tool-calls", raw: "tool_calls" },
    content: [{ type: "tool-call", toolCallId: "call-1", toolName: "search", input: "{}" }],
  },
  { finishReason: { unified: "stop", raw: "stop" }, content: [{ type: "text", text: "found it" }] },
];
const model = new MockLanguageModelV4({
  doGenerate: async () => ({ ...answers.shift(), usage, warnings: [] }),
});

const { text } = await generateText({
  model,
  prompt: "Search for it.",
  stopWhen: stepCountIs(3),
  tools: {
    search: tool({
      description: "Searches.",
      inputSchema: jsonSchema({ type: "object", properties: {} }),
      execute: () => new Promise((resolve) => setTimeout(resolve, 1_000, "here")),
    }),
  },
});
console.log(text);
