import Long from "long";
import { describe, expect, test } from "vitest";
import { dialects } from "../../../src/activity/model/dialects.ts";
import { SignalBatch, signalFlags, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { createSpanReader } from "./signal-readers.ts";

const statusCodes = otlp.Status.StatusCode;

interface Sent {
  readonly id: number;
  readonly service?: string;
  readonly end?: number;
  readonly status?: otlp.Status.StatusCode;
  readonly scope?: string;
}

const report = {
  dialect: dialects.partialLog.storedId,
  isStart: true,
  intervalMs: 5000,
  sentMs: 9,
  sender: { process: 77, serviceHost: 3, isIdentified: true },
  client: "",
};

/** A request with one resource for each span. */
function requestOf(...spans: readonly Sent[]): Uint8Array {
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: spans.map(({ id, service, end = 2, status, scope }) => ({
      ...(service === undefined
        ? {}
        : {
            resource: {
              attributes: [
                { key: "service.name", value: { stringValue: service } },
                { key: "service.instance.id", value: { stringValue: service } },
              ],
            },
          }),
      scopeSpans: [
        {
          ...(scope === undefined ? {} : { scope: { name: scope } }),
          spans: [
            {
              traceId: new Uint8Array(16).fill(7),
              spanId: Buffer.from([0, 0, 0, 0, 0, 0, 0, id]),
              parentSpanId: Buffer.from([0, 0, 0, 0, 0, 0, 1, 0]),
              name: "openclaw.tool.execution",
              startTimeUnixNano: Long.fromString("1795000000123456789", true),
              endTimeUnixNano: Long.fromNumber(end * 1_000_000_000),
              ...(status === undefined ? {} : { status: { code: status } }),
            },
          ],
        },
      ],
    })),
  }).finish();
}

function read(bytes: Uint8Array) {
  const { observer, processes } = createSpanReader();
  const signals = new SignalBatch();
  const outcome = observer.read(bytes, signals);
  return { observer, outcome, processes, signals };
}

describe("a request", () => {
  test("gives each span a signal with its ids, its times and its sender", () => {
    const { signals, processes } = read(
      requestOf({ id: 1, service: "a" }, { id: 2, service: "b" }, { id: 3, service: "a" }),
    );
    const rows = [0, 1, 2];
    expect(signals.count).toBe(3);
    expect(rows.map((row) => signals.span1.get(row))).toEqual([1, 2, 3]);
    expect(rows.map((row) => signals.process.get(row))).toEqual([1, 2, 1]);
    expect(rows.map((row) => signals.parent1.get(row))).toEqual([256, 256, 256]);
    expect(signals.trace2.get(0)).toBe(0x07070707);
    expect(signals.startMs.get(0)).toBeCloseTo(1_795_000_000_123.456, 2);
    expect(signals.endMs.get(0)).toBe(2000);
    expect(processes.stored()).toHaveLength(2);
  });

  test("replaces the signals and the consumed spans of the one before", () => {
    const { observer, signals } = read(requestOf({ id: 1, end: 0 }, { id: 2 }));
    expect(observer.consumed).toEqual([0]);
    observer.read(requestOf({ id: 3 }), signals);
    expect([signals.count, observer.consumed]).toEqual([1, []]);
  });

  test("that cannot be decoded has neither signals nor consumed spans", () => {
    const { observer, signals } = read(requestOf({ id: 1, end: 0 }));
    const outcome = observer.read(Uint8Array.of(0x0a, 0x7f), signals);
    expect([outcome.ok, signals.count, observer.consumed]).toEqual([false, 0, []]);
  });

  test("is not kept after its release", () => {
    const { observer } = read(requestOf({ id: 1 }));
    observer.release();
    expect([observer.spans.bytes.length, observer.spans.count]).toEqual([0, 0]);
  });

  test("is not kept when a log record carried it", () => {
    const { observer } = createSpanReader();
    for (const bytes of [requestOf({ id: 1 }), Uint8Array.of(0x0a, 0x7f)]) {
      observer.appendReported(bytes, report, new SignalBatch());
      expect(observer.spans.bytes).toHaveLength(0);
    }
  });
});

