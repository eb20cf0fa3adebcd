import { describe, expect, test } from "vitest";
import type { Journal, Storage } from "../../src/component/storage.ts";
import type { AttemptResult } from "../../src/delivery/attempt.ts";
import { noDeadline } from "../exporters/settings.ts";
import { deferred } from "../support/deferred.ts";
import { delivery, settled, unavailable, whenAborted } from "./harness.ts";

/** A storage that keeps records while the test runs. */
class MemoryStorage implements Storage {
  readonly records: Uint8Array[] = [];
  opened = 0;
  /** Records are written when this resolves. */
  isWritten: Promise<void> = Promise.resolve();

  async openJournal(owner: Parameters<Storage["openJournal"]>[0]): Promise<Journal> {
    this.opened += 1;
    for (const record of this.records) {
      owner.take(record);
    }
    const records = this.records;
    return {
      recovered: {
        records: records.length,
        bytes: 0,
        tornBytes: 0,
        lostBytes: 0,
        missingRecords: 0,
        isEndMissing: false,
      },
      append: (record) => records.push(record.slice()),
      appendNow: (record) => records.push(record.slice()) > 0,
      written: () => this.isWritten,
      synced: async () => {},
      snapshot: async () => ({ status: "done" }),
      discard() {},
      logBytes: 0,
      snapshotBytes: 0,
      state: () => ({ status: "ok" }),
    };
  }

  /** What a next start would find. */
  async left(): Promise<readonly string[]> {
    const next = delivery({}, { storage: this });
    await next.start();
    await settled();
    await next.shutdown(noDeadline());
    return next.sent;
  }
}

const replaces = { sharesStorage: false };
const shares = { sharesStorage: true };

async function handOver(
  old: ReturnType<typeof delivery>,
  heir: ReturnType<typeof delivery>,
): Promise<void> {
  await heir.start();
  heir.state.takeOver(old.state.handOver());
  await settled();
}

/** Its attempts fail. */
function dead(section: Readonly<Record<string, unknown>> = {}, storage?: Storage) {
  const subject = delivery(section, storage === undefined ? {} : { storage });
  subject.backend.answer = () => unavailable;
  return subject;
}

describe("a queue in memory that is handed over", () => {
  test("is sent by the new exporter, in order, also what waits for its next attempt", async () => {
    const old = dead({ sending_queue: { num_consumers: 1 } });
    await old.start();
    for (const text of ["a", "b", "c"]) {
      await old.consume(text);
    }
    await settled();
    const heir = delivery({}, { replaces });
    await handOver(old, heir);
    await old.shutdown(noDeadline());
    await settled();
    expect(heir.sent.toSorted()).toEqual(["a", "b", "c"]);
    expect(old.attempts).toEqual(["a"]);
    await heir.shutdown(noDeadline());
  });

  test("leaves an attempt in progress to the old exporter, and what it sends is not sent twice", async () => {
    const answer = deferred<AttemptResult>();
    const old = delivery();
    old.backend.answer = () => answer.promise;
    await old.start();
    await old.consume("a");
    await settled();
    const heir = delivery({}, { replaces });
    await handOver(old, heir);
    const ending = old.shutdown(noDeadline());
    answer.resolve({ status: "sent" });
    await ending;
    await settled();
    expect([old.sent, heir.attempts]).toEqual([["a"], []]);
    await heir.shutdown(noDeadline());
  });

  test("gets an attempt that hangs until the deadline, too", async () => {
    const old = delivery();
    old.backend.answer = (_, abort) => whenAborted(abort);
    await old.start();
    await old.consume("a");
    await settled();
    const heir = delivery({}, { replaces });
    await handOver(old, heir);
    await old.shutdown(AbortSignal.abort());
    await settled();
    expect(heir.sent).toEqual(["a"]);
    await heir.shutdown(noDeadline());
  });

  test("also goes to an exporter without a queue", async () => {
    const old = dead();
    await old.start();
    await old.consume("a");
    await settled();
    const heir = delivery({ sending_queue: { enabled: false } }, { replaces });
    await handOver(old, heir);
    await old.shutdown(noDeadline());
    await settled();
    expect(heir.sent).toEqual(["a"]);
    await heir.shutdown(noDeadline());
  });

  test("may be longer than the queue of the new exporter", async () => {
    const old = dead();
    await old.start();
    for (const text of ["a", "b", "c"]) {
      await old.consume(text);
    }
    const heir = delivery({ sending_queue: { queue_size: 1 } }, { replaces });
    await handOver(old, heir);
    await old.shutdown(noDeadline());
    await settled();
    expect(heir.sent.toSorted()).toEqual(["a", "b", "c"]);
    await heir.shutdown(noDeadline());
  });

  test("passes on what still arrives, also what waits for room", async () => {
    const section = { sending_queue: { queue_size: 1, block_on_overflow: true } };
    const old = dead(section);
    await old.start();
    await old.consume("a");
    const waiting = old.consume("b");
    const heir = delivery(section, { replaces });
    await handOver(old, heir);
    expect(await waiting).toEqual({ status: "accepted" });
    expect(await old.consume("c")).toEqual({ status: "accepted" });
    await old.shutdown(noDeadline());
    await settled();
    expect(heir.sent.toSorted()).toEqual(["a", "b", "c"]);
    expect(heir.counts.consumed.value + old.counts.consumed.value).toBe(3);
    await heir.shutdown(noDeadline());
  });

  test("answers a sender that waits for the result with that of the new exporter", async () => {
    const section = { sending_queue: { wait_for_result: true } };
    const old = dead(section);
    await old.start();
    const answer = old.consume("a");
    await settled();
    const heir = delivery(section, { replaces });
    await handOver(old, heir);
    expect(await answer).toEqual({ status: "accepted" });
    expect(heir.sent).toEqual(["a"]);
    await old.shutdown(noDeadline());
    await heir.shutdown(noDeadline());
  });
});

