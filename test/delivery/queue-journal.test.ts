import { describe, expect, test } from "vitest";
import { DeliveryWatch } from "../../src/component/delivery-watch.ts";
import type { AttemptResult } from "../../src/delivery/attempt.ts";
import { QueueJournal } from "../../src/delivery/queue-journal.ts";
import type { Payload } from "../../src/otlp/payload.ts";
import { noDeadline } from "../exporters/settings.ts";
import { FakeDisk, type Files, type Operation } from "../extensions/file_storage/fake-disk.ts";
import { settled } from "../extensions/file_storage/open-journal.ts";
import fc from "../support/fast-check.ts";
import { DiskStorage } from "./disk-storage.ts";
import { delivery, payloadOf, refused, unavailable, whenAborted } from "./harness.ts";

const textOf = ({ bytes }: Payload) => Buffer.from(bytes).toString();

/** The payloads that a start on this disk finds. */
async function stored(disk: FakeDisk): Promise<readonly string[]> {
  const restored = await new QueueJournal().open(new DiskStorage(disk));
  return restored.map(({ payload }) => textOf(payload));
}

function persistent(disk: FakeDisk, section: Readonly<Record<string, unknown>> = {}) {
  const storage = new DiskStorage(disk);
  return {
    storage,
    ...delivery({ sending_queue: { storage: "file_storage" }, ...section }, { storage }),
  };
}

