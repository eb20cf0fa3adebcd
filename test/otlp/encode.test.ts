import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import { describe, expect, test } from "vitest";
import { checkRequest } from "../../src/otlp/check-request.ts";
import {
  decodeExportResponse,
  encodeExportResponse,
  encodeLogEvents,
  encodeSpans,
  type LogEvent,
} from "../../src/otlp/encode.ts";
import fc from "../support/fast-check.ts";
import { requestType } from "./arbitrary-messages.ts";
import { strictlyDecoded } from "./strict-decoder.ts";

const serializers = {
  traces: { protobuf: ProtobufTraceSerializer, json: JsonTraceSerializer, count: "rejectedSpans" },
  metrics: {
    protobuf: ProtobufMetricsSerializer,
    json: JsonMetricsSerializer,
    count: "rejectedDataPoints",
  },
  logs: { protobuf: ProtobufLogsSerializer, json: JsonLogsSerializer, count: "rejectedLogRecords" },
} as const;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("the answer to an export request", () => {
  for (const signal of ["traces", "metrics", "logs"] as const) {
    const { protobuf, json, count } = serializers[signal];

    test(`for ${signal} in protobuf is what the SDK reads as partial success`, () => {
      const bytes = encodeExportResponse("protobuf", signal, { rejected: 7, message: "Too long." });
      const response = protobuf.deserializeResponse(bytes);
      expect(Number(Object(response.partialSuccess)[count])).toBe(7);
      expect(response.partialSuccess?.errorMessage).toBe("Too long.");
    });

    test(`for ${signal} in JSON is what the SDK reads as partial success`, () => {
      const bytes = encodeExportResponse("json", signal, { rejected: 7, message: "Too long." });
      const response = json.deserializeResponse(bytes);
      expect(response).toEqual({ partialSuccess: { [count]: "7", errorMessage: "Too long." } });
    });

    test(`for ${signal} without anything to say is the empty message`, () => {
      expect(encodeExportResponse("protobuf", signal)).toEqual(new Uint8Array(0));
      expect(text(encodeExportResponse("json", signal))).toBe("{}");
    });

    test(`for ${signal} is read back as it was written`, () => {
      fc.assert(
        fc.property(fc.maxSafeNat(), fc.string(), (rejected, message) => {
          const bytes = encodeExportResponse("protobuf", signal, { rejected, message });
          const isEmpty = rejected === 0 && message === "";
          expect(decodeExportResponse(signal, bytes)).toEqual(
            isEmpty ? undefined : { rejected, message },
          );
        }),
      );
    });

    test(`for ${signal} that is no such message says nothing`, () => {
      expect(decodeExportResponse(signal, new Uint8Array(0))).toBeUndefined();
      expect(decodeExportResponse(signal, new TextEncoder().encode("<html>"))).toBeUndefined();
      fc.assert(
        fc.property(fc.uint8Array(), (bytes) => {
          const partial = decodeExportResponse(signal, bytes);
          expect(partial === undefined || partial.rejected >= 0).toBe(true);
        }),
      );
    });
  }
});

describe("events as log records", () => {
  const event: LogEvent = {
    timeUnixNano: 1_760_000_000_123_456_789n,
    eventName: "session.activity.evicted",
    severityNumber: 13,
    severityText: "WARN",
    body: "Work of a session was evicted.",
    attributes: {
      reason: "max_age",
      evictedTools: 2,
      share: 0.5,
      negative: -3,
      wide: 2 ** 40,
      sure: true,
    },
  };
  const type = requestType("logs");

  test("carry everything that was given, times to the nanosecond", () => {
    const bytes = encodeLogEvents({
      resource: { "service.name": "collector" },
      scope: { name: "session_activity", version: "1.2.3" },
      events: [
        event,
        { ...event, traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(2) },
      ],
    });
    const record = {
      timeUnixNano: "1760000000123456789",
      observedTimeUnixNano: "1760000000123456789",
      severityNumber: "SEVERITY_NUMBER_WARN",
      severityText: "WARN",
      eventName: "session.activity.evicted",
      body: { stringValue: "Work of a session was evicted." },
      attributes: [
        { key: "reason", value: { stringValue: "max_age" } },
        { key: "evictedTools", value: { intValue: "2" } },
        { key: "share", value: { doubleValue: 0.5 } },
        { key: "negative", value: { intValue: "-3" } },
        { key: "wide", value: { intValue: "1099511627776" } },
        { key: "sure", value: { boolValue: true } },
      ],
    };
    expect(
      type.toObject(type.decode(bytes), { longs: String, enums: String, bytes: String }),
    ).toEqual({
      resourceLogs: [
        {
          resource: { attributes: [{ key: "service.name", value: { stringValue: "collector" } }] },
          scopeLogs: [
            {
              scope: { name: "session_activity", version: "1.2.3" },
              logRecords: [
                record,
                { ...record, traceId: "AQEBAQEBAQEBAQEBAQEBAQ==", spanId: "AgICAgICAgI=" },
              ],
            },
          ],
        },
      ],
    });
    expect(checkRequest("logs", bytes)).toEqual({ ok: true, bytes, items: 2, rejected: 0 });
  });

  test("is valid UTF-8, also of texts that were cut inside of a character", () => {
    const half = "cut \ud83d";
    const attributes = { [half]: half };
    const logs = encodeLogEvents({
      resource: attributes,
      scope: { name: "s", version: "1" },
      events: [
        {
          timeUnixNano: 1n,
          eventName: "e",
          severityNumber: 9,
          severityText: "INFO",
          body: half,
          attributes,
        },
      ],
    });
    const spans = encodeSpans({
      resource: attributes,
      scope: { name: "s", version: "1" },
      spans: [
        {
          traceId: new Uint8Array(16).fill(1),
          spanId: new Uint8Array(8).fill(1),
          parentSpanId: new Uint8Array(8),
          name: half,
          startTimeUnixNano: 1n,
          endTimeUnixNano: 2n,
          attributes,
          statusMessage: half,
          linkedSpanId: new Uint8Array(8).fill(2),
        },
      ],
    });
    expect(JSON.stringify(strictlyDecoded("logs", logs)).split("cut \ufffd")).toHaveLength(6);
    expect(JSON.stringify(strictlyDecoded("traces", spans)).split("cut \ufffd")).toHaveLength(7);
  });
});
