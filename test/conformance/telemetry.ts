import type { Signal } from "../../src/otlp/payload.ts";
import type { Message } from "./messages.ts";

export const signals = ["traces", "metrics", "logs"] as const satisfies readonly Signal[];

export const traceId = "0af7651916cd43dd8448eb211c80319c";
export const spanId = "b7ad6b7169203331";

/** A request with one item, which `mark` makes recognizable. */
export function oneItem(signal: Signal, mark: string): Message {
  switch (signal) {
    case "traces":
      return spansOf({ name: mark });
    case "metrics":
      return metricsOf({
        name: mark,
        gauge: { dataPoints: [{ timeUnixNano: "1700000000000000000", asDouble: 1.5 }] },
      });
    case "logs":
      return logsOf({ body: { stringValue: mark } });
    default: {
      const never: never = signal;
      return never;
    }
  }
}

/** A request with these spans. What is not given is valid. */
export function spansOf(...spans: readonly Message[]): Message {
  const whole = spans.map((span) => ({
    traceId,
    spanId,
    kind: 1,
    startTimeUnixNano: "1700000000000000000",
    endTimeUnixNano: "1700000001000000000",
    ...span,
  }));
  return { resourceSpans: [{ scopeSpans: [{ spans: whole }] }] };
}

export function metricsOf(...metrics: readonly Message[]): Message {
  return { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
}

export function logsOf(...logRecords: readonly Message[]): Message {
  const whole = logRecords.map((record) => ({ timeUnixNano: "1700000000000000000", ...record }));
  return { resourceLogs: [{ scopeLogs: [{ logRecords: whole }] }] };
}

/** The spans, metrics or log records in a request. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is OTLP's, and a wrong one fails the check.
export function itemsOf(message: any): readonly any[] {
  const [parts = []] = Object.values(message ?? {});
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  return (parts as any[]).flatMap(({ resource: _, ...part }) =>
    Object.values(part).flatMap((scopes) =>
      // biome-ignore lint/suspicious/noExplicitAny: see above.
      (Array.isArray(scopes) ? (scopes as any[]) : []).flatMap(
        ({ spans, metrics, logRecords }) => spans ?? metrics ?? logRecords ?? [],
      ),
    ),
  );
}
