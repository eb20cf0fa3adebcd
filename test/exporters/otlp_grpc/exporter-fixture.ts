import { afterEach } from "vitest";
import type { ConsumeResult } from "../../../src/component/consumer.ts";
import { factory } from "../../../src/exporters/otlp_grpc/factory.ts";
import type { Signal } from "../../../src/otlp/payload.ts";
import { noDeadline, testSettings } from "../settings.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup();
  }
});

/** Cleans up after the test, the last first. */
export function afterwards(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export const payloadBytes = Uint8Array.from({ length: 5_000 }, (_, index) => (index * 7) % 256);

/** An exporter without TLS, queue and retries, so that a sender gets the result of the one attempt. */
export function exporter(section: Readonly<Record<string, unknown>>) {
  const test = testSettings("otlp_grpc");
  const component = factory.create(test.settings, {
    tls: { insecure: true },
    sending_queue: { enabled: false },
    retry_on_failure: { enabled: false },
    ...section,
  });
  afterwards(() => component.shutdown(noDeadline()));
  const consumers = new Map<Signal, ReturnType<typeof consumerOf>>();
  const consumerOf = (signal: Signal) => component.exporter!.consumer!(signal);
  const consume = (signal: Signal, bytes: Uint8Array = payloadBytes): Promise<ConsumeResult> => {
    const consumer = consumers.get(signal) ?? consumerOf(signal);
    consumers.set(signal, consumer);
    return consumer.consume({ signal, bytes, items: 3 });
  };
  return { ...test, component, consume };
}
