// An application that runs the commands on its standard input, one per line, and prints "did …" after
// each. It uses only the API of OpenTelemetry until the command "sdk".
import { createInterface } from "node:readline";
import { context, metrics, type Span, type TracerProvider, trace } from "@opentelemetry/api";

const tracer = trace.getTracer("agent");
const open = new Map<string, Span>();
let provider: (TracerProvider & { shutdown(): Promise<void> }) | undefined;

const operations: Readonly<Record<string, string>> = {
  run: "invoke_agent",
  tool: "execute_tool",
  phantom: "execute_tool",
  step: "agent_step",
};

async function act(verb: string, name: string, parent: string): Promise<void> {
  switch (verb) {
    case "run":
    case "tool":
    case "phantom":
    case "step": {
      const above = open.get(parent);
      const attributes = { "gen_ai.operation.name": operations[verb] ?? "" };
      const start = () => open.set(name, tracer.startSpan(name, { attributes }));
      if (above === undefined) {
        start();
      } else {
        // By the active context, as instrumentations do it.
        context.with(trace.setSpan(context.active(), above), start);
      }
      return;
    }
    case "end":
      open.get(name)?.end();
      return;
    case "block": {
      // A tool that keeps the event loop busy for so many milliseconds.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(name));
      return;
    }
    case "sdk":
      return registerSdk({ withContext: true });
    case "provider":
      return registerSdk({ withContext: false });
    case "shutdown":
      // The provider that is registered; the process lives on.
      await provider?.shutdown();
      return;
    case "count":
      metrics.getMeter("agent").createCounter(name).add(1);
      return;
    case "handle":
      process.once("SIGTERM", () => setTimeout(() => process.exit(7), 2_000));
      return;
    case "quit":
      lines.close();
      process.stdin.destroy();
      return;
    default:
      throw new Error(`What is ${verb}?`);
  }
}

/** An SDK of its own, which logs each span that ended on standard output. */
async function registerSdk({ withContext }: { withContext: boolean }): Promise<void> {
  const { TracerProvider: SdkTracerProvider } = await import("@opentelemetry/sdk-trace");
  const { AsyncLocalStorageContextManager } = await import("@opentelemetry/context-async-hooks");
  const contextIsMine =
    withContext && context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const { resourceFromAttributes } = await import("@opentelemetry/resources");
  provider = new SdkTracerProvider({
    resource: resourceFromAttributes({ "service.name": "agent", "service.instance.id": "own-sdk" }),
    spanProcessors: [
      {
        onStart: () => {},
        onEnd: (span) =>
          console.log(`ended ${span.name} below ${span.parentSpanContext?.spanId ?? "nothing"}`),
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
  const traceIsMine = trace.setGlobalTracerProvider(provider);
  console.log(`registered ${contextIsMine} ${traceIsMine}`);
}

const lines = createInterface({ input: process.stdin });
for await (const line of lines) {
  const [verb = "", name = "", parent = ""] = line.split(" ");
  await act(verb, name, parent);
  console.log(`did ${line}`);
}
