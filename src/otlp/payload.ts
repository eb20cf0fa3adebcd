/** A signal of OpenTelemetry that travels through pipelines. */
export type Signal = "traces" | "metrics" | "logs";

/**
 * One OTLP request on its way through the pipelines.
 *
 * `bytes` is the inflated protobuf `Export…ServiceRequest` (on the wire the same as `TracesData`,
 * `MetricsData`, `LogsData`). They are never changed: a change creates a new payload. They stay valid for
 * as long as they are referenced.
 */
export interface Payload {
  readonly signal: Signal;
  readonly bytes: Uint8Array;
  /** Number of spans, data points or log records in `bytes`. */
  readonly items: number;
  /** How the payload reached the process; absent if this program created it. */
  readonly transport?: "http" | "grpc";
}
