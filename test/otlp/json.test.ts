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
import { describe, expect, test } from "vitest";
import type { Signal } from "../../src/otlp/payload.ts";
import { requestNames } from "../../src/otlp/request-names.ts";
import fc from "../support/fast-check.ts";
import { requestFromJson } from "../support/json-requests.ts";
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
    [
      "a quoted integer with a fraction of zeros",
      '"endTimeUnixNano": "1.0"',
      { endTimeUnixNano: "1" },
    ],
    ["an integer with a negative exponent", '"kind": 20e-1', { kind: 2 }],
    ["a quoted integer with one", '"endTimeUnixNano": "1250e-1"', { endTimeUnixNano: "125" }],
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
  for (const [what, text, problem] of [
    ["no JSON", "{secret", "line 1, column 2"],
    ["nothing", "", "line 1, column 1"],
    ["an end too early", '{\n "secret": [', "line 2, column 13"],
    ["a text without an end", '{"a":\n"secret', "line 2, column 1"],
    ["two values in a member", '{"a": "secret" 1}', "line 1, column 16"],
    ["a comma before its end", '{"a": "secret",}', "line 1, column 16"],
    ["a number with a zero before it", '{"a": 01}', "line 1, column 8"],
    ["a word for a value", '{"a": secret}', "line 1, column 7"],
    ["a line feed in a text", '{"a": "secret\n"}', "line 1, column 7"],
    [
      "a text that is long, where the place is not looked for",
      `["${"secret".repeat(1 << 20)}"`,
      undefined,
    ],
    ["an array", "[]", "The request must be an object"],
    ["an object where an array belongs", '{"resourceSpans": {}}', "resourceSpans must be an array"],
    [
      "a number as a URL of a schema",
      '{"resourceSpans": [{"schemaUrl": 7}]}',
      "resourceSpans[0].schemaUrl must be a string",
    ],
    [
      "attributes of a resource that are no list",
      '{"resourceSpans": [{"resource": {"attributes": {"secret": 1}}}]}',
      "resourceSpans[0].resource.attributes must be an array",
    ],
    [
      "a number in the place of a part",
      '{"resourceSpans": [7]}',
      "resourceSpans[0] must be an object",
    ],
  ] as const) {
    test(`with ${what} is refused by its place, not by its content`, () => {
      const isJson = problem?.startsWith("line") === false;
      const where = problem === undefined ? "" : ` at ${problem}`;
      const message = isJson
        ? `The body is not valid OTLP JSON: ${problem}.`
        : `The body is not valid JSON${where}.`;
      expect(requestFromJson("traces", text)).toEqual({
        ok: false,
        problem: "undecodable",
        message,
      });
      expect(message.toLowerCase()).not.toContain("secret");
    });
  }

  for (const [what, value] of [
    ["an integer beyond 2^63, as SDKs write large doubles", '{"intValue": 18446744073709552000}'],
    ["a quoted integer beyond 2^63", '{"intValue": "9223372036854775808"}'],
    ["a number as a text", '{"stringValue": 7}'],
    ["bytes that are no base64", '{"bytesValue": "$ecret"}'],
    ["a double in words", '{"doubleValue": "secret"}'],
    ["a value in a value that does not fit", '{"arrayValue": {"values": [{"boolValue": 1}]}}'],
    ["a value that is no object", '"\ud83d"'],
  ] as const) {
    test(`loses the attribute of a resource or a scope with ${what}, counted there, and keeps all else`, () => {
      const attributes = (...values: readonly string[]) =>
        `"attributes": [${values.map((each) => `{"key": "a", "value": ${each}}`).join()}]`;
      const good = '{"boolValue": true}';
      const text = (bad: readonly string[]) => `{"resourceSpans": [{
        "resource": {"droppedAttributesCount": "2", ${attributes(good, ...bad, good)}},
        "scopeSpans": [{"scope": {${attributes(...bad, good)}, "name": "s"}, "spans": [{}]}]}]}`;
      const request = requestFromJson("traces", text([value, value]));
      expect(request).toMatchObject({ ok: true, repairedBy: new Map([["wrong_type", 4]]) });
      const want = text([])
        .replace('"2"', "4")
        .replace('"scope": {', '"scope": {"droppedAttributesCount": 2, ');
      expect(fromJson("traces", text([value, value]))).toEqual(fromJson("traces", want));
    });
  }

  test("loses a scope and a resource with their last record, and counts nothing in them", () => {
    const bad = '{"name": 7}';
    const resource = (...scopes: readonly string[]) =>
      `{"resource": {"attributes": [{"key": "\\ud83d"}, {"key": 7}]},
        "scopeSpans": [${scopes.map((spans) => `{"spans": [${spans}]}`).join()}]}`;
    const text = `{"resourceSpans": [${resource(bad, "")}, ${resource(`${bad},{}`, bad)}, ${resource("")}]}`;
    const kept = { resource: { attributes: [{ key: "\ufffd" }], droppedAttributesCount: 1 } };
    expect(fromJson("traces", text)).toEqual({
      resourceSpans: [
        { ...kept, scopeSpans: [{ spans: [{}] }] },
        { ...kept, scopeSpans: [{}] },
      ],
    });
    expect(requestFromJson("traces", text)).toMatchObject({
      rejectedBy: new Map([["wrong_type", 3]]),
      repairedBy: new Map([
        ["invalid_utf8", 2],
        ["wrong_type", 2],
      ]),
    });
  });

  for (const [what, text] of [
    ["its lists", '{"resourceSpans": [A], "resourceSpans": [B]}'],
    ["its lists in two spellings", '{"resourceSpans": [A], "resource_spans": [B]}'],
    ["its lists of scopes", '{"resourceSpans": [{"scopeSpans": [a], "scopeSpans": [b]}]}'],
    ["its lists of spans", '{"resourceSpans": [{"scopeSpans": [{"spans": [1], "spans": [2]}]}]}'],
    ["an absent list after it", '{"resourceSpans": [A, B], "resourceSpans": null}'],
  ] as const) {
    test(`loses nothing of ${what} that are there twice`, () => {
      const written = text.replaceAll(/[AB12]|\b[ab]\b(?!")/g, (place) => {
        const name = "A1a".includes(place) ? "first" : "second";
        const span = `{"name": "${name}", "name": "${name}"}`;
        const scope = "12".includes(place) ? span : `{"spans": [${span}]}`;
        return "AB".includes(place) ? `{"scopeSpans": [${scope}]}` : scope;
      });
      expect(JSON.stringify(fromJson("traces", written)).match(/first|second/g)).toEqual([
        "first",
        "second",
      ]);
    });
  }

  for (const [what, members] of [
    ["a number as a name", '"name": 7'],
    ["an object as a name", '"name": {"text": "secret"}'],
    ["an array as a status", '"status": []'],
    ["an integer with a fraction", '"startTimeUnixNano": 1.5'],
    ["a quoted integer with a fraction", '"startTimeUnixNano": "1.50"'],
    ["a quoted integer of many digits", `"startTimeUnixNano": "${"9".repeat(100_000)}"`],
    ["a quoted integer of an exponent that leaves a fraction", '"startTimeUnixNano": "125e-1"'],
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

  for (const [what, open, close] of [
    ["values", '{"arrayValue": {"values": [', "]}}"],
    [
      "values, with an integer that needs care",
      '{"intValue": 1234567890123456789, "arrayValue": {"values": [',
      "]}}",
    ],
  ] as const) {
    test(`that nests ${what} without end loses that span`, () => {
      const levels = 50_000;
      const value = `${open.repeat(levels)}${close.repeat(levels)}`;
      const request = requestFromJson("traces", span(`"attributes": [{"value": ${value}}]`));
      expect(request).toMatchObject({ ok: true, rejectedBy: new Map([["too_deep", 1]]) });
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
