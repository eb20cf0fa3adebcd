// One turn of the Vercel AI SDK under Logfire, which sends a pending span for every span that starts.
// "unfinished": the turn is aborted while a tool hangs. "killed": the process is. "abandoned": an agent of
// one's own gives a tool up and ends its run, and the tool's span is never ended.
import { setTimeout as sleep } from "node:timers/promises";
import * as logfire from "@pydantic/logfire-node";
import { generateText, stepCountIs, tool } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { z } from "zod";

const scenario = process.argv[2];
logfire.configure({
  token: "none",
  console: false,
  metrics: false,
  advanced: { baseUrl: process.env.OTEL_EXPORTER_OTLP_ENDPOINT },
});

if (scenario === "abandoned") {
  await abandon();
  await logfire.shutdown();
  process.exit(0);
}

async function abandon() {
  const run = logfire.startSpan("invoke_agent weather", {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.conversation.id": "session-1",
  });
  const below = (name, attributes) => logfire.startSpan(name, attributes, { parentSpan: run });
  below("chat scripted-1", { "gen_ai.operation.name": "chat" }).end();
  const tool = { "gen_ai.operation.name": "execute_tool" };
  below("execute_tool get_weather", { ...tool, "gen_ai.tool.name": "get_weather" }).end();
  below("execute_tool get_time", { ...tool, "gen_ai.tool.name": "get_time" });
  await sleep(600);
  run.end();
  await sleep(600);
}

const usage = {
  inputTokens: { total: 20, noCache: 20, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 10, text: 10, reasoning: 0 },
};
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
function call(toolCallId, toolName) {
  return { type: "tool-call", toolCallId, toolName, input: '{"city":"Oslo"}' };
}

const turnIsOver = new AbortController();
const place = z.object({ city: z.string() });
const turn = generateText({
  model: new MockLanguageModelV3({
    doGenerate: async () => ({ ...answers.shift(), usage, warnings: [] }),
  }),
  prompt: "What is it like in Oslo?",
  stopWhen: stepCountIs(3),
  tools: {
    get_weather: tool({
      description: "The weather",
      inputSchema: place,
      execute: async () => "sunny",
    }),
    get_time: tool({
      description: "The time",
      inputSchema: place,
      execute: async () => {
        await sleep(600);
        if (scenario !== "turn") {
          if (scenario === "killed") {
            process.kill(process.pid, "SIGKILL");
          }
          turnIsOver.abort();
          await sleep(1e9, undefined, { ref: false });
        }
        return "12:00";
      },
    }),
  },
  abortSignal: turnIsOver.signal,
  experimental_telemetry: {
    isEnabled: true,
    functionId: "weather",
    metadata: { sessionId: "session-1" },
  },
});
await Promise.race([
  turn.catch(() => {}),
  new Promise((resolve) => turnIsOver.signal.addEventListener("abort", resolve)),
]);
await Promise.race([logfire.shutdown?.(), sleep(3_000)]);
process.exit(0);
