// Two turns with spans by the GenAI conventions, whose attributes are set at the end: what is open is known from the first turn only.
import { trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
const tracer = trace.getTracer("own");

const step = (name, attributes, run) =>
  tracer.startActiveSpan(name, async (span) => {
    try {
      return await run();
    } finally {
      span.setAttributes(attributes);
      span.end();
    }
  });
const operation = (name, more = {}) => ({ "gen_ai.operation.name": name, ...more });
const call = () => step("ask", operation("chat"), async () => {});
const tool = (name, run) =>
  step(name, operation("execute_tool", { "gen_ai.tool.name": name }), run);

const turn = (session, time) =>
  step("answer", operation("invoke_agent", { "gen_ai.conversation.id": session }), async () => {
    await call();
    await tool("get_weather", async () => "sunny");
    await tool("get_time", time);
    await call();
  });

await turn("session-1", async () => "12:00");
// The collector has the finished spans of the first turn when the second begins.
await provider.forceFlush();
/** In the scenario `slow` it takes 3 s. */
await turn("session-2", async () => {
  if (process.argv[2] === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return "12:00";
});
await provider.shutdown();
