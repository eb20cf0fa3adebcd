// One flow of Genkit with a model of its own that asks for two tools.
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { genkit, z } from "genkit";
import { enableTelemetry } from "genkit/tracing";

const exporter = new BatchSpanProcessor(new OTLPTraceExporter());
await enableTelemetry({ spanProcessors: [exporter] });

/** In the scenario `slow` it takes 3 s. */
const time = async () => {
  if (process.argv[2] === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return "12:00";
};

const ai = genkit({});
const inputSchema = z.object({ city: z.string() });
const outputSchema = z.string();
const tools = [
  ai.defineTool(
    { name: "get_weather", description: "The weather", inputSchema, outputSchema },
    async () => "sunny",
  ),
  ai.defineTool({ name: "get_time", description: "The time", inputSchema, outputSchema }, time),
];
const model = ai.defineModel(
  { name: "scripted", supports: { tools: true, multiturn: true } },
  async ({ messages }) => {
    const isFirst = !messages.some(({ role }) => role === "tool");
    const content = isFirst
      ? ["get_weather", "get_time"].map((name) => ({
          toolRequest: { name, ref: name, input: { city: "Oslo" } },
        }))
      : [{ text: "It is sunny in Oslo, and noon." }];
    return { finishReason: "stop", message: { role: "model", content } };
  },
);
const weather = ai.defineFlow("weather", async () => {
  const { text } = await ai.generate({ model, prompt: "What is it like in Oslo?", tools });
  return text;
});
await weather();
await exporter.forceFlush();
