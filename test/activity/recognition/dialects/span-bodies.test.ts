import { describe, expect, test } from "vitest";
import { spansInBody } from "../../../../src/activity/recognition/dialects/span-bodies.ts";
import { otlp } from "../../../../src/otlp/proto/generated.js";
import { camel, proto } from "../observed-records.ts";

const typeKey = "type";

/** The first span in a body, or undefined. */
function read(type: string | undefined, body: otlp.AnyValue.$Properties) {
  const attributes = type === undefined ? [] : [{ key: typeKey, value: { stringValue: type } }];
  const record = { record: { attributes, body }, eventName: "", resource: [], atMs: 0 };
  const bytes = spansInBody(record, typeKey);
  const request = bytes && otlp.ExportTraceServiceRequest.decode(bytes);
  return request?.resourceSpans[0]?.scopeSpans?.[0]?.spans?.[0];
}

const json = (span: object) => ({ stringValue: camel(span) });

describe("the body of a record", () => {
  for (const [what, type, body] of [
    ["protobuf", "proto", { bytesValue: proto }],
    ["protobuf in base64, without a type", undefined, { stringValue: proto.toString("base64") }],
    ["JSON", "json/v1", json({})],
    ["JSON as bytes", "json/v1", { bytesValue: Buffer.from(camel()) }],
  ] as const) {
    test(`is read from ${what}`, () => {
      expect(read(type, body)?.name).toBe("execute_tool exec");
    });
  }

  for (const [what, type, body] of [
    ["of another type", "xml", { bytesValue: proto }],
    ["that is empty", "proto", {}],
    ["with JSON that is cut off", "json/v1", { stringValue: "{" }],
    ["with JSON that is no request", "json/v1", { stringValue: '{"resourceSpans":7}' }],
  ] as const) {
    test(`${what} is undefined`, () => expect(read(type, body)).toBeUndefined());
  }
});

test("ids in JSON get back their leading zeros, and links and trace states are dropped", () => {
  const span = read(
    "json/v1",
    json({ spanId: "a1", traceState: "Unset", links: [{ spanId: "!" }] }),
  );
  expect(Buffer.from(span!.spanId!).toString("hex")).toBe("00000000000000a1");
  expect([span!.traceState, span!.links]).toEqual(["", []]);
});
