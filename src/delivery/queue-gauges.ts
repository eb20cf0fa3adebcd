import type { Settings } from "../component/settings.ts";
import type { Signal } from "../otlp/payload.ts";
import { queueInstruments } from "./delivery-instruments.ts";
import type { SendingQueue } from "./sending-queue.ts";

/** Publishes the size, the capacity and the items of an exporter's queues. */
export function publishQueues(
  { id, meter }: Settings,
  queues: ReadonlyMap<Signal, { readonly queue: SendingQueue }>,
): void {
  const gauges = [
    [queueInstruments.size, (queue: SendingQueue) => queue.size],
    [queueInstruments.capacity, (queue: SendingQueue) => queue.capacity],
    [queueInstruments.items, (queue: SendingQueue) => queue.items],
  ] as const;
  for (const [{ name, unit, description }, read] of gauges) {
    meter.createObservableGauge(name, { unit, description }).addCallback((result) => {
      for (const [signal, { queue }] of queues) {
        result.observe(read(queue), { exporter: id, data_type: signal });
      }
    });
  }
}
