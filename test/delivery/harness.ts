import { z } from "zod";
import type { ConsumeResult, Consumer } from "../../src/component/consumer.ts";
import type { Replaces } from "../../src/component/settings.ts";
import type { Storage } from "../../src/component/storage.ts";
import type { AttemptResult } from "../../src/delivery/attempt.ts";
import { retryOnFailure, sendingQueue, timeoutOption } from "../../src/delivery/delivery-config.ts";
import { createDelivery } from "../../src/delivery/exporter-helper.ts";
import type { Payload } from "../../src/otlp/payload.ts";
import { testSettings } from "../exporters/settings.ts";

const schema = z.strictObject({
  timeout: timeoutOption("30s"),
  retry_on_failure: retryOnFailure(),
  sending_queue: sendingQueue(),
});

/** A payload whose bytes are `text`, with as many items as it has characters. */
export function payloadOf(text: string): Payload {
  return { signal: "traces", bytes: Buffer.from(text), items: text.length };
}

/** Lets everything run that does not wait for time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export type Answer = AttemptResult | Promise<AttemptResult>;

/** A delivery of traces to a backend whose answers the test decides. */
export function delivery(
  section: Readonly<Record<string, unknown>> = {},
  { storage, replaces }: { readonly storage?: Storage; readonly replaces?: Replaces } = {},
) {
  const { settings, clock, log, statuses, beginStop, ownMetrics } = testSettings("otlp_http");
  const counts = settings.exportCounts("traces");
  const sent: string[] = [];
  const attempts: string[] = [];
  const backend = {
    answer: (_text: string, _abort: AbortSignal): Answer => ({ status: "sent" }),
  };
  const subject = createDelivery(
    {
      ...settings,
      ...(storage === undefined ? {} : { storage }),
      ...(replaces === undefined ? {} : { replaces }),
    },
    schema.parse(section),
    {
      host: () => "backend:4318",
      async attempt({ bytes }, abort) {
        const text = Buffer.from(bytes).toString();
        attempts.push(text);
        const result = await backend.answer(text, abort);
        if (result.status === "sent") {
          sent.push(text);
        }
        return result;
      },
    },
  );
  const consumer: Consumer = subject.consumer("traces");
  const consume = (text: string): Promise<ConsumeResult> => consumer.consume(payloadOf(text));
  /** What the counters and the gauge of the queue say, checked against each other. */
  const balance = async () => {
    const queued = Number(
      /otelcol_exporter_queue_items\{[^}]*traces[^}]*\} (\d+)/.exec(await ownMetrics())?.[1] ?? 0,
    );
    const { consumed, restored, sent: ok, sendFailed, enqueueFailed } = counts;
    return {
      in: consumed.value + restored.value,
      out: ok.value + sendFailed.value + enqueueFailed.value + queued,
    };
  };
  return {
    ...subject,
    consume,
    consumer,
    counts,
    sent,
    attempts,
    backend,
    clock,
    log,
    statuses,
    beginStop,
    balance,
    ownMetrics,
  };
}

export const unavailable: AttemptResult = { status: "retryable", message: "Unavailable." };
export const refused = {
  status: "permanent",
  message: "Bad request.",
  isContentRefused: true,
} as const satisfies AttemptResult;

/** The answer when an attempt is aborted. */
export function whenAborted(abort: AbortSignal): Promise<AttemptResult> {
  return new Promise((resolve) => {
    const end = () => resolve({ status: "retryable", message: `Aborted: ${abort.reason}.` });
    if (abort.aborted) {
      end();
    }
    abort.addEventListener("abort", end, { once: true });
  });
}
