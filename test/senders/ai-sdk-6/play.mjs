// Three turns of the Vercel AI SDK 6. In the first both tools run at once. In the second `get_time` needs approval, so
// that turn ends with its call open; the next request brings the approval, and the tool runs before the model is called.
// The third is refused in the same way.
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, stepCountIs, tool } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { z } from "zod";

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

const usage = {
  inputTokens: { total: 20, noCache: 20, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 10, text: 10, reasoning: 0 },
};
const asks = (turn, city) => ({
  content: ["get_weather", "get_time"].map((toolName) => ({
    type: "tool-call",
    toolCallId: `call_${turn}_${toolName}`,
    toolName,
    input: JSON.stringify({ city }),
  })),
  finishReason: { unified: "tool-calls", raw: "tool_calls" },
});
const answers = {
  content: [{ type: "text", text: "It is sunny in Oslo, and noon." }],
  finishReason: { unified: "stop", raw: "stop" },
};

/** In the scenario `slow` it takes 3 s. */
const time = async () => {
  if (process.argv[2] === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return "12:00";
};

const inputSchema = z.object({ city: z.string() });
const play = (messages, responses) =>
  generateText({
    model: new MockLanguageModelV3({
      doGenerate: async () => ({ ...responses.shift(), usage, warnings: [] }),
    }),
    messages,
    stopWhen: stepCountIs(3),
    tools: {
      get_weather: tool({ inputSchema, execute: async () => "sunny" }),
      get_time: tool({
        inputSchema,
        needsApproval: async ({ city }) => city !== "Oslo",
        execute: time,
      }),
    },
    experimental_telemetry: {
      isEnabled: true,
      functionId: "weather",
      metadata: { sessionId: "session-1" },
    },
  });

const question = [{ role: "user", content: "What is it like?" }];
await play(question, [asks(1, "Oslo"), answers]);
for (const [turn, approved] of [
  [2, true],
  [3, false],
]) {
  const first = await play(question, [asks(turn, "Lima")]);
  const requests = first.content.filter(({ type }) => type === "tool-approval-request");
  if (requests.length !== 1) {
    throw new Error("One tool was to wait for approval.");
  }
  await provider.forceFlush();
  const response = requests.map(({ approvalId }) => ({
    type: "tool-approval-response",
    approvalId,
    approved,
  }));
  await play(
    [...question, ...first.response.messages, { role: "tool", content: response }],
    [answers],
  );
}
await provider.shutdown();
