import Long from "long";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";

const at = (nanos: string) => Long.fromString(nanos, true);
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const id = (hex: string) => Buffer.from(hex, "hex");

const resource = {
  attributes: [
    text("service.name", "gateway"),
    { key: "process.pid", value: { intValue: Long.fromNumber(7) } },
  ],
};
const scope = { name: "openclaw", version: "4.30", attributes: [text("a", "b")] };

const attributes = [
  text("gen_ai.tool.name", "read\u001b[31m\nfile"),
  { key: "ok", value: { boolValue: true } },
  { key: "n", value: { intValue: Long.fromString("-9223372036854775808") } },
  { key: "ratio", value: { doubleValue: 0.25 } },
  { key: "odd", value: { doubleValue: Number.NaN } },
  { key: "list", value: { arrayValue: { values: [{ stringValue: "x" }, {}] } } },
  {
    key: "map",
    value: { kvlistValue: { values: [{ key: "deep", value: { intValue: Long.ONE } }] } },
  },
  { key: "raw", value: { bytesValue: Buffer.from([1, 2, 3]) } },
  { key: "none", value: {} },
];

export const traces: Payload = {
  signal: "traces",
  items: 2,
  bytes: otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        resource,
        schemaUrl: "https://opentelemetry.io/schemas/1.30.0",
        scopeSpans: [
          {
            scope,
            schemaUrl: "https://example.org/scope",
            spans: [
              {
                traceId: id("0102030405060708090a0b0c0d0e0f10"),
                spanId: id("1112131415161718"),
                parentSpanId: id("2122232425262728"),
                traceState: "a=1",
                name: "execute_tool read",
                kind: 3,
                startTimeUnixNano: at("1795000000123456789"),
                endTimeUnixNano: at("1795000001000000000"),
                attributes,
                droppedAttributesCount: 1,
                status: { code: 2, message: "no such file" },
                flags: 257,
                events: [
                  {
                    name: "exception",
                    timeUnixNano: at("1795000000500000000"),
                    attributes: [text("exception.type", "ENOENT")],
                  },
                ],
                links: [
                  {
                    traceId: id("0102030405060708090a0b0c0d0e0f11"),
                    spanId: id("3132333435363738"),
                    attributes: [text("why", "retry")],
                  },
                ],
              },
              {
                traceId: id("0102030405060708090a0b0c0d0e0f10"),
                spanId: id("4142434445464748"),
                name: "live",
              },
            ],
          },
        ],
      },
      { scopeSpans: [] },
    ],
  }).finish(),
};

export const logs: Payload = {
  signal: "logs",
  items: 4,
  bytes: otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource,
        scopeLogs: [
          {
            scope,
            logRecords: [
              {
                timeUnixNano: at("1795000000000000001"),
                observedTimeUnixNano: at("1795000000000000002"),
                severityNumber: 13,
                severityText: "WARN",
                eventName: "session.activity.evicted",
                body: { stringValue: "Session activity was evicted." },
                attributes: [text("openclaw.reason", "orphaned_no_owner")],
                droppedAttributesCount: 2,
                traceId: id("0102030405060708090a0b0c0d0e0f10"),
                spanId: id("1112131415161718"),
                flags: 1,
              },
              { eventName: "session.activity.evicted", severityNumber: 14 },
              { eventName: "chat.message", body: { stringValue: "telegram:42" } },
              { severityNumber: 0 },
            ],
          },
        ],
      },
    ],
  }).finish(),
};

const exemplars = [
  {
    timeUnixNano: at("1795000000000000000"),
    asDouble: 1.5,
    traceId: id("0102030405060708090a0b0c0d0e0f10"),
    spanId: id("1112131415161718"),
    filteredAttributes: [text("k", "v")],
  },
];
const times = {
  startTimeUnixNano: at("1795000000000000000"),
  timeUnixNano: at("1795000010000000000"),
};

export const metrics: Payload = {
  signal: "metrics",
  items: 7,
  bytes: otlp.ExportMetricsServiceRequest.encode({
    resourceMetrics: [
      {
        resource,
        scopeMetrics: [
          {
            scope,
            metrics: [
              {
                name: "openclaw.session.activity.evicted",
                description: "Markers that were evicted.",
                unit: "{marker}",
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: true,
                  dataPoints: [
                    {
                      ...times,
                      asInt: Long.fromNumber(3),
                      attributes: [text("openclaw.reason", "max_age"), text("x", "y")],
                    },
                    { ...times, asInt: Long.ZERO },
                  ],
                },
              },
              { name: "memory", gauge: { dataPoints: [{ ...times, asDouble: 1.25, exemplars }] } },
              {
                name: "duration",
                unit: "s",
                histogram: {
                  aggregationTemporality: 1,
                  dataPoints: [
                    {
                      ...times,
                      count: at("3"),
                      sum: 61.5,
                      min: 0.5,
                      max: 60,
                      bucketCounts: [at("1"), at("2")],
                      explicitBounds: [10],
                    },
                  ],
                },
              },
              {
                name: "exponential",
                exponentialHistogram: {
                  aggregationTemporality: 2,
                  dataPoints: [
                    {
                      ...times,
                      count: at("4"),
                      scale: 1,
                      zeroCount: at("1"),
                      positive: { offset: -1, bucketCounts: [at("1"), at("1")] },
                      negative: { offset: 0, bucketCounts: [at("1")] },
                    },
                  ],
                },
              },
              {
                name: "summary",
                summary: {
                  dataPoints: [
                    {
                      ...times,
                      count: at("2"),
                      sum: 3,
                      quantileValues: [{ quantile: 0.5, value: 1 }],
                    },
                  ],
                },
              },
              { name: "nothing" },
            ],
          },
        ],
      },
    ],
  }).finish(),
};