describe("a stored queue that is handed over", () => {
  test("goes on in the same journal, which is not opened again", async () => {
    const storage = new MemoryStorage();
    const old = dead({}, storage);
    await old.start();
    await old.consume("a");
    await settled();
    const heir = delivery({}, { storage, replaces: shares });
    await handOver(old, heir);
    await old.shutdown(noDeadline());
    await heir.consume("b");
    await settled();
    expect(heir.sent.toSorted()).toEqual(["a", "b"]);
    expect(storage.opened).toBe(1);
    await heir.shutdown(noDeadline());
    expect(await storage.left()).toEqual([]);
  });

  test("stays stored until the new exporter has sent it", async () => {
    const storage = new MemoryStorage();
    const old = dead({}, storage);
    await old.start();
    await old.consume("a");
    const heir = delivery({}, { storage, replaces: shares });
    heir.backend.answer = () => unavailable;
    await handOver(old, heir);
    await old.shutdown(noDeadline());
    await heir.shutdown(noDeadline());
    expect(await storage.left()).toEqual(["a"]);
  });

  test("moves into another storage", async () => {
    const [from, to] = [new MemoryStorage(), new MemoryStorage()];
    const old = dead({}, from);
    await old.start();
    await old.consume("a");
    const heir = delivery({}, { storage: to, replaces });
    heir.backend.answer = () => unavailable;
    await handOver(old, heir);
    await old.shutdown(noDeadline());
    await heir.shutdown(noDeadline());
    expect([await from.left(), await to.left()]).toEqual([[], ["a"]]);
    // It is not kept: it was moved.
    expect(old.log.filter(({ message }) => /stored queue/.test(message))).toEqual([]);
    expect(heir.log.map(({ message }) => message)).toContain(
      "The stored queue is kept and sent at the next start of this exporter.",
    );
  });

  test("has left the old storage when the old exporter has ended, however slow the new one is", async () => {
    const [from, to] = [new MemoryStorage(), new MemoryStorage()];
    const isWritten = deferred<void>();
    to.isWritten = isWritten.promise;
    const old = dead({}, from);
    await old.start();
    await old.consume("a");
    const heir = delivery({}, { storage: to, replaces });
    heir.backend.answer = () => unavailable;
    await handOver(old, heir);
    let hasEnded = false;
    const ending = old.shutdown(noDeadline()).then(() => {
      hasEnded = true;
    });
    await settled();
    expect(hasEnded).toBe(false);
    isWritten.resolve();
    await ending;
    await heir.shutdown(noDeadline());
    expect([await from.left(), await to.left()]).toEqual([[], ["a"]]);
  });

  test("is said to stay in the old storage if the new one is too slow", async () => {
    const [from, to] = [new MemoryStorage(), new MemoryStorage()];
    to.isWritten = new Promise(() => {});
    const old = dead({}, from);
    await old.start();
    await old.consume("a");
    const heir = delivery({}, { storage: to, replaces });
    await handOver(old, heir);
    await old.shutdown(AbortSignal.abort());
    expect(old.log.at(-1)).toMatchObject({
      level: "warn",
      message: expect.stringContaining("a copy of them stays in the old storage"),
      fields: { requests: 1, items: 1 },
    });
    await heir.shutdown(AbortSignal.abort()).catch(() => {});
  });

  test("is stored from now on if it was not before", async () => {
    const storage = new MemoryStorage();
    const old = dead();
    await old.start();
    await old.consume("a");
    const heir = delivery({}, { storage, replaces });
    heir.backend.answer = () => unavailable;
    await handOver(old, heir);
    await old.shutdown(noDeadline());
    await heir.shutdown(noDeadline());
    expect(await storage.left()).toEqual(["a"]);
  });
});
