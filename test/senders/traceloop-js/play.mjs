// One turn of an agent with the SDK of Traceloop: a workflow, an agent, two tools, the OpenAI client.
import * as traceloop from "@traceloop/node-server-sdk";
import OpenAI from "openai";

traceloop.initialize({
  appName: "traceloop-js",
  apiKey: "none",
  baseUrl: process.env.OTEL_EXPORTER_OTLP_ENDPOINT,
  instrumentModules: { openAI: OpenAI },
  silenceInitializationMessage: true,
  tracingEnabled: true,
});

/** In the scenario `slow` it takes 3 s. */
const time = async () => {
  if (process.argv[2] === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return "12:00";
};

const openai = new OpenAI();
const tools = ["get_weather", "get_time"].map((name) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties: { city: { type: "string" } } } },
}));
const ask = (messages) => openai.chat.completions.create({ model: "scripted-1", messages, tools });

await traceloop.withWorkflow(
  { name: "answer", associationProperties: { session_id: "session-1" } },
  () =>
    traceloop.withAgent({ name: "weather" }, async () => {
      const messages = [{ role: "user", content: "What is it like in Oslo?" }];
      const first = await ask(messages);
      const answer = first.choices[0].message;
      messages.push(answer);
      for (const call of answer.tool_calls) {
        const content = await traceloop.withTool({ name: call.function.name }, async () =>
          call.function.name === "get_time" ? time() : "sunny",
        );
        messages.push({ role: "tool", tool_call_id: call.id, content });
      }
      await traceloop.withTask({ name: "sum_up" }, () => ask(messages));
    }),
);
await traceloop.forceFlush();