describe("a persistent queue", () => {
  test("keeps what is not delivered over a crash, and sends it after the next start", async () => {
    const disk = new FakeDisk();
    const first = persistent(disk);
    first.backend.answer = (text) => (text === "a" ? { status: "sent" } : unavailable);
    await first.start();
    for (const text of ["a", "bb", "ccc"]) {
      expect(await first.consume(text)).toEqual({ status: "accepted" });
    }
    await settled();
    first.storage.clock.advance(10);
    await settled();
    const second = persistent(FakeDisk.of(disk.files()));
    await second.start();
    await settled();
    expect(second.sent).toEqual(["bb", "ccc"]);
    expect(second.counts).toMatchObject({ restored: { value: 5 }, sent: { value: 5 } });
    expect(second.log).toMatchObject([{ level: "info", fields: { requests: 2, items: 5 } }]);
    expect(await second.balance()).toEqual({ in: 5, out: 5 });
  });

  test("accepts a payload only when it is stored", async () => {
    const disk = new FakeDisk();
    let release = () => {};
    const subject = persistent(disk);
    await subject.start();
    disk.pause = (name) =>
      name === "write" ? new Promise((resolve) => (release = resolve)) : undefined;
    let isAccepted = false;
    const answer = subject.consume("abc").then(() => {
      isAccepted = true;
    });
    await settled();
    expect(isAccepted).toBe(false);
    disk.pause = () => {};
    release();
    await answer;
    expect(await stored(FakeDisk.of(disk.files()))).toEqual(["abc"]);
  });

  test("at a shutdown leaves what waits or is to be retried for the next start, and drops nothing", async () => {
    const disk = new FakeDisk();
    const subject = persistent(disk, { sending_queue: { storage: "s", num_consumers: 1 } });
    subject.backend.answer = () => unavailable;
    await subject.start();
    for (const text of ["a", "b", "c"]) {
      await subject.consume(text);
    }
    await settled();
    await subject.shutdown(noDeadline());
    expect(subject.attempts).toEqual(["a"]);
    expect(subject.counts.sendFailed.value).toBe(0);
    expect(await subject.balance()).toEqual({ in: 3, out: 3 });
    expect(subject.log.filter(({ level }) => level === "error")).toEqual([]);
    await subject.storage.journal!.close();
    expect(await stored(FakeDisk.of(disk.files()))).toEqual(["a", "b", "c"]);
  });

  test("at the deadline of a shutdown leaves what is being sent, too", async () => {
    const disk = new FakeDisk();
    const subject = persistent(disk, { retry_on_failure: { enabled: false } });
    subject.backend.answer = (_, abort) => whenAborted(abort);
    await subject.start();
    await subject.consume("a");
    await settled();
    await subject.shutdown(AbortSignal.abort());
    await subject.storage.journal!.close();
    expect(await stored(FakeDisk.of(disk.files()))).toEqual(["a"]);
  });

  test("after a start gives up the data of senders after max_elapsed_time, but not events, which nobody would send again", async () => {
    for (const retry of [{ max_elapsed_time: "1m" }, { enabled: false }]) {
      const disk = new FakeDisk();
      const first = persistent(disk);
      first.backend.answer = () => unavailable;
      await first.start();
      await first.consume("span");
      const delivery = new DeliveryWatch(() => {});
      await first.consumer.consume({ ...payloadOf("event"), delivery });
      await first.shutdown(noDeadline());
      await first.storage.journal!.close();

      const second = persistent(FakeDisk.of(disk.files()), { retry_on_failure: retry });
      let isUp = false;
      second.backend.answer = () => (isUp ? { status: "sent" } : unavailable);
      await second.start();
      for (let elapsed = 0; elapsed < 600; elapsed += 10) {
        second.clock.advance(10_000);
        await settled();
      }
      expect(second.counts.sendFailed.value).toBe("span".length);
      isUp = true;
      second.clock.advance(60_000);
      await settled();
      expect(second.sent).toEqual(["event"]);
      expect(await second.balance()).toEqual({ in: 9, out: 9 });
      await second.shutdown(noDeadline());
    }
  });

  test("of which everything was sent leaves no file after a shutdown, and one with anything left keeps it", async () => {
    for (const wish of ["nothing", "sent", "restored and sent", "left"]) {
      const disk = new FakeDisk();
      if (wish === "restored and sent") {
        const before = persistent(disk);
        before.backend.answer = () => unavailable;
        await before.start();
        await before.consume("a");
        await before.shutdown(noDeadline());
        await before.storage.journal!.close();
      }
      const subject = persistent(disk);
      await subject.start();
      if (wish === "sent") {
        await subject.consume("a");
      } else if (wish === "left") {
        subject.backend.answer = (text) => (text === "a" ? { status: "sent" } : unavailable);
        await Promise.all([subject.consume("a"), subject.consume("b")]);
      }
      await settled();
      await subject.shutdown(noDeadline());
      await subject.storage.journal!.close();
      expect([wish, await stored(FakeDisk.of(disk.files()))]).toEqual([
        wish,
        wish === "left" ? ["b"] : [],
      ]);
      expect([wish, disk.files().size > 0]).toEqual([wish, wish === "left"]);
    }
  });

  test("keeps payloads of a signal for which there is no pipeline any more", async () => {
    const disk = new FakeDisk();
    const before = new QueueJournal();
    const storage = new DiskStorage(disk);
    await before.open(storage);
    await before.add({ signal: "metrics", bytes: Uint8Array.of(97), items: 1 });
    await storage.journal!.close();
    const subject = persistent(disk);
    await subject.start();
    await subject.consume("b");
    await settled();
    await subject.shutdown(noDeadline());
    await subject.storage.journal!.close();
    expect(await stored(disk)).toEqual(["a"]);
  });

  test("is removed when a snapshot came after its last payload", async () => {
    const disk = new FakeDisk();
    const storage = new DiskStorage(disk);
    let requestSnapshot = () => {};
    const journal = new QueueJournal();
    await journal.open({
      openJournal(owner) {
        requestSnapshot = () => owner.onSnapshotNeeded();
        return storage.openJournal(owner);
      },
    });
    journal.remove(await journal.add({ signal: "traces", bytes: Uint8Array.of(1), items: 1 }));
    requestSnapshot();
    await settled();
    expect(storage.journal!.counts.snapshots.done).toBe(1);
    await storage.journal!.close();
    expect(disk.files().size).toBe(0);
  });

  test("forgets what the backend refused for good", async () => {
    const disk = new FakeDisk();
    const subject = persistent(disk);
    subject.backend.answer = () => refused;
    await subject.start();
    await subject.consume("a");
    await settled();
    await subject.shutdown(noDeadline());
    await subject.storage.journal!.close();
    expect(await stored(FakeDisk.of(disk.files()))).toEqual([]);
  });

  test("with a full disk takes payloads in memory, and stores them when there is room again", async () => {
    const disk = new FakeDisk();
    const subject = persistent(disk);
    let isUp = false;
    subject.backend.answer = () => (isUp ? { status: "sent" } : unavailable);
    await subject.start();
    disk.fault = (name) => (name === "write" || name === "create" ? "ENOSPC" : undefined);
    expect(await subject.consume("a")).toEqual({ status: "accepted" });
    expect(await subject.consume("b")).toEqual({ status: "accepted" });
    await settled();
    expect(subject.storage.journal!.state()).toMatchObject({ status: "degraded" });
    disk.fault = () => undefined;
    for (let second = 0; second < 120; second++) {
      subject.storage.clock.advance(1_000);
      await settled();
    }
    expect(subject.storage.journal!.state()).toEqual({ status: "ok" });
    expect(await stored(FakeDisk.of(disk.files()))).toEqual(["a", "b"]);
    isUp = true;
    subject.clock.advance(60_000);
    await settled();
    expect(subject.sent.toSorted()).toEqual(["a", "b"]);
  });

  test("whose disk has failed is sent at a shutdown as one in memory, and a loss is reported", async () => {
    for (const isUp of [true, false]) {
      const disk = new FakeDisk();
      const subject = persistent(disk);
      subject.backend.answer = () => unavailable;
      await subject.start();
      disk.fault = (name) => (name === "write" || name === "create" ? "ENOSPC" : undefined);
      await subject.consume("a");
      await subject.consume("b");
      await settled();
      subject.backend.answer = () => (isUp ? { status: "sent" } : unavailable);
      const deadline = new AbortController();
      const ended = subject.shutdown(deadline.signal);
      await settled();
      deadline.abort();
      await (isUp ? ended : expect(ended).rejects.toThrow("2 items"));
      expect(subject.sent.toSorted()).toEqual(isUp ? ["a", "b"] : []);
      expect(subject.counts.sendFailed.value).toBe(isUp ? 0 : 2);
      expect(await subject.balance()).toEqual({ in: 2, out: 2 });
    }
  });

  test("whose disk has failed later keeps what was stored before, and reports only the rest as lost", async () => {
    const disk = new FakeDisk();
    const subject = persistent(disk);
    subject.backend.answer = () => unavailable;
    await subject.start();
    await subject.consume("stored");
    disk.fault = (name) => (name === "write" || name === "create" ? "ENOSPC" : undefined);
    await subject.consume("not");
    await settled();
    const deadline = new AbortController();
    const ended = subject.shutdown(deadline.signal);
    await settled();
    deadline.abort();
    await expect(ended).rejects.toThrow("3 items");
    expect(subject.attempts.filter((text) => text === "stored")).toHaveLength(1);
    expect(subject.log.slice(-2)).toMatchObject([
      { level: "info", fields: { requests: 1, items: 6 } },
      { level: "error", fields: { lost_items: 3 } },
    ]);
    expect(subject.log.at(-1)?.message).toContain("The disk of the stored queue had failed");
    expect(await stored(FakeDisk.of(disk.files()))).toEqual(["stored"]);
  });

  test("whose files were removed is sent at a shutdown as one in memory, unless they are stored again", async () => {
    for (const canStore of [true, false]) {
      const disk = new FakeDisk();
      const subject = persistent(disk);
      subject.backend.answer = () => unavailable;
      await subject.start();
      await subject.consume("a");
      await settled();
      disk.removeTree("/storage/exporter_otlp_http");
      if (!canStore) {
        disk.fault = (name) => (name === "create" ? "EIO" : undefined);
      }
      await subject.storage.journal!.verify();
      await settled();
      subject.backend.answer = () => ({ status: "sent" });
      await subject.shutdown(noDeadline());
      expect([canStore, subject.sent]).toEqual([canStore, canStore ? [] : ["a"]]);
      await subject.storage.journal!.close();
      expect([canStore, await stored(FakeDisk.of(disk.files()))]).toEqual([
        canStore,
        canStore ? ["a"] : [],
      ]);
    }
  });

  test("stores a payload that is longer than a record may be", async () => {
    const disk = new FakeDisk();
    disk.takesTurns = false;
    const storage = new DiskStorage(disk, { maxSegmentBytes: 1 << 30 });
    const journal = new QueueJournal();
    await journal.open(storage);
    const bytes = new Uint8Array(20 * 1024 * 1024).map((_, index) => index % 251);
    await journal.add({ signal: "logs", bytes, items: 7 });
    const [restored] = await new QueueJournal().open(new DiskStorage(FakeDisk.of(disk.files())));
    expect(restored!.payload).toMatchObject({ signal: "logs", items: 7 });
    expect(Buffer.compare(restored!.payload.bytes, bytes)).toBe(0);
  });

  test("stores a payload that is longer than what the storage buffers, without degrading it", async () => {
    const disk = new FakeDisk();
    disk.takesTurns = false;
    const storage = new DiskStorage(disk, { maxSegmentBytes: 1 << 30 });
    const journal = new QueueJournal();
    await journal.open(storage);
    const bytes = new Uint8Array(48 * 1024 * 1024).map((_, index) => index % 251);
    await journal.add({ signal: "logs", bytes, items: 7 });
    expect(storage.journal!.state()).toEqual({ status: "ok" });
    const [restored] = await new QueueJournal().open(new DiskStorage(FakeDisk.of(disk.files())));
    expect(Buffer.compare(restored!.payload.bytes, bytes)).toBe(0);
  });

  test("stores such a payload once, if a snapshot is written between its parts", async () => {
    const disk = new FakeDisk();
    const storage = new DiskStorage(disk, { maxSegmentBytes: 1 << 30 });
    let requestSnapshot = () => {};
    const journal = new QueueJournal();
    await journal.open({
      openJournal(owner) {
        requestSnapshot = () => owner.onSnapshotNeeded();
        return storage.openJournal(owner);
      },
    });
    let goOn = () => {};
    disk.pause = (name) =>
      name === "write" ? new Promise((resolve) => (goOn = resolve)) : undefined;
    const large = { signal: "logs", bytes: new Uint8Array(40 * 1024 * 1024), items: 7 } as const;
    const added = journal.add(large);
    await settled();
    disk.pause = () => {};
    requestSnapshot();
    goOn();
    await added;
    await journal.add({ signal: "logs", bytes: Uint8Array.of(1), items: 1 });
    await settled();
    expect(storage.journal!.counts.snapshots.done).toBe(1);
    const restored = await new QueueJournal().open(new DiskStorage(FakeDisk.of(disk.files())));
    expect(restored.map(({ payload }) => payload.bytes.length)).toEqual([large.bytes.length, 1]);
  });

  test("is bounded on the disk: what is sent is removed by snapshots", async () => {
    const disk = new FakeDisk();
    disk.takesTurns = false;
    const storage = new DiskStorage(disk, { maxSegmentBytes: 4 * 1024 * 1024 });
    const journal = new QueueJournal();
    await journal.open(storage);
    const bytes = new Uint8Array(1024 * 1024);
    for (let index = 0; index < 200; index++) {
      journal.remove(await journal.add({ signal: "traces", bytes, items: 1 }));
      storage.clock.advance(10);
      await settled();
    }
    const onDisk = [...disk.files().values()].reduce((sum, file) => sum + file.length, 0);
    expect(onDisk).toBeLessThan(32 * 1024 * 1024);
  });

  test("keeps little on the disk after its last payload was sent, also if that was while a snapshot was written", async () => {
    const disk = new FakeDisk();
    const storage = new DiskStorage(disk, { maxSegmentBytes: 4 * 1024 * 1024 });
    const journal = new QueueJournal();
    await journal.open(storage);
    const bytes = new Uint8Array(1024 * 1024);
    const ids: number[] = [];
    for (let index = 0; index < 80; index++) {
      ids.push(await journal.add({ signal: "traces", bytes, items: 1 }));
    }
    for (const id of ids) {
      journal.remove(id);
    }
    for (let turn = 0; turn < 500; turn++) {
      storage.clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const onDisk = [...disk.files().values()].reduce((sum, file) => sum + file.length, 0);
    expect(onDisk).toBeLessThanOrEqual(32 * 1024 * 1024 + 8192);
  });

  test("of a newer version stops the start with an error, and is kept", async () => {
    const disk = new FakeDisk();
    const storage = new DiskStorage(disk);
    const journal = await storage.openJournal({ take: () => {}, onSnapshotNeeded: () => {} });
    journal.append(Uint8Array.of(1, 2));
    await journal.written();
    const files = disk.files();
    const later = FakeDisk.of(files);
    await expect(new QueueJournal().open(new DiskStorage(later))).rejects.toThrow("newer version");
    expect(later.files()).toEqual(files);
  });
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("consume" as const),
      size: fc.integer({ min: 1, max: 300 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("turns" as const), count: fc.nat(8) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("time" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("backend" as const), isUp: fc.boolean() }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What the collector said while the disk had seen so many operations. */
interface Life {
  readonly operations: readonly Operation[];
  readonly offered: readonly string[];
  readonly sent: readonly string[];
  readonly accepted: readonly { readonly text: string; readonly operations: number }[];
}

async function live(steps: readonly Step[], files: Files): Promise<Life> {
  const disk = FakeDisk.of(files);
  const subject = persistent(disk, {
    sending_queue: { storage: "s", num_consumers: 2 },
    retry_on_failure: { initial_interval: "1s", max_elapsed_time: "0s" },
  });
  let isUp = false;
  subject.backend.answer = (): AttemptResult => (isUp ? { status: "sent" } : unavailable);
  await subject.start();
  const offered: string[] = [];
  const accepted: { text: string; operations: number }[] = [];
  for (const each of steps) {
    switch (each.type) {
      case "consume": {
        const text = `${offered.length}`.padEnd(each.size, "z");
        offered.push(text);
        void subject.consume(text).then(({ status }) => {
          expect(status).toBe("accepted");
          accepted.push({ text, operations: disk.operations.length });
        });
        break;
      }
      case "turns":
        for (let turn = 0; turn < each.count; turn++) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        break;
      case "time":
        subject.clock.advance(2_000);
        subject.storage.clock.advance(2_000);
        break;
      case "backend":
        isUp = each.isUp;
        break;
      default:
        each satisfies never;
    }
  }
  await settled();
  // Whether it is up or not decides whether anything is left.
  await subject.shutdown(noDeadline());
  await subject.storage.journal!.close();
  return { operations: [...disk.operations], offered, accepted, sent: [...subject.sent] };
}

test("whenever the process is killed, every payload that was accepted is stored or was sent, and nothing else is stored", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const { operations, offered, accepted, sent } = await live(steps, new Map());
      for (let count = 0; count <= operations.length; count++) {
        const found = await stored(FakeDisk.after(operations.slice(0, count)));
        const promised = accepted.filter((each) => each.operations <= count);
        const missing = promised.filter(
          ({ text }) => !found.includes(text) && !sent.includes(text),
        );
        expect(missing).toEqual([]);
        expect(found.filter((text) => !offered.includes(text))).toEqual([]);
        expect(new Set(found).size).toBe(found.length);
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);
