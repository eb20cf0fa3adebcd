import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import { describe, expect, test } from "vitest";
import { recordTypes } from "../../../src/activity/journal/journal-records.ts";
import type { Component } from "../../../src/component/component.ts";
import type { otlp } from "../../../src/otlp/proto/generated.js";
import { noDeadline } from "../../exporters/settings.ts";
import { deferred } from "../../support/deferred.ts";
import { MemoryStorage } from "./memory-journal.ts";
import { delivered, open } from "./restarted-collector.ts";

const ageOf = ({ attributes }: otlp.LogRecord.$Properties) =>
  Number(attributes!.find(({ key }) => key === "openclaw.oldestAgeMs")?.value?.intValue);

const uidOf = ({ attributes }: otlp.LogRecord.$Properties) =>
  attributes!.find(({ key }) => key === "log.record.uid")?.value?.stringValue;

/** Counters as a backend identifies them, with their values. */
const countersOf = ({ scopeMetrics }: CollectionResult["resourceMetrics"]) =>
  scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .filter(({ descriptor }) => /\.(started|ended|evicted|signals|duration)$/.test(descriptor.name))
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, startTime, value }) => ({
        name: descriptor.name,
        attributes,
        startTime,
        value,
      })),
    );

describe("a collector that is killed and started again", () => {
  test("still has the open work, its owners and the counters", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    await first.send(
      { id: 1, start: 0, session: "s" },
      { id: 2, parent: 1, start: 1, tool: "exec" },
      { id: 3, parent: 1, start: 1, tool: "read" },
    );
    await first.send({ id: 3, parent: 1, start: 1, end: 2, tool: "read" });
    const before = await first.page();
    storage.lastWrittenUnixMs = first.clock.unixMs();

    const second = await open(storage, { seed: 9, afterMs: 5_000 });
    expect(await second.page()).toEqual(before);
    // The sender got no answer and sends the tool again.
    await second.send({ id: 2, parent: 1, start: 1, tool: "exec" });
    expect(await second.page()).toEqual(before);
    await second.send({ id: 1, start: 0, end: 9, session: "s" });
    second.clock.advance(60_000);
    expect(await second.page()).toEqual(
      [
        'ended_total{kind="run"} 1',
        'ended_total{kind="tool"} 1',
        'evicted_total{reason="orphaned_no_owner"} 1',
        'started_total{kind="run"} 1',
        'started_total{kind="tool"} 2',
      ].sort(),
    );
    expect(second.events()).toMatchObject([
      { eventName: "session.activity.evicted", tool: "exec" },
    ]);
  });

  test("evicts nothing before the grace is over, even if it was due during the downtime", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    await first.send({ id: 1, start: 0, end: 3 });
    storage.lastWrittenUnixMs = first.clock.unixMs();

    const second = await open(storage, { afterMs: 3_600_000 });
    second.clock.advance(29_800);
    expect(second.events()).toEqual([]);
    second.clock.advance(400);
    expect(second.events()).toMatchObject([
      { eventName: "session.activity.evicted", atS: (second.clock.unixMs() - 200) / 1000 },
    ]);
  });

  for (const [what, aheadMs, afterMs, downtimeS, sinceS] of [
    ["an hour: leases become longer by that", 0, 3_620_000, 3_600, 20],
    ["no time, by a wall clock that was set back", 3_600_000, 21_000, 0, 21],
    // By that clock nothing has happened yet. The engine's clock continues where it stopped.
    ["no time, by a wall clock that was set back to before everything", 3_600_000, 0, 0, 20],
  ] as const) {
    test(`was down for ${what}`, async () => {
      const storage = new MemoryStorage();
      const first = await open(storage);
      const tool = { id: 2, parent: 1, start: 1, tool: "exec", snapshot: true };
      await first.send({ id: 1, start: 0 }, { ...tool, end: 2 });
      first.clock.advance(20_000);
      await first.send({ ...tool, end: 22 });
      storage.lastWrittenUnixMs = first.clock.unixMs() + aheadMs;

      const second = await open(storage, { afterMs });
      expect(second.log.at(-1)).toMatchObject({ fields: { downtime_s: downtimeS } });
      // The lease of 60 s ends at 80 s. Because no input arrives at all, the eviction waits one lateness more.
      const names = () => second.events().map(({ eventName }) => eventName);
      second.clock.advance((79 - sinceS) * 1000);
      await delivered();
      expect(names()).toEqual([]);
      second.clock.advance(12_000);
      await delivered();
      expect(names()).toEqual(["session.activity.held", "session.activity.evicted"]);
    });
  }

  for (const [title, evidence] of [
    ["records that are missing", { missingRecords: 7 }],
    ["an end of which nothing is known", { isEndMissing: true }],
  ] as const) {
    test(`accuses no work whose end may be in ${title}, also after one more restart`, async () => {
      const storage = new MemoryStorage();
      const first = await open(storage);
      await first.send(
        { id: 1, start: 0, session: "s" },
        { id: 2, parent: 1, start: 1, tool: "exec" },
        { id: 3, parent: 1, start: 1, tool: "leased", snapshot: true, end: 2 },
        { id: 11, trace: 8, start: 0, session: "t" },
        { id: 12, trace: 8, parent: 11, start: 1, tool: "of an ended run" },
      );
      await first.send({ id: 11, trace: 8, start: 0, end: 2, session: "t" });
      storage.lastWrittenUnixMs = first.clock.unixMs();
      Object.assign(storage, evidence);

      const second = await open(storage, { seed: 9, afterMs: 5_000 });
      expect(second.log).toContainEqual(
        expect.objectContaining({
          level: "warn",
          message: expect.stringContaining("lacks what happened last"),
          fields: { untracked: 4 },
        }),
      );
      storage.missingRecords = 0;
      storage.isEndMissing = false;
      for (const collector of [second, await open(storage, { seed: 10, afterMs: 6_000 })]) {
        collector.clock.advance(200);
        expect(collector.statuses).toEqual([
          {
            status: "recoverable_error",
            message:
              "The end of the stored state was missing at the start, so work that was open in it is not tracked.",
          },
        ]);
        // Its ends change nothing, and what begins now is tracked.
        await collector.send(
          { id: 1, start: 0, end: 9, session: "s" },
          { id: 21, trace: 9, start: 10, session: "s" },
          { id: 22, trace: 9, parent: 21, start: 11, tool: "new" },
        );
        await collector.send({ id: 21, trace: 9, start: 10, end: 12, session: "s" });
        collector.clock.advance(600_000);
        await delivered();
        const names = collector.events().map(({ eventName, tool }) => [eventName, tool]);
        expect(names).toEqual([["session.activity.evicted", "new"]]);
        expect(
          (await collector.wholePage()).filter((line) => line.includes("_untracked_total{")),
        ).toEqual([expect.stringMatching(/"run".* 1$/), expect.stringMatching(/"tool".* 3$/)]);
      }
    });
  }

  test("of which nothing is left says so for as long as what was open may be, and tracks what begins", async () => {
    const storage = new MemoryStorage();
    storage.isEndMissing = true;
    const { clock, log, statuses, send, events } = await open(storage);
    clock.advance(200);
    expect(statuses).toEqual([
      {
        status: "recoverable_error",
        message:
          "Nothing of the stored state could be used at the start, so work that was open in it is not tracked.",
      },
    ]);
    expect(log).toContainEqual(
      expect.objectContaining({
        level: "warn",
        message: expect.stringContaining("Nothing of the stored state could be recovered"),
      }),
    );
    await send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    await send({ id: 1, start: 0, end: 3 });
    clock.advance(20_000);
    expect(events()).toMatchObject([{ eventName: "session.activity.evicted", tool: "exec" }]);
    for (let hour = 0; hour < 12; hour++) {
      clock.advance(3_600_000);
    }
    expect(statuses.at(-1)).toEqual({ status: "ok" });
  });

  test("remembers what it evicted: a late start is ignored, a late end reconciles", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    await first.send({ id: 1, start: 0, end: 3 });
    first.clock.advance(20_000);
    expect(first.events()).toHaveLength(1);
    await delivered();
    storage.lastWrittenUnixMs = first.clock.unixMs();

    const second = await open(storage, { afterMs: 21_000 });
    await second.send({ id: 5, parent: 1, start: 2, tool: "exec" });
    await second.send({ id: 2, parent: 1, start: 1, end: 8, tool: "exec" });
    second.clock.advance(200);
    expect(second.events().map(({ eventName }) => eventName)).toEqual([
      "session.activity.reconciled",
    ]);
    expect(await second.page()).toContain('evicted_total{reason="orphaned_no_owner"} 1');
  });

  test("emits events that were decided and not delivered, with the times of their deadlines", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    first.holdLogs();
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    await first.send({ id: 1, start: 0, end: 3 });
    const dueS = (first.clock.unixMs() + 10_000) / 1000;
    first.clock.advance(20_000);
    storage.lastWrittenUnixMs = first.clock.unixMs();

    const second = await open(storage, { afterMs: 100_000 });
    await delivered();
    expect(second.events()).toMatchObject([
      { eventName: "session.activity.evicted", atS: dueS, tool: "exec" },
    ]);
    const third = await open(storage, { afterMs: 200_000 });
    await delivered();
    expect(third.events()).toEqual([]);
  });

  test("emits events that may have been delivered before with the same uid, so that a backend recognizes them", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    await first.send(
      { id: 2, parent: 1, start: 1, tool: "exec", end: 1 },
      { id: 3, parent: 1, start: 1, tool: "read" },
      { id: 4, parent: 1, start: 1, tool: "write" },
      { id: 1, start: 0, end: 3 },
    );
    first.clock.advance(20_000);
    await delivered();
    const recorded = storage.records.length;
    // As much as two clocks drift apart in minutes.
    first.clock.setUnixMs(first.clock.unixMs() + 0.4);
    await first.send(
      { id: 3, parent: 1, start: 1, tool: "read", end: 20 },
      { id: 4, parent: 1, start: 1, tool: "write", end: 20 },
    );
    await delivered();
    expect(first.events().map(({ eventName }) => eventName)).toEqual([
      "session.activity.evicted",
      "session.activity.reconciled",
      "session.activity.reconciled",
    ]);
    expect(new Set(first.records().map(uidOf)).size).toBe(3);

    // Killed before the delivery of the last events was recorded.
    expect(storage.records[recorded]?.[0]).toBe(recordTypes.names);
    storage.records = storage.records.slice(0, recorded + 2);
    storage.lastWrittenUnixMs = first.clock.unixMs();
    const second = await open(storage, { seed: 7, afterMs: 100_000 });
    await delivered();
    expect(second.records()).toEqual(first.records().slice(1));
    await second.send({ id: 5, start: 90 }, { id: 6, parent: 5, start: 91, tool: "exec" });
    await second.send({ id: 5, start: 90, end: 93 });
    second.clock.advance(60_000);
    await delivered();
    const uids = [...first.records(), ...second.records()].map(uidOf);
    expect(new Set(uids).size).toBe(4);
    expect(uids).toEqual(uids.map(() => expect.stringMatching(/^[0-9a-f]{32}-\d+$/)));
  });

  test("times events by the wall clock again when that is set, or has drifted, also those that are emitted again", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    first.holdLogs();
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    first.clock.setUnixMs(first.clock.unixMs() + 11);
    await first.send({ id: 1, start: 0, end: 3 });
    const dueS = (first.clock.unixMs() + 10_000) / 1000;
    first.clock.advance(20_000);
    first.clock.setUnixMs(first.clock.unixMs() + 3_600_000);
    first.clock.advance(1_000);
    storage.lastWrittenUnixMs = first.clock.unixMs();

    const second = await open(storage, { afterMs: 100_000 });
    await delivered();
    expect(second.events()).toMatchObject([{ eventName: "session.activity.evicted", atS: dueS }]);
  });

  test("records a delivery at once, so that few events are emitted twice", async () => {
    const storage = new MemoryStorage();
    const { send, clock, events } = await open(storage);
    await send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    await send({ id: 1, start: 0, end: 3 });
    clock.advance(20_000);
    await delivered();
    expect(events()).toHaveLength(1);
    expect(storage.records.at(-1)![0]).toBe(recordTypes.delivered);
    expect(storage.certain).toBe(storage.records.length);
  });

  test("keeps pending events in a snapshot", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    first.holdLogs();
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    await first.send({ id: 1, start: 0, end: 3 });
    first.clock.advance(20_000);
    storage.owner!.onSnapshotNeeded();
    first.clock.advance(200);
    await delivered();
    const second = await open(storage, { afterMs: 100_000 });
    await delivered();
    expect(second.events()).toMatchObject([
      { eventName: "session.activity.evicted", tool: "exec" },
    ]);
  });

  test("keeps events that are decided when a snapshot is due", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    first.holdLogs();
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    await first.send({ id: 1, start: 0, end: 3 });
    first.clock.advance(9_800);
    storage.owner!.onSnapshotNeeded();
    first.clock.advance(200);
    expect(first.events()).toHaveLength(1);
    await delivered();
    const second = await open(storage, { afterMs: 100_000 });
    await delivered();
    expect(second.records()).toEqual(first.records());
    expect(await second.page()).toContain('evicted_total{reason="orphaned_no_owner"} 1');
  });

  test("emits all events that waited for a slow pipeline, with a snapshot and without", async () => {
    for (const makesSnapshot of [false, true]) {
      const storage = new MemoryStorage();
      const first = await open(storage);
      first.holdLogs();
      const traces = Array.from({ length: 1_010 }, (_, at) => at + 1);
      await first.send(
        ...traces.flatMap((trace) => [
          { trace, id: 1, start: 0 },
          { trace, id: 2, parent: 1, start: 1, tool: "exec" },
        ]),
      );
      for (const trace of traces) {
        // One call for each: the clock advances, and the share of all markers is too small for the circuit breaker.
        await first.send({ trace, id: 1, start: 0, end: 3 });
        first.clock.advance(200);
      }
      first.clock.advance(60_000);
      if (makesSnapshot) {
        storage.owner!.onSnapshotNeeded();
        first.clock.advance(200);
      }
      expect(await first.page()).toContain('evicted_total{reason="orphaned_no_owner"} 1010');
      storage.lastWrittenUnixMs = first.clock.unixMs();

      const second = await open(storage, { afterMs: 1_000_000 });
      await delivered();
      const uids = second.records().map(uidOf);
      expect(new Set(uids).size).toBe(uids.length);
      const evicted = second
        .events()
        .filter(({ eventName }) => eventName === "session.activity.evicted");
      expect(evicted).toHaveLength(1_010);
      expect(second.requests.length).toBeGreaterThanOrEqual(1_010);
      expect(uids[0]).toBe(uidOf(first.records()[0]!));
    }
  });

  test("restores names that are new when a snapshot is due", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    storage.owner!.onSnapshotNeeded();
    await first.send({ id: 3, parent: 1, start: 1, tool: "read" });
    await first.send({ id: 4, parent: 1, start: 1, tool: "write" });
    await first.send(
      { id: 2, parent: 1, start: 1, end: 2, tool: "exec" },
      { id: 3, parent: 1, start: 1, end: 2, tool: "read" },
      { id: 1, start: 0, end: 3 },
    );
    await delivered();
    const second = await open(storage, { afterMs: 1_000 });
    second.clock.advance(60_000);
    expect(second.events().map(({ tool }) => tool)).toEqual(["write"]);
  });

  test("continues from a snapshot as from the log, under the same series", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage, { seed: 3 });
    await first.send(
      { id: 1, start: 0, session: "s" },
      { id: 2, parent: 1, start: 1, tool: "exec" },
    );
    storage.logBytes = 64 << 20;
    first.clock.advance(200);
    await first.send({ id: 3, parent: 1, start: 1, tool: "write" });
    const before = await first.page();
    storage.lastWrittenUnixMs = first.clock.unixMs();

    const second = await open(storage, { seed: 5 });
    expect(await second.page()).toEqual(before);
    const idsOf = async (component: Component) =>
      (await component.receiver!.metrics!.collect()).resourceMetrics.resource.attributes[
        "service.instance.id"
      ];
    expect(await idsOf(second.component)).toBe(await idsOf(first.component));
    await second.send({ id: 1, start: 0, end: 4, session: "s" });
    second.clock.advance(60_000);
    expect(second.events()).toMatchObject([{ eventName: "session.activity.evicted" }]);
  });

  test("decides many evictions in parts, and continues when it was killed between two parts", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    const sessions = Array.from({ length: 3_000 }, (_, trace) => ({ trace: trace + 1, start: 0 }));
    await first.send(
      ...sessions.flatMap((each) => [
        { ...each, id: 1 },
        { ...each, id: 2, parent: 1, tool: "exec" },
      ]),
    );
    await first.send(...sessions.map((each) => ({ ...each, id: 1, end: 3 })));
    first.clock.advance(19_900); // So many at once are held back for one lateness more.
    await delivered();
    const known = storage.records.length;
    first.clock.advance(200);
    await delivered();
    expect(first.events()).toHaveLength(3_000 + 1);
    const parts = storage.records.slice(known).filter(([type]) => type === recordTypes.tick);
    expect(parts.length).toBeGreaterThan(1);

    storage.records = storage.records.slice(0, known + 1);
    storage.lastWrittenUnixMs = first.clock.unixMs();
    const second = await open(storage, { afterMs: 20_100 });
    second.clock.advance(60_000);
    await delivered();
    expect(await second.page()).toEqual(await first.page());
  });

  test("publishes its counters only when they are restored, because a counter that falls looks like a reset", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage, { seed: 3 });
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    const { resourceMetrics } = await first.component.receiver!.metrics!.collect();
    storage.lastWrittenUnixMs = first.clock.unixMs();
    const read = deferred<void>();
    storage.isRead = read.promise;

    let collected: Promise<CollectionResult> | undefined;
    const second = open(storage, {
      seed: 5,
      afterMs: 100_000,
      onCreated: ({ receiver }) => {
        collected = receiver!.metrics!.collect();
      },
    });
    read.resolve();
    await second;
    const again = (await collected!).resourceMetrics;
    expect(again.resource.attributes).toEqual(resourceMetrics.resource.attributes);
    expect(countersOf(again)).toEqual(countersOf(resourceMetrics));
  });

  test("repeats calls under the config of then, and continues under the config of now", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    await first.send({ id: 1, start: 0, end: 3 });
    first.clock.advance(20_000);
    await delivered();
    expect(first.events()).toHaveLength(1);
    storage.lastWrittenUnixMs = first.clock.unixMs();

    const patient = { config: { allowed_lateness: "1h" } };
    const second = await open(storage, { ...patient, afterMs: 100_000 });
    expect(await second.page()).toEqual(await first.page());
    await second.send(
      { trace: 8, id: 1, start: 90 },
      { trace: 8, id: 2, parent: 1, start: 91, tool: "read" },
    );
    await second.send({ trace: 8, id: 1, start: 90, end: 93 });
    second.clock.advance(60_000);
    await delivered();
    expect(second.events()).toEqual([]);
    storage.lastWrittenUnixMs = second.clock.unixMs();

    const third = await open(storage, { afterMs: 200_000 });
    expect(await third.page()).toEqual(await second.page());
    storage.owner!.onSnapshotNeeded();
    third.clock.advance(3_600_000);
    await delivered();
    const evicted = third
      .events()
      .filter(({ eventName }) => eventName === "session.activity.evicted");
    expect(evicted.map(({ tool }) => tool)).toEqual(["read"]);
    storage.lastWrittenUnixMs = third.clock.unixMs();
    const fourth = await open(storage, { ...patient, afterMs: 4_000_000 });
    expect(await fourth.page()).toEqual(await third.page());
  });

  for (const [what, unixMs] of [
    ["a day ahead", 1_795_001_000_000 + 86_400_000],
    ["ten years ahead", 1_795_001_000_000 + 3_650 * 86_400_000],
    ["in 1970", 1_000],
  ] as const) {
    test(`evicts nothing because the wall clock is ${what}`, async () => {
      const storage = new MemoryStorage();
      const first = await open(storage);
      await first.send(
        { id: 1, start: 0, session: "s" },
        { id: 2, parent: 1, start: 1, tool: "exec" },
        { id: 7, trace: 8, start: 0 },
        { id: 8, trace: 8, parent: 7, start: 1, tool: "orphan" },
      );
      await first.send({ id: 7, trace: 8, start: 0, end: 3 });
      first.clock.advance(20_000);
      await delivered();
      const before = await first.page();
      storage.lastWrittenUnixMs = first.clock.unixMs();

      const second = await open(storage, { unixMs });
      second.clock.advance(120_000);
      expect(second.evictions()).toEqual([]);
      expect(await second.page()).toEqual(before);
      // The evicted tool is recognized, so its late end is counted once.
      await second.send({ id: 8, trace: 8, parent: 7, start: 1, end: 9, tool: "orphan" });
      await second.send({ id: 2, parent: 1, start: 1, end: 60, tool: "exec" });
      await second.send({ id: 1, start: 0, end: 61, session: "s" });
      second.clock.advance(120_000);
      await delivered();
      const names = second.events().map(({ eventName }) => eventName);
      expect(names).toContain("session.activity.reconciled");
      expect(second.evictions()).toEqual([]);
    });
  }

  test("adds the downtime to ages, and to no deadline", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage, { config: { max_age: "1h" } });
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    first.clock.advance(1_800_000);
    storage.lastWrittenUnixMs = first.clock.unixMs();

    const second = await open(storage, {
      config: { max_age: "1h" },
      afterMs: 1_800_000 + 2_400_000,
    });
    expect(await second.oldestAgeS()).toBeCloseTo(4_200);
    second.clock.advance(1_700_000);
    expect(second.evictions()).toEqual([]);
    second.clock.advance(200_000);
    expect(second.evictions().map(ageOf)).toEqual([3_600_000 + 2_400_000]);
  });

  test("records the time every minute even if nothing is decided", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage, { config: { max_age: "1h" } });
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    first.clock.advance(3_500_000);
    storage.lastWrittenUnixMs = first.clock.unixMs();
    const second = await open(storage, { config: { max_age: "1h" }, afterMs: 3_500_000 });
    second.clock.advance(30_000);
    expect(second.evictions()).toEqual([]);
    second.clock.advance(130_000);
    expect(second.evictions()).toHaveLength(1);
  });

  test("logs what it recovered", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    storage.lastWrittenUnixMs = first.clock.unixMs();
    const second = await open(storage, { afterMs: 12_000 });
    expect(second.log).toEqual([
      {
        level: "info",
        message: "The state of sessions was recovered.",
        fields: { open_work: 2, sessions: 1, downtime_s: 12 },
      },
    ]);
  });

  test("starts empty, with a warning, when a later version wrote the state", async () => {
    const storage = new MemoryStorage();
    storage.records = [
      Buffer.concat([Buffer.from([1]), Buffer.from('{"version":99}')]),
      Buffer.from([77, 1]),
    ];
    const { log, send, page, clock } = await open(storage);
    expect(log).toMatchObject([
      {
        level: "warn",
        message:
          "The stored state was written by an unknown version and is ignored. Tracking starts empty.",
      },
    ]);
    await send({ id: 1, start: 0 });
    clock.advance(400);
    await delivered();
    const again = await open(storage);
    expect(await again.page()).toEqual(await page());
  });

  test("refuses to start on records that no version wrote", async () => {
    const storage = new MemoryStorage();
    storage.records = [Buffer.from([9, 9, 9])];
    await expect(open(storage)).rejects.toThrow("does not begin with a header");
  });

  test("stores no session reference and no free text of a sender", async () => {
    const storage = new MemoryStorage();
    const { send, component } = await open(storage);
    await send(
      { id: 1, start: 0, session: "agent:main:secret" },
      { id: 2, parent: 1, start: 1, tool: "agent:main:secret" },
    );
    await component.shutdown(noDeadline());
    expect(Buffer.concat(storage.records).includes("secret")).toBe(false);
  });
});

