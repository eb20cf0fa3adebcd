import {
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requestFromJson } from "../../src/otlp/json.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { arbitraryMessage, encodeModel, jsonOf, requestType } from "./arbitrary-messages.ts";
import { recordSpans } from "./sdk-spans.ts";

const signals = ["traces", "metrics", "logs"] as const;

function decoded(signal: Signal, bytes: Uint8Array): unknown {
  const type = requestType(signal);
  return type.toObject(type.decode(bytes), { longs: String, bytes: String });
}

function fromJson(signal: Signal, text: string): unknown {
  const request = requestFromJson(signal, text);
  return request.ok ? decoded(signal, request.bytes) : request.message;
}

describe("a request in JSON", () => {
  for (const signal of signals) {
    test(`says of ${signal} what its protobuf form says, in any of JSON's spellings`, () => {
      const type = requestType(signal);
      const style = fc.record({
        snakeCase: fc.boolean(),
        longsAsNumbers: fc.boolean(),
        enumNames: fc.boolean(),
        upperHex: fc.boolean(),
      });
      fc.assert(
        fc.property(arbitraryMessage(type), style, (model, style) => {
          expect(fromJson(signal, jsonOf(type, model, style))).toEqual(
            decoded(signal, encodeModel(type, model)),
          );
        }),
        { numRuns: 400 },
      );
    });
  }

  test("of the real SDK's spans says what the SDK's protobuf says", () => {
    const spans = recordSpans(30);
    const text = new TextDecoder().decode(JsonTraceSerializer.serializeRequest(spans));
    const bytes = ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array();
    const request = fromJson("traces", text);
    expect(JSON.stringify(request)).toContain("openclaw.tool.execution");
    expect(request).toEqual(decoded("traces", bytes));
  });

  test("of the real SDK's metrics says what the SDK's protobuf says", async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter });
    const provider = new MeterProvider({ readers: [reader] });
    const meter = provider.getMeter("test", "1.0.0");
    meter.createCounter("calls", { unit: "{call}" }).add(3, { tool: "exec", dry: true });
    meter.createHistogram("duration", { unit: "s" }).record(1.25, { tool: "exec" });
    meter.createUpDownCounter("open").add(-2);
    meter.createObservableGauge("age").addCallback((result) => result.observe(0.5));
    await provider.forceFlush();
    const [metrics] = exporter.getMetrics();
    await provider.shutdown();
    if (metrics === undefined) {
      throw new Error("The SDK made no metrics.");
    }
    const text = new TextDecoder().decode(JsonMetricsSerializer.serializeRequest(metrics));
    const bytes = ProtobufMetricsSerializer.serializeRequest(metrics) ?? new Uint8Array();
    expect(text).toContain("explicitBounds");
    expect(fromJson("metrics", text)).toEqual(decoded("metrics", bytes));
  });

  const span = (members: string): string =>
    `{"resourceSpans": [{"scopeSpans": [{"spans": [{${members}}]}]}]}`;
  const spanOf = (members: object): unknown => ({
    resourceSpans: [{ scopeSpans: [{ spans: [members] }] }],
  });

  for (const [what, members, want] of [
    [
      "an integer beyond 2^53 as a number",
      '"startTimeUnixNano": 1760000000123456789',
      { startTimeUnixNano: "1760000000123456789" },
    ],
    [
      "an integer with an exponent",
      '"startTimeUnixNano": 1.760000000123456789e18',
      { startTimeUnixNano: "1760000000123456789" },
    ],
    [
      "a short integer with an exponent",
      '"endTimeUnixNano": "1e18"',
      { endTimeUnixNano: "1000000000000000000" },
    ],
    [
      "the largest 64-bit integer",
      '"endTimeUnixNano":18446744073709551615',
      { endTimeUnixNano: "18446744073709551615" },
    ],
    ["null for a field that is absent", '"name": null, "attributes": null', {}],
    [
      "fields nobody knows",
      '"name": "a", "color": {"deep": [1]}, "__proto__": {"name": "b"}',
      { name: "a" },
    ],
    ["a kind by its name", '"kind": "SPAN_KIND_CLIENT"', { kind: 3 }],
    ["a kind that is not known yet", '"kind": 77', { kind: 77 }],
    [
      "ids in upper case",
      '"traceId": "5B8EFFF798038103D269B633813FC60C"',
      { traceId: Buffer.from("5b8efff798038103d269b633813fc60c", "hex").toString("base64") },
    ],
    [
      "an id of a wrong length, which is for the check to see",
      '"spanId": "abcd"',
      { spanId: "q80=" },
    ],
    ["a later value in place of an earlier one", '"name": "a", "name": "b"', { name: "b" }],
  ] as const) {
    test(`may have ${what}`, () => {
      expect(fromJson("traces", span(members))).toEqual(spanOf(want));
    });
  }

  test("may have values of every type as log bodies and attributes", () => {
    const values = [
      ['{"stringValue": ""}', { stringValue: "" }],
      ['{"bool_value": false}', { boolValue: false }],
      ['{"intValue": "-9223372036854775808"}', { intValue: "-9223372036854775808" }],
      ['{"intValue": -9007199254740993}', { intValue: "-9007199254740993" }],
      ['{"doubleValue": "-Infinity"}', { doubleValue: Number.NEGATIVE_INFINITY }],
      ['{"doubleValue": 12345678901234567890}', { doubleValue: 12345678901234567000 }],
      ['{"bytesValue": "-_-_"}', { bytesValue: "+/+/" }],
      [
        '{"arrayValue": {"values": [{}, {"intValue": 1}]}}',
        { arrayValue: { values: [{}, { intValue: "1" }] } },
      ],
      [
        '{"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": true}}]}}',
        { kvlistValue: { values: [{ key: "k", value: { boolValue: true } }] } },
      ],
    ] as const;
    const text = `{"resourceLogs": [{"scopeLogs": [{"logRecords": [${values
      .map(([body]) => `{"severityNumber": "SEVERITY_NUMBER_WARN2", "body": ${body}}`)
      .join(", ")}]}]}]}`;
    expect(fromJson("logs", text)).toEqual({
      resourceLogs: [
        {
          scopeLogs: [{ logRecords: values.map(([, body]) => ({ severityNumber: 14, body })) }],
        },
      ],
    });
  });

  const at = "resourceSpans[0].scopeSpans[0].spans[0]";
  for (const [what, text, problem] of [
    ["no JSON", "{secret", undefined],
    ["nothing", "", undefined],
    ["an array", "[]", "The request must be an object"],
    ["null", "null", "The request must be an object"],
    ["an object where an array belongs", '{"resourceSpans": {}}', "resourceSpans must be an array"],
    ["null in an array", '{"resourceSpans": [null]}', "resourceSpans[0] must be an object"],
    ["a number as a name", span('"name": 7'), `${at}.name must be a string`],
    [
      "a string as a flag",
      '{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"sum": {"isMonotonic": "true"}}]}]}]}',
      "resourceMetrics[0].scopeMetrics[0].metrics[0].sum.isMonotonic must be true or false",
    ],
    [
      "an id that is no hex",
      span('"trace_id": "secret-secret-secret-secret-secr"'),
      `${at}.traceId must be a string in hex`,
    ],
    ["an id of half a byte", span('"traceId": "abc"'), `${at}.traceId must be a string in hex`],
    [
      "an integer with a fraction",
      span('"startTimeUnixNano": 1.5'),
      `${at}.startTimeUnixNano must be an integer from 0 to 18446744073709551615, as a number or a string`,
    ],
    [
      "an integer that is too large",
      span('"startTimeUnixNano": "18446744073709551616"'),
      `${at}.startTimeUnixNano must be an integer from 0 to 18446744073709551615, as a number or a string`,
    ],
    [
      "a negative count",
      span('"droppedEventsCount": -1'),
      `${at}.droppedEventsCount must be an integer from 0 to 4294967295, as a number or a string`,
    ],
    [
      "a kind nobody knows by that name",
      span('"kind": "SECRET"'),
      `${at}.kind must be the number or the name of a value of its enum`,
    ],
    [
      "bytes that are no base64",
      span('"attributes": [{"value": {"bytesValue": "$ecret"}}]'),
      `${at}.attributes[0].value.bytesValue must be a string in base64`,
    ],
    [
      "a double in words",
      span('"attributes": [{"value": {"doubleValue": "secret"}}]'),
      `${at}.attributes[0].value.doubleValue must be a number, "NaN", "Infinity" or "-Infinity"`,
    ],
  ] as const) {
    test(`with ${what} is refused by its place, not by its content`, () => {
      const signal = text.includes("Metrics") ? "metrics" : "traces";
      const request = requestFromJson(signal, text);
      const message =
        problem === undefined
          ? "The body is not valid JSON."
          : `The body is not valid OTLP JSON: ${problem}.`;
      expect(request).toEqual({ ok: false, message });
      expect(message.toLowerCase()).not.toContain("secret");
    });
  }

  for (const [what, open, close] of [
    ["values", '{"arrayValue": {"values": [', "]}}"],
    [
      "values, with an integer that needs care",
      '{"intValue": 12345678901234567890, "arrayValue": {"values": [',
      "]}}",
    ],
  ] as const) {
    test(`that nests ${what} without end is refused`, () => {
      const levels = 100_000;
      const value = `${open.repeat(levels)}${close.repeat(levels)}`;
      const request = requestFromJson("traces", span(`"attributes": [{"value": ${value}}]`));
      expect(request.ok).toBe(false);
    });
  }

  test("that nests a little is taken, and protobufjs can read it", () => {
    const value = `${'{"arrayValue": {"values": ['.repeat(45)}{}${"]}}".repeat(45)}`;
    const request = fromJson("traces", span(`"attributes": [{"value": ${value}}]`));
    expect(JSON.stringify(request)).toContain("arrayValue");
  });

  test("of any shape is answered", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(...signals), (text, signal) => {
        const name = { traces: "resourceSpans", metrics: "resourceMetrics", logs: "resourceLogs" };
        expect(requestFromJson(signal, text)).toHaveProperty("ok");
        expect(requestFromJson(signal, `{"${name[signal]}": [${text}]}`)).toHaveProperty("ok");
      }),
      { numRuns: 500 },
    );
  });
});
