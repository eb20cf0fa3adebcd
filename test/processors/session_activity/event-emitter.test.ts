import { describe, expect, test } from "vitest";
import type { EvictedMarker } from "../../../src/activity/model/events.ts";
import { workKinds } from "../../../src/activity/model/work.ts";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { ActivityEventEmitter } from "../../../src/processors/session_activity/event-emitter.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { context, evicted, fullEvents } from "./full-events.ts";

const unixMs = 1_795_000_000_000;
/** The call is at 9 000 ms of the engine's clock. */
const calledAt = { atMs: 9_000, unixMs };
const late = { ...evicted, atMs: 2_000 };
const marker: EvictedMarker = {
  ...{ kind: workKinds.tool, traceId: new Uint8Array(16).fill(1), name: evicted.name },
  ...{ spanId: new Uint8Array(8).fill(2), parentSpanId: new Uint8Array(8).fill(3) },
  ...{ startMs: unixMs - 20_000, ageMs: 5_000 },
};

function createEmitter(consume: () => Promise<ConsumeResult> = async () => accepted) {
  const { settings, log } = testSettings("session_activity");
  const delivered: number[] = [];
  const instance = { id: "one" };
  const emitter = new ActivityEventEmitter({
    ...context,
    activity: () => ({
      series: { instanceId: instance.id, sinceUnixMs: 0 },
      lastCallAt: () => calledAt,
      onDelivered: (call) => delivered.push(call),
    }),
    resource: () => ({ "service.name": "collector" }),
    scope: { name: "test", version: "1" },
    logger: settings.logger,
    clock: settings.clock,
    isStored: false,
    randomBytes: (length) => new Uint8Array(length).fill(9),
  });
  const payloads: Payload[] = [];
  const sink = {
    consume: (payload: Payload) => {
      payloads.push(payload);
      return consume();
    },
  };
  return { emitter, sink, payloads, delivered, log, instance };
}

const recordsOf = ({ bytes }: Payload) =>
  otlp.ExportLogsServiceRequest.decode(bytes)
    .resourceLogs.flatMap(({ scopeLogs }) => scopeLogs!)
    .flatMap(({ logRecords }) => logRecords!);
const spansOf = ({ bytes }: Payload) =>
  otlp.ExportTraceServiceRequest.decode(bytes)
    .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans!)
    .flatMap((scope) => scope.spans!);
const uidsOf = (payload: Payload) =>
  recordsOf(payload).map(
    ({ attributes }) => attributes!.find(({ key }) => key === "log.record.uid")?.value?.stringValue,
  );

describe("the events of a call", () => {
  test("are one request, and each has the time of its deadline or of the call", async () => {
    const { emitter, sink, payloads, delivered } = createEmitter();
    emitter.connectLogs(sink);
    emitter.emit([late, { type: "reconciled", kind: workKinds.tool, lateByMs: 1 }]);
    await emitter.drain(noDeadline());
    expect(payloads).toHaveLength(1);
    expect(payloads[0]!.items).toBe(2);
    expect(
      recordsOf(payloads[0]!).map(({ timeUnixNano }) => Number(String(timeUnixNano)) / 1e6),
    ).toEqual([unixMs - 7_000, unixMs]);
    expect(delivered).toEqual([1]);
    expect(emitter.pending).toEqual([]);
  });

  test("are no request when there are none, and the call gets no number", () => {
    const { emitter, sink, payloads } = createEmitter();
    emitter.connectLogs(sink);
    emitter.emit([]);
    expect(payloads).toEqual([]);
    expect(emitter.calls).toBe(0);
  });

  test("are delivered at once without a pipeline for them", () => {
    const { emitter, delivered } = createEmitter();
    emitter.emit(fullEvents);
    expect(delivered).toEqual([1]);
  });

  test("are pending until the pipeline answers", () => {
    const { emitter, sink, delivered } = createEmitter(() => new Promise(() => {}));
    emitter.connectLogs(sink);
    emitter.emit([late]);
    emitter.emit([late]);
    expect(emitter.pending.map(({ call }) => call)).toEqual([1, 2]);
    expect(delivered).toEqual([]);
  });

  test("have uids that depend on the instance, the call and the index", async () => {
    const { emitter, sink, payloads, instance } = createEmitter();
    emitter.connectLogs(sink);
    emitter.emit([late, late]);
    emitter.emit([late]);
    instance.id = "two";
    emitter.resume(0, []);
    emitter.emit([late, late]);
    await emitter.drain(noDeadline());
    const uids = payloads.flatMap(uidsOf);
    expect(new Set(uids).size).toBe(5);
    expect(uids.map((uid) => uid?.slice(32))).toEqual(["-0", "-1", "-0", "-0", "-1"]);
  });

  test("are the same request when an earlier process did not deliver them", async () => {
    const first = createEmitter();
    first.emitter.connectLogs(first.sink);
    first.emitter.emit([late]);
    first.emitter.emit([late]);
    await first.emitter.drain(noDeadline());

    const second = createEmitter();
    second.emitter.connectLogs(second.sink);
    second.emitter.resume(2, [
      { call: 1, bytes: first.payloads[0]!.bytes },
      { call: 2, events: [late], calledAt },
    ]);
    second.emitter.emit([late]);
    await second.emitter.drain(noDeadline());
    expect(second.payloads.slice(0, 2).map((payload) => Buffer.from(payload.bytes))).toEqual(
      first.payloads.map((payload) => Buffer.from(payload.bytes)),
    );
    expect(second.payloads.map(({ items }) => items)).toEqual([1, 1, 1]);
    expect(second.delivered).toEqual([1, 2, 3]);
  });
});

