import type { Payload, Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { agentSpan, keyValues, tracesRequest } from "../support/agent-spans.ts";

/**
 * New payloads of a signal: one with ordinary items only, one with items of which session_activity consumes some, and one
 * that it consumes whole. Each has an ArrayBuffer of its own, and is frozen except for its bytes.
 */
export function samplePayloads(signal: Signal): readonly Payload[] {
  switch (signal) {
    case "traces":
      return traces();
    case "metrics":
      return [payloadOf("metrics", metrics(), 1)];
    case "logs":
      return logs();
    default: {
      const never: never = signal;
      return never;
    }
  }
}

/** A new payload with ordinary items only. */
export function ordinaryPayload(signal: Signal): Payload {
  const [ordinary] = samplePayloads(signal);
  return ordinary!;
}

function traces(): readonly Payload[] {
  const [request, run] = [agentSpan("GET /"), agentSpan("openclaw.run", session)];
  const tool = agentSpan("openclaw.tool.execution", session, run);
  const finished = { span: request, endUnixMs: request.startUnixMs + 5 };
  return [
    payloadOf("traces", tracesRequest(service, [finished]), 1),
    payloadOf("traces", tracesRequest(service, [finished, { span: run }, { span: tool }]), 3),
    payloadOf("traces", tracesRequest(service, [{ span: run }]), 1),
  ];
}

function metrics(): Uint8Array {
  return otlp.ExportMetricsServiceRequest.encode({
    resourceMetrics: [
      {
        resource: { attributes: keyValues({ "service.name": service }) },
        scopeMetrics: [
          { metrics: [{ name: "requests", gauge: { dataPoints: [{ asDouble: 1.5 }] } }] },
        ],
      },
    ],
  }).finish();
}

function logs(): readonly Payload[] {
  const ordinary = { body: { stringValue: "Something happened." } };
  const sessionEnd = { eventName: "session.end", attributes: keyValues({ "session.id": "a" }) };
  const openSpan = {
    attributes: keyValues({ "partial.event": "heartbeat", "partial.frequency": "5000ms" }),
    body: { bytesValue: tracesRequest(service, [{ span: agentSpan("openclaw.run", session) }]) },
  };
  return [[ordinary], [ordinary, sessionEnd, openSpan], [openSpan]].map((logRecords) =>
    payloadOf(
      "logs",
      otlp.ExportLogsServiceRequest.encode({
        resourceLogs: [
          {
            resource: { attributes: keyValues({ "service.name": service }) },
            scopeLogs: [{ logRecords }],
          },
        ],
      }).finish(),
      logRecords.length,
    ),
  );
}

const service = "contract";
const session = { "openclaw.sessionKey": "agent:main:contract" };

function payloadOf(signal: Signal, encoded: Uint8Array, items: number): Payload {
  const bytes = new Uint8Array(new ArrayBuffer(encoded.length));
  bytes.set(encoded);
  return Object.freeze({ signal, bytes, items, transport: "http" });
}
