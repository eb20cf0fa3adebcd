// One turn of a LangChain agent, which is a LangGraph graph, under OpenInference.
import { LangChainInstrumentation } from "@arizeai/openinference-instrumentation-langchain";
import * as callbacks from "@langchain/core/callbacks/manager";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
new LangChainInstrumentation({ tracerProvider: provider }).manuallyInstrument(callbacks);

const { ChatOpenAI } = await import("@langchain/openai");
const { createAgent, tool } = await import("langchain");
const { z } = await import("zod");

/** In the scenario `slow` it takes 3 s. */
const time = async () => {
  if (process.argv[2] === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return "12:00";
};

const schema = z.object({ city: z.string() });
const agent = createAgent({
  name: "weather",
  model: new ChatOpenAI({ model: "scripted-1", useResponsesApi: false }),
  tools: [
    tool(async () => "sunny", { name: "get_weather", description: "The weather", schema }),
    tool(time, { name: "get_time", description: "The time", schema }),
  ],
});
await agent.invoke(
  { messages: [{ role: "user", content: "What is it like in Oslo?" }] },
  { metadata: { session_id: "session-1" }, configurable: { thread_id: "thread-1" } },
);
await provider.shutdown();
