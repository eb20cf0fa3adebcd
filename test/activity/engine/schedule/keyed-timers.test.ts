import { describe, expect, test } from "vitest";
import { KeyedTimers } from "../../../../src/activity/engine/schedule/keyed-timers.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";

const item = 3;

/** Timers with one deadline, in the wheel or in the due queue. */
function timersAt(dueMs: number, place: "wheel" | "queue"): KeyedTimers {
  const timers = new KeyedTimers(1);
  timers.set(item, dueMs);
  if (place === "queue") {
    timers.due(dueMs, []);
  }
  return timers;
}

for (const place of ["wheel", "queue"] as const) {
  describe(`the deadline of an item in the ${place}`, () => {
    for (const [what, change, want] of [
      ["is moved to an earlier moment by set", (timers: KeyedTimers) => timers.set(item, 5), 5],
      ["is moved to a later moment by set", (timers: KeyedTimers) => timers.set(item, 15), 15],
      ["is moved forward by schedule", (timers: KeyedTimers) => timers.schedule(item, 5), 5],
      ["is not moved back by schedule", (timers: KeyedTimers) => timers.schedule(item, 15), 10],
      ["is moved back by postpone", (timers: KeyedTimers) => timers.postpone(item, 15), 15],
      ["is not moved forward by postpone", (timers: KeyedTimers) => timers.postpone(item, 5), 10],
      ["is gone after cancel", (timers: KeyedTimers) => timers.cancel(item), undefined],
    ] as const) {
      test(what, () => {
        const timers = timersAt(10, place);
        change(timers);
        expect(timers.currentOf(item)).toBe(want);
        // An entry of the due queue is current as long as it has not moved.
        const isCurrent = place === "queue" && want === 10;
        expect(timers.isCurrent(item, 10)).toBe(isCurrent);
        expect(timers.fire(item, 10)).toBe(isCurrent);
        expect(timers.currentOf(item)).toBe(isCurrent ? undefined : want);
      });
    }
  });
}

describe("keyed timers", () => {
  test("do not know an item that was never set", () => {
    const timers = timersAt(10, "wheel");
    timers.cancel(99);
    expect([timers.currentOf(1), timers.currentOf(99)]).toEqual([undefined, undefined]);
  });

  test("an entry that was set again at the same moment is current only when it is due again", () => {
    const timers = timersAt(10, "queue");
    timers.set(item, 10);
    expect(timers.fire(item, 10)).toBe(false);
    const due: number[] = [];
    timers.due(10, due);
    expect([due, timers.dueMsOf(item), timers.fire(item, 10)]).toEqual([[item], 10, true]);
  });

  test("of two entries of an item only the last is current", () => {
    const timers = timersAt(10, "queue");
    timers.set(item, 5);
    timers.due(10, []);
    expect([timers.fire(item, 10), timers.fire(item, 5)]).toEqual([false, true]);
  });

  test("show what is due and not in the queue yet", () => {
    const timers = timersAt(10, "queue");
    timers.set(4, 10);
    const seen: number[] = [];
    timers.peek(10, (each) => seen.push(each));
    expect([seen, timers.size]).toEqual([[4], 1]);
  });

  test("keep deadlines in the wheel and in the queue over a restart", () => {
    const timers = timersAt(10, "queue");
    timers.set(4, 20);
    const writer = new EngineSnapshotWriter();
    timers.snapshot(writer);
    const again = new KeyedTimers(1);
    again.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
    expect([again.isCurrent(item, 10), again.currentOf(4), again.size]).toEqual([true, 20, 1]);
  });
});
