import Long from "long";
import { describe, expect, test } from "vitest";
import { serviceHostOf } from "../../../../src/activity/model/service-host.ts";
import { SignalBatch, signalTypes } from "../../../../src/activity/model/signal-batch.ts";
import { otlp } from "../../../../src/otlp/proto/generated.js";
import { createLogReader } from "../signal-readers.ts";

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const resource = {
  attributes: [
    text("service.name", "gateway"),
    text("host.name", "box"),
    text("service.instance.id", "one"),
  ],
};

function observe(eventName: string, attributes: object[]): SignalBatch {
  const signals = new SignalBatch();
  const bytes = otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource,
        scopeLogs: [{ logRecords: [{ eventName: "other" }, { eventName, attributes }] }],
      },
    ],
  }).finish();
  createLogReader().observer.read(bytes, signals);
  return signals;
}

const instance = (id: string) => ({
  key: "entity.id",
  value: { kvlistValue: { values: [text("service.instance.id", id)] } },
});
const interval = { key: "entity.report.interval", value: { intValue: Long.fromNumber(10) } };

describe("entity events", () => {
  test("a state of the sending process is a heartbeat with an interval", () => {
    const signals = observe("entity.state", [
      text("entity.type", "service.instance"),
      instance("one"),
      interval,
    ]);
    expect(signals.count).toBe(1);
    expect(signals.type.get(0)).toBe(signalTypes.alive);
    expect(signals.intervalMs.get(0)).toBe(10_000);
    expect([signals.process.get(0), signals.serviceHost.get(0)]).toEqual([1, serviceHostOf(1, 1)]);
  });

  test("a delete of the sending process is its end", () => {
    const signals = observe("entity.delete", [text("entity.type", "process")]);
    expect(signals.type.get(0)).toBe(signalTypes.gone);
  });

  for (const [what, eventName, attributes] of [
    ["another entity", "entity.state", [text("entity.type", "k8s.pod"), interval]],
    ["another event", "entity.states", [text("entity.type", "process")]],
    ["no type", "entity.delete", []],
  ] as const) {
    test(`${what} has no signal`, () => {
      expect(observe(eventName, [...attributes]).count).toBe(0);
    });
  }

  for (const [what, eventName, attributes] of [
    ["another process", "entity.delete", [text("entity.type", "process"), instance("two")]],
    [
      "a state of another process",
      "entity.state",
      [text("entity.type", "process"), instance("two")],
    ],
    [
      "a child process",
      "entity.delete",
      [
        text("entity.type", "process"),
        {
          key: "entity.id",
          value: {
            kvlistValue: {
              values: [{ key: "process.pid", value: { intValue: Long.fromNumber(4711) } }],
            },
          },
        },
      ],
    ],
  ] as const) {
    test(`${what} only counts`, () => {
      const signals = observe(eventName, [...attributes]);
      expect([signals.count, signals.type.get(0)]).toEqual([1, signalTypes.foreign]);
    });
  }

  for (const [what, value] of [
    ["beyond the longest lease", { intValue: Long.fromNumber(3_601) }],
    ["that no integer holds", { doubleValue: 1e300 }],
    ["without an end", { doubleValue: Number.POSITIVE_INFINITY }],
  ] as const) {
    test(`an interval ${what} is a heartbeat without a promise, and counted as such`, () => {
      const signals = observe("entity.state", [
        text("entity.type", "process"),
        { key: "entity.report.interval", value },
      ]);
      expect([signals.type.get(0), signals.type.get(1)]).toEqual([
        signalTypes.alive,
        signalTypes.overlong,
      ]);
      expect(signals.intervalMs.get(0)).toBe(0);
    });
  }

  test("an interval that is a number of seconds with a fraction is a promise", () => {
    const signals = observe("entity.state", [
      text("entity.type", "process"),
      { key: "entity.report.interval", value: { doubleValue: 7.5 } },
    ]);
    expect(signals.intervalMs.get(0)).toBe(7_500);
  });

  test("an interval that is no number is no promise", () => {
    const signals = observe("entity.state", [
      text("entity.type", "process"),
      { key: "entity.report.interval", value: { doubleValue: Number.NaN } },
    ]);
    expect([signals.count, signals.intervalMs.get(0)]).toEqual([1, 0]);
  });

  test("bytes that are no logs request are no event", () => {
    const signals = new SignalBatch();
    createLogReader().observer.read(new TextEncoder().encode("entity.state \xff\xff\xff"), signals);
    expect(signals.count).toBe(0);
  });
});
