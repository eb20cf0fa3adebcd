import Long from "long";
import { describe, expect, test } from "vitest";
import { dialects } from "../../../src/activity/model/dialects.ts";
import { SignalBatch, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import type { ActivityRecord } from "../../../src/activity/recognition/activity-record.ts";
import type { LogContext } from "../../../src/activity/recognition/dialects/log-dialect.ts";
import {
  addProcessEvent,
  addReferences,
  addSessionEvent,
  namesSession,
  setNamedSpan,
} from "../../../src/activity/recognition/event-fields.ts";
import type { otlp } from "../../../src/otlp/proto/generated.js";
import { createSpanReader } from "./signal-readers.ts";

const { observer: spans, hash, tools } = createSpanReader();
const context: LogContext = {
  dialect: dialects.sessionEvent.storedId,
  sender: { process: 7, serviceHost: 9, isIdentified: true },
  client: "",
  hash,
  tools,
  spans,
  sessionReferences: ["a", "b"],
  intervals: { stateIntervalMs: 0, maxIntervalMs: 0, parseDurationMs: () => undefined },
};
const recordOf = (record: otlp.LogRecord.$Properties): ActivityRecord => ({
  record,
  eventName: "e",
  resource: [],
  atMs: 5,
});
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const seq = (value: number) => [
  { key: "openclaw.seq", value: { intValue: Long.fromNumber(value) } },
];

describe("the order of a session's event", () => {
  for (const [value, want] of [
    [1, 1],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [2 ** 31, 0],
    [0, 0],
    [-1, 0],
  ] as const) {
    test(`of ${value} is ${want}`, () => {
      const signals = new SignalBatch();
      const row = addSessionEvent(
        signalTypes.idle,
        recordOf({ attributes: seq(value) }),
        context,
        signals,
      );
      expect(signals.seq.get(row)).toBe(want);
    });
  }
});

test("a session's event has the time of its record and its sender", () => {
  const signals = new SignalBatch();
  const row = addSessionEvent(signalTypes.idle, recordOf({}), context, signals);
  expect([signals.process.get(row), signals.serviceHost.get(row)]).toEqual([7, 9]);
  expect([signals.startMs.get(row), signals.endMs.get(row)]).toEqual([5, 5]);
  expect(signals.dialect.get(row)).toBe(context.dialect);
});

test("an event about a process that cannot be distinguished from its siblings is about none", () => {
  const signals = new SignalBatch();
  const sender = { ...context.sender, isIdentified: false };
  addProcessEvent(signalTypes.alive, recordOf({}), context, signals);
  addProcessEvent(signalTypes.alive, recordOf({}), { ...context, sender }, signals);
  expect([signals.process.get(0), signals.process.get(1)]).toEqual([7, 0]);
});

test("every session that a record names becomes a reference, but no empty one", () => {
  const signals = new SignalBatch();
  const record = recordOf({ attributes: [text("b", "2"), text("a", "1"), text("c", "3")] });
  addSessionEvent(signalTypes.idle, record, context, signals);
  addReferences(record, context, signals);
  addReferences(recordOf({ attributes: [text("a", "")] }), context, signals);
  expect(signals.referencesTo.get(0) - signals.referencesFrom.get(0)).toBe(2);
  hash.updateWithText("1");
  expect([signals.referenceHi.get(0), signals.referenceLo.get(0)]).toEqual([hash.hi, hash.lo]);
});

test("ids of a record become words; ids of another length are none", () => {
  const signals = new SignalBatch();
  const traceId = Buffer.from("0102030405060708090a0b0c0d0e0f10", "hex");
  const row = addSessionEvent(signalTypes.idle, recordOf({}), context, signals);
  setNamedSpan(recordOf({ traceId, spanId: Buffer.from("00000001fffffffe", "hex") }), row, signals);
  expect([signals.trace0.get(row), signals.trace3.get(row)]).toEqual([0x01020304, 0x0d0e0f10]);
  expect([signals.span0.get(row), signals.span1.get(row)]).toEqual([1, -2]);
  setNamedSpan(recordOf({ traceId, spanId: Buffer.from("01", "hex") }), row, signals);
  expect([signals.span0.get(row), signals.span1.get(row)]).toEqual([0, 0]);
});

test("a record names a session by an integer as by its digits, and none by a placeholder", () => {
  const signals = new SignalBatch();
  const int = { key: "a", value: { intValue: Long.fromNumber(42) } };
  const nothing = [text("a", " None "), { key: "b", value: { boolValue: true } }];
  const records = [[int], [text("a", "42")], nothing].map((attributes) => recordOf({ attributes }));
  for (const record of records) {
    addSessionEvent(signalTypes.idle, record, context, signals);
    addReferences(record, context, signals);
  }
  const counts = [0, 1, 2].map(
    (row) => signals.referencesTo.get(row) - signals.referencesFrom.get(row),
  );
  expect(counts).toEqual([1, 1, 0]);
  expect(signals.referenceLo.get(0)).toBe(signals.referenceLo.get(1));
  expect(signals.referenceHi.get(0)).toBe(signals.referenceHi.get(1));
  expect(namesSession(records[0]!, context, "42")).toBe(true);
});
