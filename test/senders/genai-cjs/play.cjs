// One turn with spans by the GenAI conventions, whose attributes are set after the start: a CommonJS program with a provider of its own.
const { trace } = require("@opentelemetry/api");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const { BatchSpanProcessor, NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
const tracer = trace.getTracer("own");

/** In the scenario `slow` it takes 3 s. */
const time = async () => {
  if (process.argv[2] === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return "12:00";
};

/** Like many instrumentations, it says what a span is only when that has started. */
const step = (name, attributes, run) =>
  tracer.startActiveSpan(name, async (span) => {
    span.setAttributes(attributes);
    try {
      return await run();
    } finally {
      span.end();
    }
  });
const operation = (name, more = {}) => ({ "gen_ai.operation.name": name, ...more });
const call = () => step("ask", operation("chat"), async () => {});
const tool = (name, run) =>
  step(name, operation("execute_tool", { "gen_ai.tool.name": name }), run);

const session = { "gen_ai.conversation.id": "session-1" };

const play = async () => {
  await step("answer", operation("invoke_agent", session), async () => {
    await call();
    await tool("get_weather", async () => "sunny");
    await tool("get_time", time);
    await call();
  });
  await provider.shutdown();
};
play();
