import { describe, expect, test } from "vitest";
import type { SnapshotOutcome } from "../../../src/component/storage.ts";
import { MemoryStorage } from "../../activity/journal/memory-journal.ts";
import { delivered, open } from "../../activity/journal/restarted-collector.ts";
import { noDeadline } from "../../exporters/settings.ts";
import { deferred } from "../../support/deferred.ts";

type Collector = Awaited<ReturnType<typeof open>>;

/** The collector that replaces `old`, in the moment after it has taken over. */
async function replace(
  old: Collector,
  storage: MemoryStorage | undefined,
  {
    sharesStorage = storage !== undefined,
    config = {},
  }: { readonly sharesStorage?: boolean; readonly config?: Readonly<Record<string, unknown>> } = {},
): Promise<Collector> {
  const heir = await open(storage, {
    seed: 5,
    config,
    replaces: { sharesStorage, clock: old.clock },
  });
  heir.component.state!.takeOver(old.component.state!.handOver());
  await old.component.shutdown(noDeadline());
  return heir;
}

const run = { id: 1, start: 0, session: "s" };
const tool = { id: 2, parent: 1, start: 1, tool: "exec" };
const ofOrphan = [
  'ended_total{kind="run"} 1',
  'evicted_total{reason="orphaned_no_owner"} 1',
  'started_total{kind="run"} 1',
  'started_total{kind="tool"} 1',
];

for (const [title, storage] of [
  ["in memory", () => undefined],
  ["in a storage", () => new MemoryStorage()],
] as const) {
  describe(`state ${title} that is handed over`, () => {
    test("has the open work, its owners and the counters", async () => {
      const at = storage();
      const old = await open(at);
      await old.send(run, tool);
      const before = await old.wholePage();
      const heir = await replace(old, at);
      expect(await heir.wholePage()).toEqual(before);
      await heir.send({ ...run, end: 9 });
      heir.clock.advance(60_000);
      expect(await heir.page()).toEqual(ofOrphan);
      expect([old.evictions(), heir.evictions()].map((each) => each.length)).toEqual([0, 1]);
    });

    test("is decided under the new limits", async () => {
      const at = storage();
      const old = await open(at, { config: { allowed_lateness: "60s" } });
      await old.send(run, tool);
      const heir = await replace(old, at, { config: { allowed_lateness: "2s" } });
      await heir.send({ ...run, end: 9 });
      heir.clock.advance(3_000);
      expect(await heir.page()).toEqual(ofOrphan);
    });

    test("is the same after many times", async () => {
      const at = storage();
      let collector = await open(at);
      await collector.send(run, tool);
      for (let turn = 0; turn < 20; turn++) {
        const lateness = turn % 2 === 0 ? "20s" : "10s";
        collector = await replace(collector, at, { config: { allowed_lateness: lateness } });
      }
      await collector.send({ ...run, end: 9 });
      collector.clock.advance(60_000);
      expect(await collector.page()).toEqual(ofOrphan);
    });

    test("counts no time as downtime and gives no grace", async () => {
      const at = storage();
      const old = await open(at, { config: { restart_grace: "10m" } });
      await old.send(run, tool);
      await old.send({ ...run, end: 9 });
      const heir = await replace(old, at, { config: { restart_grace: "20m" } });
      heir.clock.advance(11_000);
      expect(heir.evictions()).toHaveLength(1);
    });

    test("has the events that are not delivered, and each is sent once", async () => {
      const at = storage();
      const old = await open(at);
      old.holdLogs();
      await old.send(run, tool);
      await old.send({ ...run, end: 9 });
      old.clock.advance(11_000);
      await old.send(
        { id: 3, start: 20, session: "t" },
        { id: 4, parent: 3, start: 21, tool: "b" },
      );
      await old.send({ id: 3, start: 20, end: 22, session: "t" });
      old.clock.advance(11_000);
      const sentByOld = old.evictions().length;
      const heir = await replace(old, at);
      await delivered();
      expect(sentByOld).toBe(1);
      // The pipeline of the old one has the first and will answer; the second follows when it has.
      expect(heir.evictions()).toHaveLength(0);
    });
  });
}

describe("a journal that is handed over", () => {
  test("lets a restart go on as after one start", async () => {
    const storage = new MemoryStorage();
    const old = await open(storage, { config: { allowed_lateness: "60s" } });
    await old.send(run, tool);
    const heir = await replace(old, storage, { config: { allowed_lateness: "5s" } });
    await heir.send({ id: 5, start: 2, session: "other" });
    const page = await heir.page();
    storage.lastWrittenUnixMs = heir.clock.unixMs();
    const next = await open(storage, { seed: 9, config: { allowed_lateness: "5s" } });
    expect(await next.page()).toEqual(page);
    await next.send({ ...run, end: 9 });
    next.clock.advance(120_000);
    expect(next.evictions()).toHaveLength(1);
  });

  test("asks the new one for snapshots", async () => {
    const storage = new MemoryStorage();
    const old = await open(storage);
    await old.send(run, tool);
    const heir = await replace(old, storage);
    const before = storage.records.length;
    storage.owner!.onSnapshotNeeded();
    heir.clock.advance(1_000);
    await delivered();
    expect(before).toBeGreaterThan(4);
    storage.lastWrittenUnixMs = heir.clock.unixMs();
    const next = await open(storage, { seed: 9 });
    expect(await next.page()).toEqual(await heir.page());
  });

  test("moves into another storage, whatever was there", async () => {
    const [from, to] = [new MemoryStorage(), new MemoryStorage()];
    const stale = await open(to);
    await stale.send({ id: 77, start: 0, session: "stale" });
    const old = await open(from);
    await old.send(run, tool);
    const heir = await replace(old, to, { sharesStorage: false });
    await delivered();
    const page = await heir.page();
    to.lastWrittenUnixMs = heir.clock.unixMs();
    const next = await open(to, { seed: 9 });
    expect(await next.page()).toEqual(page);
    expect(page).toContain('open{kind="tool"} 1');
  });
});

