// One side of heartbeats.bench.ts: an application with open work that sends heartbeats in one way.
import { setTimeout as wait } from "node:timers/promises";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { createResourceOf, liveSpanOf } from "../src/preload/live-span.ts";
import { LiveSpanProcessor } from "../src/preload/live-span-processor.ts";
import type { StartedSpan } from "../src/preload/started-span.ts";
import { createHttpClient } from "../src/sender/http-client.ts";
import { systemClock } from "../src/system-clock.ts";

/** No heartbeats; the preload's thread; every open span again, because a repeated start is a heartbeat, too. */
export type Way = "none" | "thread" | "repeats";

const [way = "none", url = "", open = "100", interval = "20"] = process.argv.slice(2);

const live = new LiveSpanProcessor({
  endpoint: url,
  heartbeatIntervalMs: way === "thread" ? Number(interval) : 0,
});
const started: StartedSpan[] = [];
const provider = new TracerProvider({
  resource: resourceFromAttributes({
    "service.name": "bench",
    "service.instance.id": way,
    "host.name": "here",
    "process.pid": process.pid,
  }),
  spanProcessors: [
    live,
    {
      onStart: (span) => void started.push(span),
      onEnd: () => {},
      forceFlush: async () => {},
      shutdown: async () => {},
    },
  ],
});
const tracer = provider.getTracer("bench");
for (let span = 0; span < Number(open); span++) {
  tracer.startSpan("invoke_agent a", { attributes: { "gen_ai.operation.name": "invoke_agent" } });
}
await live.forceFlush();
if (way === "repeats") {
  const client = createHttpClient({
    endpoint: new URL(url),
    headers: {},
    timeoutMs: 5_000,
    clock: systemClock,
  });
  const resourceOf = createResourceOf();
  setInterval(() => {
    const bytes = ProtobufTraceSerializer.serializeRequest(
      started.map((span) => liveSpanOf(span, resourceOf)),
    );
    void client.post({ signal: "traces", body: bytes ?? new Uint8Array() });
  }, Number(interval));
}
await wait(1_000);
process.send?.("ready");
process.once("disconnect", () => process.exit(0));
setInterval(() => {}, 60_000);
