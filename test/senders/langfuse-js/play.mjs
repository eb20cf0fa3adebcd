// One turn of an agent traced with Langfuse, the model through its wrapper of the OpenAI client.
import { observeOpenAI } from "@langfuse/openai";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { propagateAttributes, startActiveObservation } from "@langfuse/tracing";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import OpenAI from "openai";

const provider = new NodeTracerProvider({
  spanProcessors: [
    new LangfuseSpanProcessor({
      publicKey: "none",
      secretKey: "none",
      baseUrl: process.env.LANGFUSE_BASE_URL ?? process.env.OTEL_EXPORTER_OTLP_ENDPOINT,
    }),
  ],
});
provider.register();

/** In the scenario `slow` it takes 3 s. */
const time = async () => {
  if (process.argv[2] === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return "12:00";
};

const openai = observeOpenAI(new OpenAI());
const tools = ["get_weather", "get_time"].map((name) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties: { city: { type: "string" } } } },
}));
const ask = (messages) => openai.chat.completions.create({ model: "scripted-1", messages, tools });

await propagateAttributes({ sessionId: "session-1" }, () =>
  startActiveObservation(
    "weather",
    async (agent) => {
      const messages = [{ role: "user", content: "What is it like in Oslo?" }];
      agent.update({ input: messages });
      const first = await ask(messages);
      const answer = first.choices[0].message;
      messages.push(answer);
      for (const call of answer.tool_calls) {
        await startActiveObservation(
          call.function.name,
          async (tool) => {
            const content = call.function.name === "get_time" ? await time() : "sunny";
            tool.update({ input: call.function.arguments, output: content });
            messages.push({ role: "tool", tool_call_id: call.id, content });
          },
          { asType: "tool" },
        );
      }
      const last = await ask(messages);
      agent.update({ output: last.choices[0].message });
    },
    { asType: "agent" },
  ),
);
await provider.shutdown();
