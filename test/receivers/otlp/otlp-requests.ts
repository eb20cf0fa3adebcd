import type { Encoding } from "../../../src/otlp/encode.ts";
import type { Signal } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";

export const signals = ["traces", "metrics", "logs"] as const satisfies readonly Signal[];
export const encodings = ["protobuf", "json"] as const satisfies readonly Encoding[];

export const contentTypes = {
  protobuf: "application/x-protobuf",
  json: "application/json",
} as const satisfies Record<Encoding, string>;

/** Something that must never be repeated in an answer, a log line or a metric. */
export const secret = "canary-4711-session-key";

export const traceIdHex = "0af7651916cd43dd8448eb211c80319c";

/** A request with one well-formed item, the same in both encodings. */
export function oneItem(signal: Signal, encoding: Encoding): Uint8Array {
  return encoding === "json" ? textBytes(JSON.stringify(jsonOf[signal])) : protobufOf[signal];
}

/** One resource whose attribute fills a request up to exactly so many bytes. */
export function requestOfSize(wantedBytes: number): Uint8Array {
  let padding = Math.floor(wantedBytes);
  for (;;) {
    const request = otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [
        {
          resource: { attributes: [{ key: "k", value: { stringValue: "x".repeat(padding) } }] },
          scopeSpans: [
            { spans: [{ traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(1) }] },
          ],
        },
      ],
    }).finish();
    if (request.length === Math.floor(wantedBytes)) return request;
    padding -= request.length - Math.floor(wantedBytes);
  }
}

/** Two spans, the second with a span id of three bytes. */
export function oneOfTwoSpansMalformed(encoding: Encoding): Uint8Array {
  if (encoding === "json") {
    const [resourceSpans] = jsonOf.traces.resourceSpans;
    const [span] = resourceSpans.scopeSpans[0].spans;
    const spans = [span, { ...span, spanId: "" }];
    return textBytes(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
  }
  const span = { traceId: hex(traceIdHex), spanId: hex("b7ad6b7169203331"), name: secret };
  const spans = [span, { ...span, spanId: hex("b7ad6b") }];
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ scopeSpans: [{ spans }] }],
  }).finish();
}

export function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

const protobufOf: Record<Signal, Uint8Array> = {
  traces: otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [{ traceId: hex(traceIdHex), spanId: hex("b7ad6b7169203331"), name: secret }],
          },
        ],
      },
    ],
  }).finish(),
  metrics: otlp.ExportMetricsServiceRequest.encode({
    resourceMetrics: [
      {
        scopeMetrics: [{ metrics: [{ name: secret, gauge: { dataPoints: [{ asDouble: 1.5 }] } }] }],
      },
    ],
  }).finish(),
  logs: otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: secret } }] }] }],
  }).finish(),
};

const jsonOf = {
  traces: {
    resourceSpans: [
      {
        scopeSpans: [
          { spans: [{ traceId: traceIdHex, spanId: "b7ad6b7169203331", name: secret }] },
        ],
      },
    ],
  },
  metrics: {
    resourceMetrics: [
      {
        scopeMetrics: [{ metrics: [{ name: secret, gauge: { dataPoints: [{ asDouble: 1.5 }] } }] }],
      },
    ],
  },
  logs: {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: secret } }] }] }],
  },
} as const;
