import Long from "long";
import { describe, expect, test } from "vitest";
import { dialectNames } from "../../../../src/activity/model/dialects.ts";
import { SignalBatch, signalTypes } from "../../../../src/activity/model/signal-batch.ts";
import { otlp } from "../../../../src/otlp/proto/generated.js";
import { createLogReader } from "../signal-readers.ts";

const relay = "openclaw-activity-relay";

function observe(scopeName: string, record: otlp.LogRecord.$Properties) {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const bytes = otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: {
          attributes: [text("service.name", "agent"), text("service.instance.id", "one")],
        },
        scopeLogs: [{ scope: { name: scopeName }, logRecords: [record] }],
      },
    ],
  }).finish();
  const { observer } = createLogReader();
  const signals = new SignalBatch();
  observer.read(bytes, signals);
  return {
    consumed: observer.consumedRecords,
    signals: Array.from({ length: signals.count }, (_, row) => ({
      isUnwatched: signals.type.get(row) === signalTypes.unwatched,
      dialect: dialectNames[signals.dialect.get(row)],
      process: signals.process.get(row),
      startMs: signals.startMs.get(row),
    })),
  };
}

const record = {
  eventName: "openclaw.activity.unwatched",
  timeUnixNano: new Long(0, 1, true),
};
const atMs = 2 ** 32 / 1e6;

describe("the event that a source no longer watches its process", () => {
  for (const [scopeName, dialect] of [
    [relay, "relay"],
    ["openclaw-activity-preload", "live_span"],
  ] as const) {
    test(`of ${scopeName} is a signal about its process, and is consumed`, () => {
      expect(observe(scopeName, record)).toEqual({
        consumed: 1,
        signals: [{ isUnwatched: true, dialect, process: 1, startMs: atMs }],
      });
    });
  }

  test("of any other scope has no signal and is forwarded", () => {
    expect(observe("another", record)).toEqual({ consumed: 0, signals: [] });
    expect(observe("constructor", record)).toEqual({ consumed: 0, signals: [] });
  });

  test("of any other scope is not read as a partial log either", () => {
    const attributes = [{ key: "partial.event", value: { stringValue: "heartbeat" } }];
    expect(observe("another", { ...record, attributes })).toEqual({ consumed: 0, signals: [] });
  });

  test("takes its time from when it was observed if it has no other", () => {
    const { signals } = observe(relay, {
      eventName: "openclaw.activity.unwatched",
      observedTimeUnixNano: new Long(0, 1, true),
    });

    expect(signals).toMatchObject([{ startMs: atMs }]);
  });
});
