import { expect, test } from "vitest";
import { recoverJournal } from "../../../src/extensions/file_storage/journal-recovery.ts";
import fc from "../../support/fast-check.ts";
import { FakeDisk, type Files, type Operation } from "./fake-disk.ts";
import { bytesOf, directory, open, settled, textOf } from "./open-journal.ts";

/** What was promised when the disk had seen so many operations. */
interface Promised {
  readonly operations: number;
  readonly records: number;
}

interface Life {
  readonly operations: readonly Operation[];
  readonly history: readonly string[];
  readonly written: readonly Promised[];
  readonly synced: readonly Promised[];
  /** The number of operations after which nothing was needed any more. */
  readonly lastNeeded: number;
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant("append" as const), size: fc.nat(150) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("now" as const), size: fc.nat(150) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("written" as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("snapshot" as const) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("turns" as const), count: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("time" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/**
 * Lets a journal live through some steps, none of which waits for another, on a disk with turns of its own. In the end nothing that is
 * stored is needed, if `isDiscarded`.
 */
async function live(
  steps: readonly Step[],
  files: Files = new Map(),
  { isDiscarded = false } = {},
): Promise<Life> {
  const disk = FakeDisk.of(files);
  const { journal, clock, records } = await open({ disk, maxSegmentBytes: 400 });
  const history = [...records];
  // What was there at the beginning stays, whatever happens while it is read.
  const written: Promised[] = [{ operations: 0, records: history.length }];
  const synced: Promised[] = [];
  const promise = (list: Promised[], records: number) => () => {
    list.push({ operations: disk.operations.length, records });
  };
  const append = (size: number) => {
    const text = `${history.length}`.padEnd(size, "z");
    history.push(text);
    return bytesOf(text);
  };
  for (const each of steps) {
    switch (each.type) {
      case "append":
        journal.append(append(each.size));
        break;
      case "now":
        expect(journal.appendNow(append(each.size))).toBe(true);
        promise(written, history.length)();
        break;
      case "written":
        void journal.written().then(promise(written, history.length));
        void journal.synced().then(promise(synced, history.length));
        break;
      case "snapshot": {
        const records = history.length;
        void journal.snapshot(history.map(bytesOf)).then((outcome) => {
          if (outcome.status === "done") {
            promise(written, records)();
            promise(synced, records)();
          }
        });
        break;
      }
      case "turns":
        for (let turn = 0; turn < each.count; turn += 1) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        break;
      case "time":
        clock.advance(10);
        break;
      default:
        each satisfies never;
    }
  }
  for (let round = 0; round < 3; round += 1) {
    clock.advance(10);
    await settled();
  }
  const lastNeeded = disk.operations.length;
  if (isDiscarded) {
    journal.discard();
    await journal.close();
    expect(disk.files().size).toBe(0);
  }
  return { operations: [...disk.operations], history, written, synced, lastNeeded };
}

const noneUnusable = { log: 0, damagedSnapshots: 0, removedSnapshots: 0, end: 0 };

/** A crash is no damage, and nothing that was on the disk is missing. Of several writes without a sync, a power cut may take any. */
async function recoveredFrom(disk: FakeDisk): Promise<readonly string[]> {
  const { records, missingRecords, lostBytes, unusable } = await recoveryOf(disk);
  const log = lostBytes > 0 ? 1 : 0;
  expect({ missingRecords, unusable }).toEqual({
    missingRecords: 0,
    unusable: { ...noneUnusable, log },
  });
  return records;
}

async function recoveryOf(disk: FakeDisk) {
  const records: string[] = [];
  disk.takesTurns = false;
  const take = (record: Uint8Array) => records.push(textOf(record));
  const { cleanUp, summary, unusable } = await recoverJournal({ disk, directory, take });
  await cleanUp();
  return {
    records,
    lostBytes: summary.lostBytes,
    missingRecords: summary.missingRecords,
    unusable,
  };
}

function promisedAt(promises: readonly Promised[], operations: number): number {
  return promises
    .filter((promise) => promise.operations <= operations)
    .reduce((most, { records }) => Math.max(most, records), 0);
}

/** The operations up to one of them, and half of that one if it is a write. */
function halfway(operations: readonly Operation[], count: number): readonly Operation[] {
  const next = operations[count];
  return next?.type === "write"
    ? [
        ...operations.slice(0, count),
        { ...next, bytes: next.bytes.subarray(0, next.bytes.length / 2) },
      ]
    : operations.slice(0, count);
}

test("killed between any two operations of the disk, or within one, nothing that was written is lost, doubled or made up", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { operations, history, written } = await live(steps);
      for (let count = 0; count <= operations.length; count += 1) {
        const records = await recoveredFrom(FakeDisk.after(halfway(operations, count)));
        expect(records).toEqual(history.slice(0, records.length));
        expect(records.length).toBeGreaterThanOrEqual(promisedAt(written, count));
      }
    }),
    { numRuns: 60 },
  );
});

