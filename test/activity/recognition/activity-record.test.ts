import Long from "long";
import { describe, expect, test } from "vitest";
import {
  attributeOf,
  decodeRecord,
  decodeResource,
  integerOf,
  textOf,
} from "../../../src/activity/recognition/activity-record.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const nano = (ms: number) => Long.fromNumber(ms * 1e6, true);
const decoded = (record: otlp.LogRecord.$Properties) =>
  decodeRecord(otlp.LogRecord.encode(record).finish(), [])!;

describe("a decoded record", () => {
  for (const [what, record, want] of [
    [
      "has the event name of its field",
      { eventName: "a", attributes: [text("event.name", "b")] },
      "a",
    ],
    ["has the event name of its attribute", { attributes: [text("event.name", "b")] }, "b"],
    ["without one has an empty one", {}, ""],
  ] satisfies readonly (readonly [string, otlp.LogRecord.$Properties, string])[]) {
    test(what, () => expect(decoded(record).eventName).toBe(want));
  }

  for (const [what, record, want] of [
    ["its own", { timeUnixNano: nano(5), observedTimeUnixNano: nano(9) }, 5],
    ["that of its observation, if it has no other", { observedTimeUnixNano: nano(9) }, 9],
    ["0 without any", {}, 0],
  ] as const) {
    test(`has the time ${what}`, () => expect(decoded(record).atMs).toBe(want));
  }

  test("is undefined for bytes that are no record", () => {
    expect(decodeRecord(Uint8Array.of(0x0a, 0x7f), [])).toBeUndefined();
    expect(decodeResource(Uint8Array.of(0x0a, 0x7f))).toEqual([]);
  });
});

test("of two attributes with one key the first counts", () => {
  expect(textOf(attributeOf([text("a", "1"), text("a", "2")], "a"))).toBe("1");
  expect(attributeOf(undefined, "a")).toBeUndefined();
});

test("a value of another type is neither text nor integer", () => {
  expect(textOf({ boolValue: true })).toBe("");
  expect(integerOf({ stringValue: "7" })).toBeUndefined();
  expect(integerOf({ intValue: Long.fromNumber(-(2 ** 40)) })).toBe(-(2 ** 40));
});
