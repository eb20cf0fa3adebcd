// One turn of a Mastra agent whose spans Mastra's bridge makes with the OpenTelemetry SDK of the program.
import { Agent } from "@mastra/core/agent";
import { Mastra } from "@mastra/core/mastra";
import { createTool } from "@mastra/core/tools";
import { Observability } from "@mastra/observability";
import { OtelBridge } from "@mastra/otel-bridge";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { simulateReadableStream } from "ai";
import { MockLanguageModelV2 } from "ai/test";
import { z } from "zod";

const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter(), logRecordProcessors: [] });
sdk.start();

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
const inputSchema = z.object({ city: z.string() });
const weather = new Agent({
  id: "weather",
  name: "weather",
  instructions: "Answer.",
  model: new MockLanguageModelV2({
    doStream: async () => ({ stream: simulateReadableStream({ chunks: answers.shift() }) }),
  }),
  tools: {
    get_weather: createTool({
      id: "get_weather",
      description: "The weather",
      inputSchema,
      execute: async () => "sunny",
    }),
    get_time: createTool({
      id: "get_time",
      description: "The time",
      inputSchema,
      execute: time,
    }),
  },
});
const observability = new Observability({
  configs: { otel: { serviceName: "mastra", bridge: new OtelBridge() } },
});
const mastra = new Mastra({ agents: { weather }, observability, logger: false });
const stream = await mastra.getAgent("weather").stream("What is it like in Oslo?", { maxSteps: 3 });
await stream.consumeStream();
await mastra.shutdown();
await observability.shutdown();
await sdk.shutdown();