describe("a journal whose state goes on elsewhere", () => {
  test("is discarded only when the state is in the new storage, and the old one waits for that", async () => {
    const [from, to] = [new MemoryStorage(), new MemoryStorage()];
    const stored = deferred<SnapshotOutcome>();
    to.snapshots = stored.promise;
    const old = await open(from);
    await old.send(run, tool);
    const heir = await open(to, { replaces: { sharesStorage: false, clock: old.clock } });
    heir.component.state!.takeOver(old.component.state!.handOver());
    let hasEnded = false;
    const ending = old.component.shutdown(noDeadline()).then(() => {
      hasEnded = true;
    });
    await delivered();
    expect([from.isDiscarded, hasEnded]).toEqual([false, false]);
    stored.resolve({ status: "done" });
    await ending;
    expect([from.isDiscarded, to.isDiscarded]).toEqual([true, false]);
  });

  test("is discarded after the snapshot that succeeds when the first one fails", async () => {
    const [from, to] = [new MemoryStorage(), new MemoryStorage()];
    to.snapshots = { status: "failed", reason: "no_space" };
    const old = await open(from);
    await old.send(run, tool);
    const heir = await open(to, { replaces: { sharesStorage: false, clock: old.clock } });
    heir.component.state!.takeOver(old.component.state!.handOver());
    await delivered();
    const wasDiscarded = from.isDiscarded;
    to.snapshots = { status: "done" };
    to.owner!.onSnapshotNeeded();
    heir.clock.advance(1_000);
    await old.component.shutdown(noDeadline());
    expect([wasDiscarded, from.isDiscarded]).toEqual([false, true]);
  });

  test("is discarded at once when the new one has no storage", async () => {
    const from = new MemoryStorage();
    const old = await open(from);
    await old.send(run, tool);
    const heir = await replace(old, undefined, { sharesStorage: false });
    expect(from.isDiscarded).toBe(true);
    expect(await heir.page()).toContain('open{kind="tool"} 1');
  });

  test("stays when the new storage cannot store the state in time, and the log has where it is", async () => {
    const [from, to] = [new MemoryStorage(), new MemoryStorage()];
    to.snapshots = { status: "failed", reason: "no_space" };
    const old = await open(from);
    await old.send(run, tool);
    const heir = await open(to, { replaces: { sharesStorage: false, clock: old.clock } });
    heir.component.state!.takeOver(old.component.state!.handOver());
    await old.component.shutdown(AbortSignal.abort());
    expect(from.isDiscarded).toBe(false);
    expect(old.log).toContainEqual({
      level: "warn",
      message: expect.stringContaining("the copy in the old place was kept"),
      fields: { directory: "/state" },
    });
    expect(await heir.page()).toContain('open{kind="tool"} 1');
  });

  test("is not left by a stop right after the reload, before the state is in the new storage", async () => {
    const to = new MemoryStorage();
    const stored = deferred<SnapshotOutcome>();
    to.snapshots = stored.promise;
    const old = await open(new MemoryStorage());
    await old.send(run, tool);
    const heir = await open(to, { replaces: { sharesStorage: false, clock: old.clock } });
    heir.component.state!.takeOver(old.component.state!.handOver());
    let hasStopped = false;
    const stopping = heir.component.shutdown(noDeadline()).then(() => {
      hasStopped = true;
    });
    await delivered();
    expect(hasStopped).toBe(false);
    stored.resolve({ status: "done" });
    await stopping;
    await old.component.shutdown(noDeadline());
  });

  test("that goes on in the same storage is never discarded", async () => {
    const storage = new MemoryStorage();
    const old = await open(storage);
    await old.send(run, tool);
    await replace(old, storage);
    await delivered();
    expect(storage.isDiscarded).toBe(false);
  });
});

test("the new one forgets no grace after a restart", async () => {
  const storage = new MemoryStorage();
  const first = await open(storage, { config: { restart_grace: "10m" } });
  await first.send(run, tool);
  await first.send({ ...run, end: 9 });
  storage.lastWrittenUnixMs = first.clock.unixMs();
  const second = await open(storage, { config: { restart_grace: "10m" }, afterMs: 1_000 });
  const third = await replace(second, storage, { config: { restart_grace: "9m" } });
  third.clock.advance(60_000);
  expect(third.evictions()).toHaveLength(0);
});

test("one that has handed over does nothing more and refuses data", async () => {
  const storage = new MemoryStorage();
  const old = await open(storage);
  await old.send(run, tool);
  await replace(old, storage);
  const written = storage.records.length;
  const answer = await old.send({ ...run, end: 9 });
  old.clock.advance(100);
  expect(answer.status).toBe("retryable");
  expect(storage.records.length).toBe(written);
});