describe("the hash of a scope", () => {
  const hashesOf = (signals: SignalBatch) =>
    Array.from({ length: signals.count }, (_, row) => signals.scopeHash.get(row));

  test("is the same for the same name in one request, and 0 without a name", () => {
    const scopes = ["a", "b", "a", "", undefined, "b"];
    const { signals } = read(
      requestOf(
        ...scopes.map((scope, id) => ({ id: id + 1, ...(scope === undefined ? {} : { scope }) })),
      ),
    );
    const [a, b, ...others] = hashesOf(signals);
    expect(others).toEqual([a, 0, 0, b]);
    expect(new Set([a, b, 0]).size).toBe(3);
  });

  test("is that of its own request, also where the name of the request before began", () => {
    const { observer, signals } = read(requestOf({ id: 1, scope: "a" }));
    const [a] = hashesOf(signals);
    observer.read(requestOf({ id: 1, scope: "b" }), signals);
    const [b] = hashesOf(signals);
    observer.appendReported(requestOf({ id: 1, scope: "a" }), report, signals);
    expect(hashesOf(signals)).toEqual([b, a]);
    expect(b).not.toBe(a);
  });
});

describe("the outcome of a span", () => {
  const { failed, hasOutcome } = signalFlags;
  for (const [what, span, want] of [
    ["an error", { id: 1, status: statusCodes.STATUS_CODE_ERROR }, failed],
    ["OK", { id: 1, status: statusCodes.STATUS_CODE_OK }, hasOutcome],
    ["unset", { id: 1 }, 0],
    ["OK of an open span", { id: 1, end: 0, status: statusCodes.STATUS_CODE_OK }, 0],
  ] as const) {
    test(`with the status ${what}`, () => {
      const { signals } = read(requestOf(span));
      expect(signals.flags.get(0) & (failed | hasOutcome)).toBe(want);
    });
  }
});

describe("spans in a log record", () => {
  test("follow the signals that are there, as the record reports them", () => {
    const { observer, signals } = read(requestOf({ id: 1, service: "a" }));
    observer.appendReported(requestOf({ id: 2, end: 0 }), report, signals);
    expect(signals.count).toBe(2);
    expect(signals.type.get(1)).toBe(signalTypes.start);
    expect(signals.dialect.get(1)).toBe(report.dialect);
    expect([signals.intervalMs.get(1), signals.sentMs.get(1), signals.endMs.get(1)]).toEqual([
      5000, 9, 9,
    ]);
  });

  test("have the sender of the record if it can be distinguished, whatever their own resource is", () => {
    const { observer, signals } = read(new Uint8Array(0));
    observer.appendReported(requestOf({ id: 1 }, { id: 2, service: "a" }), report, signals);
    expect([signals.process.get(0), signals.process.get(1)]).toEqual([77, 77]);
    expect(signals.serviceHost.get(0)).toBe(3);
  });

  test("of a sender that cannot be distinguished have it only if their own resource is empty", () => {
    const { observer, signals } = read(new Uint8Array(0));
    const sender = { ...report.sender, isIdentified: false };
    const spans = requestOf({ id: 1 }, { id: 2, service: "a" });
    observer.appendReported(spans, { ...report, sender }, signals);
    expect([signals.process.get(0), signals.process.get(1)]).toEqual([77, 1]);
  });
});

test("a span whose reading throws is counted as malformed, and costs no other span", () => {
  class FailingHash extends KeyedHash {
    override update(bytes: Uint8Array, start: number, end: number): void {
      if (Buffer.from(bytes.subarray(start, end)).toString() === "bad") {
        throw new Error("a bug");
      }
      super.update(bytes, start, end);
    }
  }
  const faults: unknown[] = [];
  const { observer } = createSpanReader({
    hash: new FailingHash(new Uint8Array(16)),
    onFault: (error) => faults.push(error),
  });
  const signals = new SignalBatch();
  const request = requestOf({ id: 1 }, { id: 2, scope: "bad" }, { id: 3 });
  expect(observer.read(request, signals, { expected: 3 })).toEqual({ ok: true });
  const { end, malformed } = signalTypes;
  const types = Array.from({ length: signals.count }, (_, row) => signals.type.get(row));
  expect(types).toEqual([end, malformed, end]);
  expect(faults).toEqual([new Error("a bug")]);
});

test("of a record's spans the first 1024 are read, and the others count as one that is malformed", () => {
  const { observer } = createSpanReader();
  const signals = new SignalBatch();
  const spans = Array.from({ length: 1_100 }, (_, id) => ({
    traceId: new Uint8Array(16).fill(7),
    spanId: Buffer.from([1, 0, 0, 0, 0, 0, id >> 8, id & 0xff]),
    name: "openclaw.run",
  }));
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ scopeSpans: [{ spans }] }],
  }).finish();
  observer.appendReported(bytes, report, signals);
  expect([signals.count, signals.type.get(1_023), signals.type.get(1_024)]).toEqual([
    1_025,
    signalTypes.start,
    signalTypes.malformed,
  ]);
});
