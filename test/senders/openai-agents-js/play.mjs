// One turn of the OpenAI Agents SDK for JavaScript under OpenInference.
import { OpenAIAgentsInstrumentation } from "@arizeai/openinference-instrumentation-openai-agents";
import * as agents from "@openai/agents";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { z } from "zod";

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
const instrumentation = new OpenAIAgentsInstrumentation({ tracerProvider: provider });
instrumentation.manuallyInstrument(agents);

/** In the scenario `slow` it takes 3 s. */
const time = async () => {
  if (process.argv[2] === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return "12:00";
};

agents.setOpenAIAPI("chat_completions");
const parameters = z.object({ city: z.string() });
const agent = new agents.Agent({
  name: "weather",
  instructions: "Answer.",
  model: "scripted-1",
  tools: [
    agents.tool({
      name: "get_weather",
      description: "The weather",
      parameters,
      execute: async () => "sunny",
    }),
    agents.tool({ name: "get_time", description: "The time", parameters, execute: time }),
  ],
});
await agents.run(agent, "What is it like in Oslo?");
await provider.shutdown();
