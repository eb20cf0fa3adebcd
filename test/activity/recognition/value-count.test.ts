import { describe, expect, test } from "vitest";
import { isDecodable, shapes } from "../../../src/activity/recognition/value-count.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";

const many = 10_001;
const empty = Array.from({ length: many }, () => ({}));
const log = (record: otlp.LogRecord.$Properties) => otlp.LogRecord.encode(record).finish();
const nested = (depth: number): otlp.AnyValue.$Properties =>
  depth === 0 ? { boolValue: true } : { arrayValue: { values: [nested(depth - 1)] } };

describe("a message", () => {
  for (const [what, bytes, shape, want] of [
    [
      "of a long text is decoded",
      log({ body: { stringValue: "a".repeat(1e6) } }),
      "logRecord",
      true,
    ],
    [
      "of a text of protobuf is decoded",
      log({ body: { bytesValue: Buffer.alloc(1e6, 10) } }),
      "logRecord",
      true,
    ],
    ["of many attributes is not", log({ attributes: empty }), "logRecord", false],
    [
      "of a body with many values is not",
      log({ body: { arrayValue: { values: empty } } }),
      "logRecord",
      false,
    ],
    [
      "of a body with many members is not",
      log({ body: { kvlistValue: { values: empty } } }),
      "logRecord",
      false,
    ],
    [
      "of an attribute with many values is not",
      log({ attributes: [{ key: "a", value: { arrayValue: { values: empty } } }] }),
      "logRecord",
      false,
    ],
    ["of few levels is decoded", log({ body: nested(40) }), "logRecord", true],
    [
      "of many unknown fields is not",
      Buffer.alloc(2 * many, Uint8Array.of(0x78, 0)),
      "logRecord",
      false,
    ],
    [
      "that is a resource of many attributes is not",
      otlp.Resource.encode({ attributes: empty }).finish(),
      "resource",
      false,
    ],
    [
      "that is a scope of many attributes is not",
      otlp.InstrumentationScope.encode({ attributes: empty }).finish(),
      "scope",
      false,
    ],
    ["that breaks off is not", Uint8Array.of(0x2a, 7), "logRecord", false],
  ] as const) {
    test(what, () => expect(isDecodable(bytes, shapes[shape])).toBe(want));
  }
});
