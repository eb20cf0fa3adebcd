import protobuf from "protobufjs/minimal.js";
import { describe, expect, test } from "vitest";
import { jsonOfRequest } from "../../src/otlp/json-text.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import fc from "../support/fast-check.ts";
import { requestFromJson } from "../support/json-requests.ts";
import { arbitraryMessage, encodeModel, jsonOf, requestType } from "./arbitrary-messages.ts";

const signals = ["traces", "metrics", "logs"] as const;

const requests = {
  traces: otlp.ExportTraceServiceRequest,
  metrics: otlp.ExportMetricsServiceRequest,
  logs: otlp.ExportLogsServiceRequest,
} as const;

/** What the generated code reads from the bytes, without any code of the converters. */
function decoded(signal: Signal, bytes: Uint8Array): unknown {
  return requests[signal].decode(new Uint8Array(bytes));
}

/** JSON cannot tell these apart, but a comparison must. */
function shown(_name: string, value: unknown): unknown {
  return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `${Object.is(value, -0) ? "-" : ""}${value}`
    : value;
}

/** The value that a text describes: protobuf cannot tell an empty list from none, nor a number from its text. */
function meaningOf(text: string): unknown {
  return JSON.parse(text, (_name, value: unknown) =>
    Array.isArray(value) && value.length === 0 ? undefined : shown("", value),
  );
}

const plainStyle = { snakeCase: false, longsAsNumbers: false, enumNames: false, upperHex: false };

const message = (write: (writer: protobuf.Writer) => void): Uint8Array => {
  const writer = protobuf.Writer.create();
  write(writer);
  return writer.finish();
};
const field = (number: number, content: Uint8Array): Uint8Array =>
  message((writer) => writer.uint32((number << 3) | 2).bytes(content));
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

/** A request with one span that has these bytes, and what is written of the span. */
const requestOf = (span: Uint8Array): Uint8Array => field(1, field(2, field(2, span)));
const written = (span: Uint8Array) => {
  const { text, incomplete } = jsonOfRequest("traces", requestOf(span));
  return { span: JSON.parse(text).resourceSpans[0].scopeSpans[0].spans[0], incomplete };
};

