// One turn of the Vercel AI SDK 7 with its own OpenTelemetry integration.
import { OpenTelemetry } from "@ai-sdk/otel";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, isStepCount, registerTelemetry, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { z } from "zod";

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
registerTelemetry(new OpenTelemetry());

/** In the scenario `slow` it takes 3 s. */
const time = async () => {
  if (process.argv[2] === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return "12:00";
};

const call = (toolCallId, toolName) => ({
  type: "tool-call",
  toolCallId,
  toolName,
  input: '{"city":"Oslo"}',
});
const answers = [
  {
    content: [call("call_weather", "get_weather"), call("call_time", "get_time")],
    finishReason: { unified: "tool-calls", raw: "tool_calls" },
  },
  {
    content: [{ type: "text", text: "It is sunny in Oslo, and noon." }],
    finishReason: { unified: "stop", raw: "stop" },
  },
];
const usage = {
  inputTokens: { total: 20, noCache: 20, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 10, text: 10, reasoning: 0 },
};
const inputSchema = z.object({ city: z.string() });
await generateText({
  model: new MockLanguageModelV4({
    doGenerate: async () => ({ ...answers.shift(), usage, warnings: [] }),
  }),
  prompt: "What is it like in Oslo?",
  stopWhen: isStepCount(3),
  tools: {
    get_weather: tool({ inputSchema, execute: async () => "sunny" }),
    get_time: tool({ inputSchema, execute: time }),
  },
  telemetry: { isEnabled: true, functionId: "weather" },
});
await provider.shutdown();