describe("evictions that are held back", () => {
  test("are a warning with the cause and the number of markers", () => {
    const { emitter, log } = createEmitter();
    emitter.emit([{ type: "held", cause: "host_silent", atMs: 1, markers: 7 }]);
    expect(log).toEqual([
      {
        level: "warn",
        message:
          "Evictions are held back because too many are due at once or no signals arrive. Check the network first.",
        fields: { reason: "host_silent", markers: 7 },
      },
    ]);
  });
});

describe("the log of evictions", () => {
  test("gets evictions with Unix time and names, and no other event", () => {
    const { emitter } = createEmitter();
    emitter.emit(fullEvents.map((event) => (event.type === "evicted" ? late : event)));
    expect(emitter.evictions.entries()).toEqual([
      {
        ...{ atUnixMs: unixMs - 7_000, reason: "max_age", confidence: "presumed" },
        ...{ tools: 1, modelCalls: 0, oldestAgeMs: 5, toolName: "exec", channel: "exec" },
      },
    ]);
  });
});

describe("closing spans", () => {
  test("are one for each marker, in requests of 512, for the first pipeline only", async () => {
    const { emitter, sink, payloads } = createEmitter();
    const second: Payload[] = [];
    emitter.connectTraces(sink);
    emitter.connectTraces({
      consume: async (payload) => {
        second.push(payload);
        return accepted;
      },
    });
    const markers = Array.from({ length: 600 }, () => marker);
    emitter.emit([{ ...late, markers }, { ...late, markers }, late]);
    await emitter.drain(noDeadline());
    expect(payloads.map(({ items }) => items)).toEqual([512, 512, 176]);
    expect(payloads.map((payload) => spansOf(payload).length)).toEqual([512, 512, 176]);
    expect(second).toEqual([]);
  });

  // The eviction is at unixMs - 7 000.
  for (const [title, startMs, wantMs] of [
    ["have the sender's start when it is a day off at most", unixMs - 12_000 - 86_400_000, 0],
    ["have the sender's start when it is a day ahead at most", unixMs - 12_000 + 86_400_000, 0],
    ["end at the eviction when it is further off", unixMs - 12_001 - 86_400_000, unixMs - 12_000],
    ["end at the eviction when it is further ahead", unixMs - 11_999 + 86_400_000, unixMs - 12_000],
  ] as const) {
    test(title, async () => {
      const { emitter, sink, payloads } = createEmitter();
      emitter.connectTraces(sink);
      emitter.emit([{ ...late, markers: [{ ...marker, startMs }] }]);
      await emitter.drain(noDeadline());
      const [span] = spansOf(payloads[0]!);
      const timesMs = [span!.startTimeUnixNano, span!.endTimeUnixNano].map(
        (nanos) => Number(String(nanos)) / 1e6,
      );
      const fromMs = wantMs === 0 ? startMs : wantMs;
      expect(timesMs).toEqual([fromMs, fromMs + 5_000]);
    });
  }
});