describe("a request as JSON", () => {
  for (const signal of signals) {
    const type = requestType(signal);

    test(`of ${signal} is the same request when it is read back`, () => {
      fc.assert(
        fc.property(arbitraryMessage(type), (model) => {
          const bytes = encodeModel(type, model);
          const { text, incomplete } = jsonOfRequest(signal, bytes);
          const back = requestFromJson(signal, text);
          expect(incomplete).toBe(0);
          expect(back.ok && decoded(signal, back.bytes)).toEqual(decoded(signal, bytes));
        }),
        { numRuns: 400 },
      );
    });

    test(`of ${signal} is the text that it was read from`, () => {
      fc.assert(
        fc.property(arbitraryMessage(type), (model) => {
          const text = jsonOf(type, model, plainStyle);
          const request = requestFromJson(signal, text);
          expect(request.ok && meaningOf(jsonOfRequest(signal, request.bytes).text)).toEqual(
            meaningOf(text),
          );
        }),
        { numRuns: 400 },
      );
    });

    test(`of ${signal} is one line of any bytes, and a request again`, () => {
      const damaged = fc
        .tuple(arbitraryMessage(type), fc.nat(), fc.nat(255), fc.boolean())
        .map(([model, at, byte, isCut]) => {
          const bytes = Uint8Array.from(encodeModel(type, model));
          const position = at % Math.max(bytes.length, 1);
          bytes[position] = byte;
          return isCut ? bytes.subarray(0, position) : bytes;
        });
      fc.assert(
        fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (bytes) => {
          const { text } = jsonOfRequest(signal, bytes);
          expect(text).not.toContain("\n");
          expect(requestFromJson(signal, text).ok).toBe(true);
        }),
        { numRuns: 1_000 },
      );
    });
  }

  test("names its signal even when it has nothing else", () => {
    const texts = signals.map((signal) => jsonOfRequest(signal, new Uint8Array(0)).text);
    expect(texts).toEqual([
      '{"resourceSpans":[]}',
      '{"resourceMetrics":[]}',
      '{"resourceLogs":[]}',
    ]);
  });

  test("has ids in hex, long integers as strings, enums as numbers and bytes in base64", () => {
    const span = otlp.Span.encode({
      traceId: Buffer.from("5b8efff798038103d269b633813fc60c", "hex"),
      kind: otlp.Span.SpanKind.SPAN_KIND_CLIENT,
      startTimeUnixNano: { low: -1, high: -1, unsigned: true },
      attributes: [
        { key: "a", value: { bytesValue: Uint8Array.of(251, 255, 191) } },
        { key: "b", value: { intValue: { low: -1, high: -1, unsigned: false } } },
        { key: "c", value: { doubleValue: Number.NaN } },
        { key: "d", value: { doubleValue: -0 } },
        { key: "e", value: { intValue: { low: 0, high: 0, unsigned: false } } },
      ],
    }).finish();
    expect(written(span).span).toEqual({
      traceId: "5b8efff798038103d269b633813fc60c",
      kind: 3,
      startTimeUnixNano: "18446744073709551615",
      attributes: [
        { key: "a", value: { bytesValue: "+/+/" } },
        { key: "b", value: { intValue: "-1" } },
        { key: "c", value: { doubleValue: "NaN" } },
        { key: "d", value: { doubleValue: "-0" } },
        { key: "e", value: { intValue: "0" } },
      ],
    });
  });

  const name = (text: string): Uint8Array => field(5, Buffer.from(text));
  const status = (content: Uint8Array): Uint8Array => field(15, content);
  const value = (content: Uint8Array): Uint8Array => field(9, field(2, content));
  const boolValue = message((writer) => writer.uint32(16).bool(true));
  const deepValue = (levels: number): Uint8Array => {
    let bytes = boolValue;
    for (let level = 0; level < levels; level++) {
      bytes = field(5, field(1, bytes));
    }
    return bytes;
  };

  for (const [what, span, want] of [
    ["leaves unknown fields out", joined(field(77, Buffer.from("x")), name("a")), { name: "a" }],
    [
      "takes a known field of another wire type for an unknown one",
      joined(
        message((writer) => writer.uint32((5 << 3) | 0).uint32(7)),
        name("a"),
      ),
      { name: "a" },
    ],
    ["has the last of two values", joined(name("a"), name("b")), { name: "b" }],
    [
      "merges a message that comes in parts",
      joined(status(field(2, Buffer.from("m"))), status(message((w) => w.uint32(24).int32(2)))),
      { status: { message: "m", code: 2 } },
    ],
    [
      "has of a oneof the last member",
      value(joined(field(1, Buffer.from("text")), boolValue)),
      { attributes: [{ value: { boolValue: true } }] },
    ],
    [
      "has U+FFFD for invalid UTF-8 and keeps a byte order mark",
      field(5, Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff])),
      { name: "\ufeffa\ufffd" },
    ],
  ] as const) {
    test(what, () => {
      expect(written(span)).toEqual({ span: want, incomplete: 0 });
    });
  }

  test("reads repeated numbers packed and one by one", () => {
    const count = (value: number) => message((writer) => writer.fixed64(value));
    const single = message((writer) => writer.uint32((6 << 3) | 1).fixed64(3));
    const point = joined(field(6, joined(count(1), count(2))), single);
    const bytes = field(1, field(2, field(2, field(9, field(1, point)))));
    expect(jsonOfRequest("metrics", bytes).text).toContain('"bucketCounts":["1","2","3"]');
  });

  test("cuts a message at its fault, counts it, and goes on after it", () => {
    const broken = joined(name("a"), Uint8Array.of(0xff));
    const bytes = field(1, field(2, joined(field(2, broken), field(2, name("b")))));
    const { text, incomplete } = jsonOfRequest("traces", bytes);
    expect(JSON.parse(text).resourceSpans[0].scopeSpans[0].spans).toEqual([
      { name: "a" },
      { name: "b" },
    ]);
    expect(incomplete).toBe(1);
  });

  test("leaves out what is nested deeper than it can be read back, and counts it", () => {
    for (const [levels, want] of [
      [40, 0],
      [100, 1],
      [5_000, 1],
    ] as const) {
      const { text, incomplete } = jsonOfRequest("traces", requestOf(value(deepValue(levels))));
      expect(incomplete).toBe(want);
      expect(requestFromJson("traces", text).ok).toBe(true);
    }
  });

  test("has U+FFFD for a surrogate without its other half, which has no UTF-8", () => {
    const names = ["\ud800", `${"long ".repeat(20)}\udc00`];
    for (const name of names) {
      const text = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ name }] }] }] });
      const request = requestFromJson("traces", text);
      expect(request.ok && jsonOfRequest("traces", request.bytes).text).toContain(
        `"${name.toWellFormed()}"`,
      );
    }
  });
});
