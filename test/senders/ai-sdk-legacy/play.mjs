// One streamed turn of the Vercel AI SDK 5 with `experimental_telemetry`, which 4 and 6 have too.
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { simulateReadableStream, stepCountIs, streamText, tool } from "ai";
import { MockLanguageModelV2 } from "ai/test";
import { z } from "zod";

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

const call = (toolCallId, toolName) => ({
  type: "tool-call",
  toolCallId,
  toolName,
  input: '{"city":"Oslo"}',
});
const usage = { inputTokens: 20, outputTokens: 10, totalTokens: 30 };
const answers = [
  [
    call("call_weather", "get_weather"),
    call("call_time", "get_time"),
    { type: "finish", finishReason: "tool-calls", usage },
  ],
  [
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: "It is sunny in Oslo, and noon." },
    { type: "text-end", id: "1" },
    { type: "finish", finishReason: "stop", usage },
  ],
];
/** In the scenario `slow` it takes 3 s. */
const time = async () => {
  if (process.argv[2] === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return "12:00";
};

const inputSchema = z.object({ city: z.string() });
const turn = streamText({
  model: new MockLanguageModelV2({
    doStream: async () => ({ stream: simulateReadableStream({ chunks: answers.shift() }) }),
  }),
  prompt: "What is it like in Oslo?",
  stopWhen: stepCountIs(3),
  tools: {
    get_weather: tool({ inputSchema, execute: async () => "sunny" }),
    get_time: tool({ inputSchema, execute: time }),
  },
  experimental_telemetry: {
    isEnabled: true,
    functionId: "weather",
    metadata: { sessionId: "session-1" },
  },
});
await turn.consumeStream();
await provider.shutdown();
