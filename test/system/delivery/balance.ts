import { scrape } from "../../support/metrics-page.ts";

/** What the collector's own counters say about the items of a signal. */
export interface Balance {
  readonly accepted: number;
  readonly refused: number;
  /** Passed to the exporter, and found in its queue at the start. */
  readonly consumed: number;
  readonly restored: number;
  readonly sent: number;
  readonly sendFailed: number;
  readonly enqueueFailed: number;
  readonly queued: number;
  /** Refused by a memory limiter, which is before `session_activity`. */
  readonly limited: number;
  /** What became of the items in `session_activity`. */
  readonly activity: Readonly<
    Record<"incoming" | "outgoing" | "added" | "consumed" | "refused", number>
  >;
}

/** Reads the counters of the exporter `otlp_http` and of the receiver from the collector's own metrics. */
export async function balanceOf(telemetry: string, signal: "traces" | "logs"): Promise<Balance> {
  const page = await scrape(telemetry);
  const word = signal === "traces" ? "spans" : "log_records";
  const exported = (outcome: string) =>
    page.sum(`otelcol_exporter_${outcome}_${word}`, { exporter: "otlp_http" });
  const passing = (name: string) =>
    page.sum(`otelcol_processor_${name}`, { processor: "session_activity", otel_signal: signal });
  return {
    accepted: page.sum(`otelcol_receiver_accepted_${word}`, {}),
    refused: page.sum(`otelcol_receiver_refused_${word}`, {}),
    consumed: exported("consumed"),
    restored: exported("restored"),
    sent: exported("sent"),
    sendFailed: exported("send_failed"),
    enqueueFailed: exported("enqueue_failed"),
    queued: page.sum("otelcol_exporter_queue_items", { exporter: "otlp_http", data_type: signal }),
    limited: page.sum(`otelcol_processor_memory_limiter_refused_${word}`, {}),
    activity: {
      incoming: passing("incoming_items"),
      outgoing: passing("outgoing_items"),
      added:
        signal === "traces" ? page.sum("otelcol_processor_session_activity_added_spans", {}) : 0,
      consumed: passing("session_activity_consumed_items"),
      refused: passing("session_activity_refused_items"),
    },
  };
}
