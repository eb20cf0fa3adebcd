import type { Signal } from "./payload.ts";

export const signals = ["traces", "metrics", "logs"] as const satisfies readonly Signal[];

/** The name of the one field of a request, in OTLP's JSON. */
export const requestFields = {
  traces: "resourceSpans",
  metrics: "resourceMetrics",
  logs: "resourceLogs",
} as const satisfies Record<Signal, string>;

const snakeCase = {
  traces: "resource_spans",
  metrics: "resource_metrics",
  logs: "resource_logs",
} as const satisfies Record<Signal, string>;

/** Both spellings of it. */
export function requestNames(signal: Signal): readonly [string, string] {
  return [requestFields[signal], snakeCase[signal]];
}
