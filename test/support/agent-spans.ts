import { randomBytes } from "node:crypto";
import Long from "long";
import { otlp } from "../../src/otlp/proto/generated.js";

export interface AgentSpan {
  readonly name: string;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parent?: AgentSpan;
  readonly startUnixMs: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Work of an agent that began now; under `parent` when there is one. */
export function agentSpan(
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  parent?: AgentSpan,
): AgentSpan {
  return {
    name,
    traceId: parent?.traceId ?? randomBytes(16),
    spanId: randomBytes(8),
    ...(parent === undefined ? {} : { parent }),
    startUnixMs: Date.now(),
    attributes,
  };
}

/**
 * An export request of spans, each still open (`endUnixMs` left out) or finished, all from one process
 * that is called `service`.
 */
export function tracesRequest(
  service: string,
  spans: readonly { readonly span: AgentSpan; readonly endUnixMs?: number }[],
): Uint8Array {
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        resource: {
          attributes: keyValues({ "service.name": service, "service.instance.id": `${service} 1` }),
        },
        scopeSpans: [
          {
            scope: { name: "test" },
            spans: spans.map(({ span, endUnixMs }) => ({
              traceId: span.traceId,
              spanId: span.spanId,
              ...(span.parent === undefined ? {} : { parentSpanId: span.parent.spanId }),
              name: span.name,
              startTimeUnixNano: toNanos(span.startUnixMs),
              ...(endUnixMs === undefined ? {} : { endTimeUnixNano: toNanos(endUnixMs) }),
              attributes: keyValues(span.attributes),
            })),
          },
        ],
      },
    ],
  }).finish();
}

/** The requests that make exactly one marker orphaned: its tool is open when its run has ended. */
export function orphanedTool(
  service: string,
  attributes: Readonly<Record<string, string>>,
): readonly Uint8Array[] {
  const run = agentSpan("openclaw.run", attributes);
  const tool = agentSpan("openclaw.tool.execution", attributes, run);
  return [
    tracesRequest(service, [{ span: run }, { span: tool }]),
    tracesRequest(service, [{ span: run, endUnixMs: Date.now() + 1 }]),
  ];
}

export function keyValues(
  attributes: Readonly<Record<string, string>>,
): otlp.KeyValue.$Properties[] {
  return Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

/** OTLP's nanoseconds of a moment. */
export function toNanos(unixMs: number): Long {
  return Long.fromNumber(Math.round(unixMs), true).multiply(1_000_000);
}