describe("a collector that is paused", () => {
  for (const pauseMs of [11_000, 60_000, 3_600_000]) {
    test(`for ${pauseMs / 1000} s does not evict work whose end waits in its sockets`, async () => {
      const storage = new MemoryStorage();
      const { send, clock, events, page, log } = await open(storage);
      await send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
      await send({ id: 1, start: 0, end: 3 });
      clock.advance(8_000);
      clock.pause(pauseMs);
      expect(events()).toEqual([]);
      await send({ id: 2, parent: 1, start: 1, end: 4, tool: "exec" });
      clock.advance(60_000);
      expect(events()).toEqual([]);
      expect(await page()).toContain('ended_total{kind="tool"} 1');
      expect(log).toEqual([
        {
          level: "warn",
          message:
            "The collector was paused. Deadlines moved by that time, and by the time to read what senders sent meanwhile.",
          fields: { paused_s: pauseMs / 1000, deadlines_moved_s: (pauseMs + 10_000) / 1000 },
        },
      ]);
    });
  }

  test("says how long each of two pauses was, and by how much deadlines moved", async () => {
    const { clock, log } = await open(undefined);
    clock.advance(1_000);
    clock.pause(11_000);
    clock.advance(1_000);
    clock.pause(12_000);
    expect(log.map(({ fields }) => fields)).toEqual([
      { paused_s: 11, deadlines_moved_s: 21 },
      { paused_s: 12, deadlines_moved_s: 11.8 },
    ]);
  });

  test("counts the pause in the durations of the same work before and after a restart", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    await first.send({ id: 1, start: 0 });
    // The ticks of this time decide nothing, so they are not in the journal.
    first.clock.advance(3_000);
    first.clock.pause(20_000);
    // It begins while the engine's clock stands still.
    await first.send({ id: 2, trace: 2, start: 23 });
    first.clock.advance(15_000);
    // No such end can be believed, so the durations are those of the collector's own clock.
    await first.send({ id: 1, start: 0, end: 9_000 }, { id: 2, trace: 2, start: 23, end: 9_000 });
    const durations = (lines: readonly string[]) =>
      lines.filter((line) => line.includes("duration_seconds_sum"));
    const before = durations(await first.wholePage());
    expect(before).toHaveLength(1);

    const second = await open(storage, { afterMs: 40_000 });
    expect(durations(await second.wholePage())).toEqual(before);
  });

  test("evicts an orphan when the rest of the lateness has passed, with its true age", async () => {
    const storage = new MemoryStorage();
    const first = await open(storage);
    await first.send({ id: 1, start: 0 }, { id: 2, parent: 1, start: 1, tool: "exec" });
    await first.send({ id: 1, start: 0, end: 3 });
    first.clock.advance(8_000);
    first.clock.pause(60_000);
    first.clock.advance(11_800);
    expect(first.events()).toEqual([]);
    first.clock.advance(400);
    expect(first.events()).toMatchObject([{ eventName: "session.activity.evicted" }]);
    const [atS] = first.events().map((event) => event.atS);
    expect(first.clock.unixMs() / 1000 - atS!).toBeLessThan(0.5);
    expect(first.records().map(ageOf)).toEqual([80_000]);

    // A replay knows the pause.
    await delivered();
    storage.records = storage.records.slice(0, -1);
    storage.lastWrittenUnixMs = first.clock.unixMs();
    const second = await open(storage, { afterMs: 80_200 });
    second.clock.advance(60_000);
    await delivered();
    expect(second.events().map((event) => event.atS)).toEqual([atS]);
    expect(second.records().map(ageOf)).toEqual([80_000]);
  });
});
