// An application that registers whatever SDK is installed beside it, does one turn with one tool, and ends.
import { trace } from "@opentelemetry/api";

const reporter = {
  onStart() {},
  onEnd(span) {
    const parent = span.parentSpanContext?.spanId ?? span.parentSpanId ?? "nothing";
    console.log(`ended ${span.name} ${span.spanContext().spanId} below ${parent}`);
  },
  forceFlush: async () => {},
  shutdown: async () => {},
};

async function register() {
  try {
    const { NodeSDK } = await import("@opentelemetry/sdk-node");
    const sdk = new NodeSDK({ spanProcessors: [reporter], logRecordProcessors: [] });
    sdk.start();
    return sdk;
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") {
      throw error;
    }
    const { NodeTracerProvider } = await import("@opentelemetry/sdk-trace-node");
    const provider = new NodeTracerProvider({ spanProcessors: [reporter] });
    if (provider._registeredSpanProcessors?.length === 0) {
      // The oldest SDKs do not know the option.
      provider.addSpanProcessor(reporter);
    }
    provider.register();
    return provider;
  }
}

const sdk = await register();
const tracer = trace.getTracer("app");
const attributes = (operation) => ({ attributes: { "gen_ai.operation.name": operation } });
await tracer.startActiveSpan("invoke_agent a", attributes("invoke_agent"), async (run) => {
  await tracer.startActiveSpan("execute_tool b", attributes("execute_tool"), async (tool) => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    tool.end();
  });
  run.end();
});
await sdk.shutdown();
