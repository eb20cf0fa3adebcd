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
import { requestNames } from "../../src/otlp/request-names.ts";
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

  const resource = (attribute: string): string =>
    `{"resourceSpans": [{"resource": {"attributes": [{"key": "a", "value": ${attribute}}]}}]}`;
  const at = "resourceSpans[0].resource.attributes[0].value";
  for (const [what, text, problem] of [
    ["no JSON", "{secret", undefined],
    ["nothing", "", undefined],
    ["an array", "[]", "The request must be an object"],
    ["an object where an array belongs", '{"resourceSpans": {}}', "resourceSpans must be an array"],
    [
      "a number in the place of a part",
      '{"resourceSpans": [7]}',
      "resourceSpans[0] must be an object",
    ],
    [
      "a number as a text of a resource",
      resource('{"stringValue": 7}'),
      `${at}.stringValue must be a string`,
    ],
    [
      "an integer of a resource that is too large",
      resource('{"intValue": "9223372036854775808"}'),
      `${at}.intValue must be an integer from -9223372036854775808 to 9223372036854775807, as a number or a string`,
    ],
    [
      "bytes of a resource that are no base64",
      resource('{"bytesValue": "$ecret"}'),
      `${at}.bytesValue must be a string in base64`,
    ],
    [
      "a double of a resource in words",
      resource('{"doubleValue": "secret"}'),
      `${at}.doubleValue must be a number, "NaN", "Infinity" or "-Infinity"`,
    ],
  ] as const) {
    test(`with ${what} is refused by its place, not by its content`, () => {
      const message =
        problem === undefined
          ? "The body is not valid JSON."
          : `The body is not valid OTLP JSON: ${problem}.`;
      expect(requestFromJson("traces", text)).toEqual({ ok: false, message });
      expect(message.toLowerCase()).not.toContain("secret");
    });
  }

  for (const [what, members] of [
    ["a number as a name", '"name": 7'],
    ["an object as a name", '"name": {"text": "secret"}'],
    ["an array as a status", '"status": []'],
    ["an integer with a fraction", '"startTimeUnixNano": 1.5'],
    ["an integer that is too large", '"startTimeUnixNano": "18446744073709551616"'],
    ["a negative count", '"droppedEventsCount": -1'],
    ["a kind nobody knows by that name", '"kind": "SECRET"'],
    ["a kind as a number in a text, as in the Collector", '"kind": "3"'],
    ["bytes that are no base64", '"attributes": [{"value": {"bytesValue": "$ecret"}}]'],
    [
      "a value of an attribute beyond 2^63",
      '"attributes": [{"value": {"intValue": 9223372036854775808}}]',
    ],
    ["a flag as a text", '"events": [{"attributes": [{"value": {"boolValue": "true"}}]}]'],
  ] as const) {
    test(`loses the span with ${what}, and keeps its neighbours`, () => {
      const good = '{"name": "good"}';
      const text = `{"resourceSpans": [{"scopeSpans": [{"spans": [${good}, {${members}}, ${good}]}]}]}`;
      expect(fromJson("traces", text)).toEqual({
        resourceSpans: [{ scopeSpans: [{ spans: [{ name: "good" }, { name: "good" }] }] }],
      });
      expect(requestFromJson("traces", text)).toMatchObject({
        rejectedBy: new Map([["wrong_type", 1]]),
      });
    });
  }

  test("loses a metric with all of its data points", () => {
    const metric = (count: string) =>
      `{"histogram": {"dataPoints": [{}, {"bucketCounts": [1, ${count}]}, {}]}}`;
    const text = `{"resourceMetrics": [{"scopeMetrics": [{"metrics": [${metric("null")}, ${metric("2")}]}]}]}`;
    const request = requestFromJson("metrics", text);
    expect(request).toMatchObject({ ok: true, rejectedBy: new Map([["wrong_type", 3]]) });
    expect(JSON.stringify(fromJson("metrics", text))).toContain('"bucketCounts":["1","2"]');
  });

  for (const [what, text, want] of [
    ["null", "null", {}],
    ["null in an array", '{"resourceSpans": [null]}', { resourceSpans: [{}] }],
    ["null for everything", '{"resourceSpans": null, "x": null}', {}],
    [
      "something after its end",
      '{"resourceSpans": [{"schemaUrl": "a}\\""}]} {"resourceSpans": [',
      { resourceSpans: [{ schemaUrl: 'a}"' }] },
    ],
    [
      "a dump of a Go struct, whose fields nobody knows",
      resource('{"Value": {"StringValue": "a"}}'),
      {
        resourceSpans: [{ resource: { attributes: [{ key: "a", value: {} }] } }],
      },
    ],
  ] as const) {
    test(`may be or have ${what}`, () => {
      expect(fromJson("traces", text)).toEqual(want);
    });
  }

  for (const [what, id] of [
    ["no hex", '"secret-secret-secret-secret-secr"'],
    ["of half a byte", '"abc"'],
    ["in base64", '"Z6z8LqVvEI+kU1/Ci6mXBQ=="'],
    ["a number", "7"],
  ] as const) {
    test(`has an id of a wrong length for one that is ${what}`, () => {
      expect(fromJson("traces", span(`"traceId": ${id}`))).toEqual(spanOf({ traceId: "AA==" }));
    });
  }

  for (const [what, open, close, isParsed] of [
    ["values", '{"arrayValue": {"values": [', "]}}", true],
    [
      "values, with an integer that needs care",
      '{"intValue": 12345678901234567890, "arrayValue": {"values": [',
      "]}}",
      false,
    ],
  ] as const) {
    test(`that nests ${what} without end ${isParsed ? "loses that span" : "is refused"}`, () => {
      const levels = 100_000;
      const value = `${open.repeat(levels)}${close.repeat(levels)}`;
      const request = requestFromJson("traces", span(`"attributes": [{"value": ${value}}]`));
      expect(request).toMatchObject(
        isParsed ? { ok: true, rejectedBy: new Map([["too_deep", 1]]) } : { ok: false },
      );
    });
  }

  test("with half of a surrogate pair in any text has U+FFFD there", () => {
    const text = span(
      '"name": "a\\ud83d", "traceState": "\\udc00", "attributes": [{"key": "\\ud83d"}]',
    );
    expect(fromJson("traces", text)).toEqual(
      spanOf({ name: "a\ufffd", traceState: "\ufffd", attributes: [{ key: "\ufffd" }] }),
    );
    expect(requestFromJson("traces", text)).toMatchObject({
      repairedBy: new Map([["invalid_utf8", 3]]),
    });
  });

  for (const [signal, data] of signals.flatMap((signal) =>
    signals.map((data) => [signal, data] as const),
  )) {
    test(`sent to the endpoint of ${signal} ${signal === data ? "is no" : "shows the"} data of ${data}`, () => {
      const [name, snakeCase] = requestNames(data);
      for (const text of [`{"${name}": [{}]}`, `{"${snakeCase}": [{}], "x": 1}`]) {
        const request = requestFromJson(signal, text);
        expect(request.ok ? request.misdirected : request).toBe(signal === data ? undefined : data);
      }
      expect(requestFromJson(signal, `{"${name}": []}`)).not.toHaveProperty("misdirected");
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