test("when the power goes at any time, nothing that was synced is lost, doubled or made up", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.infiniteStream(fc.boolean()),
      async (steps, chances) => {
        const { operations, history, synced } = await live(steps);
        for (let count = 0; count <= operations.length; count += 1) {
          const disk = FakeDisk.afterPowerCut(
            operations.slice(0, count),
            () => chances.next().value === true,
          );
          const records = await recoveredFrom(disk);
          expect(records).toEqual(history.slice(0, records.length));
          expect(records.length).toBeGreaterThanOrEqual(promisedAt(synced, count));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("killed while it removes what is not needed any more, a journal has all of it or nothing, and nothing looks damaged", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 15 }),
      fc.array(step, { maxLength: 15 }),
      fc.infiniteStream(fc.boolean()),
      async (before, steps, chances) => {
        const first = await live(before);
        const files = FakeDisk.after(first.operations).files();
        const { operations, history, lastNeeded } = await live(steps, files, { isDiscarded: true });
        let hasBeenEmpty = history.length === 0;
        for (let count = lastNeeded; count <= operations.length; count += 1) {
          const killed = await recoveryOf(FakeDisk.after(halfway(operations, count), files));
          expect([killed.lostBytes, killed.unusable]).toEqual([0, noneUnusable]);
          expect(killed.records).toEqual(killed.records.length === 0 ? [] : history);
          expect(killed.records.length === 0 || !hasBeenEmpty).toBe(true);
          hasBeenEmpty ||= killed.records.length === 0;
        }
        expect(hasBeenEmpty).toBe(true);
        const only = await live(steps, new Map(), { isDiscarded: true });
        for (let count = only.lastNeeded; count <= only.operations.length; count += 1) {
          const operations = only.operations.slice(0, count);
          const cut = FakeDisk.afterPowerCut(operations, () => chances.next().value === true);
          const { records, unusable } = await recoveryOf(cut);
          expect(unusable).toEqual(noneUnusable);
          expect(records).toEqual(only.history.slice(0, records.length));
          expect([0, only.history.length]).toContain(records.length);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("killed again and again, also while it starts, a journal goes on where it was", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.array(step, { maxLength: 12 }), fc.nat()), { maxLength: 6 }),
      async (lives) => {
        let files: Files = new Map();
        for (const [steps, chance] of lives) {
          const { operations, history, written } = await live(steps, files);
          const count = chance % (operations.length + 1);
          const disk = FakeDisk.after(halfway(operations, count), files);
          files = disk.files();
          const records = await recoveredFrom(FakeDisk.of(files));
          expect(records).toEqual(history.slice(0, records.length));
          expect(records.length).toBeGreaterThanOrEqual(promisedAt(written, count));
        }
      },
    ),
    { numRuns: 60 },
  );
});

/** What fails, and for how many operations, from the one with this number on. */
const outage = fc.record({
  from: fc.nat(60),
  lasts: fc.nat(25),
  code: fc.constantFrom("ENOSPC", "EIO"),
  of: fc.constantFrom("write", "create", "sync", "rename", "remove", "syncDirectory"),
});

test("killed at any time, also on a disk that fails meanwhile, no file seems to have been removed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.array(outage, { maxLength: 3 }),
      fc.boolean(),
      async (steps, outages, isCut) => {
        const disk = new FakeDisk();
        const { journal, clock } = await open({ disk, maxSegmentBytes: 400 });
        let calls = 0;
        disk.fault = (name) => {
          calls += 1;
          return outages.find(
            ({ from, lasts, of }) => of === name && calls >= from && calls < from + lasts,
          )?.code;
        };
        for (const [index, each] of steps.entries()) {
          if (each.type === "append" || each.type === "now") {
            journal[each.type === "now" ? "appendNow" : "append"](
              bytesOf(`${index}`.padEnd(each.size)),
            );
          } else if (each.type === "snapshot") {
            void journal.snapshot([bytesOf(`${index}`)]);
          } else if (each.type === "turns") {
            await settled();
          } else {
            clock.advance(each.type === "time" ? 10 : 61_000);
          }
        }
        await settled();
        await journal.close();
        const { operations } = disk;
        for (let count = 0; count <= operations.length; count += 1) {
          const left = isCut
            ? FakeDisk.afterPowerCut(operations.slice(0, count), () => count % 3 === 0)
            : FakeDisk.after(halfway(operations, count));
          const { unusable, missingRecords, lostBytes } = await recoveryOf(left);
          // A log that has failed may end anywhere, and what comes after the gap is lost.
          const log = lostBytes > 0 ? 0 : unusable.log;
          expect({ ...unusable, log, missingRecords }).toEqual({
            ...noneUnusable,
            missingRecords: 0,
          });
        }
      },
    ),
    { numRuns: 60 },
  );
});
