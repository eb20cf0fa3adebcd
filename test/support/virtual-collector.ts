import { createVirtualClock } from "../../src/cli/virtual-clock.ts";
import { accepted } from "../../src/component/consumer.ts";
import { renderPrometheus } from "../../src/metrics/prometheus-text.ts";
import type { Payload, Signal } from "../../src/otlp/payload.ts";
import { schema } from "../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../src/processors/session_activity/processor.ts";
import { testSettings } from "../exporters/settings.ts";
import { type DerivedEvent, eventsIn } from "./derived-telemetry.ts";
import { type MetricsPage, metricsPage } from "./metrics-page.ts";

/** `session_activity` by itself, in a time that moves when told to. */
export interface VirtualCollector {
  /** Moves time to `atMs` after the start; what is due on the way happens. */
  advanceTo(atMs: number): Promise<void>;
  consume(signal: Signal, bytes: Uint8Array): Promise<void>;
  /** Every event of this name so far, its time in seconds after the start. */
  events(name: string): readonly (DerivedEvent & { readonly atSeconds: number })[];
  page(): Promise<MetricsPage>;
}

/** `config` is the section of the processor. Time 0 is `startUnixMs` by the clocks of senders. */
export async function startVirtualCollector(
  config: object,
  startUnixMs: number,
): Promise<VirtualCollector> {
  const clock = createVirtualClock(startUnixMs);
  const { settings } = testSettings("session_activity");
  const component = createSessionActivity({ ...settings, clock }, schema.parse(config));
  const derived: Payload[] = [];
  const next = { consume: async () => accepted };
  component.receiver!.connect("logs", {
    async consume(payload) {
      derived.push(payload);
      return accepted;
    },
  });
  const entries = {
    traces: component.processor!.wrap("traces", next),
    logs: component.processor!.wrap("logs", next),
  };
  await component.start();
  return {
    advanceTo: (atMs) => clock.advanceTo(atMs, settled),
    async consume(signal, bytes) {
      if (signal !== "metrics") {
        await entries[signal].consume({ signal, bytes, items: 1 });
      }
    },
    events: (name) =>
      eventsIn(derived, name).map((event) => ({
        ...event,
        atSeconds: Math.round(event.timeUnixMs - startUnixMs) / 1000,
      })),
    async page() {
      const collected = await component.receiver!.metrics!.collect();
      return metricsPage(renderPrometheus(collected, { stripPrefix: "openclaw." }));
    },
  };
}

/** Resolves when everything that was set in motion is done. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
