import { describe, expect, test } from "vitest";
import {
  ExpiryTimers,
  KeyedTimers,
  TimingWheel,
} from "../../../../src/activity/engine/schedule/timing-wheel.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import fc from "../../../support/fast-check.ts";

const items = 8;

function takenBy(wheel: TimingWheel, untilMs: number): readonly number[] {
  const taken: number[] = [];
  wheel.due(untilMs, taken);
  return taken.toSorted();
}

function seenBy(wheel: TimingWheel, untilMs: number): readonly number[] {
  const seen: number[] = [];
  wheel.peek(untilMs, (item) => seen.push(item));
  return seen.toSorted();
}

const step = fc.oneof(
  fc.record({
    type: fc.constantFrom("set" as const, "postpone" as const),
    item: fc.nat(items - 1),
    dueMs: fc.oneof(fc.nat(60), fc.nat(5_000)),
  }),
  fc.record({ type: fc.constant("cancel" as const), item: fc.nat(items - 1), dueMs: fc.nat(0) }),
  fc.record({ type: fc.constant("due" as const), item: fc.nat(0), dueMs: fc.nat(200) }),
  fc.record({ type: fc.constant("restart" as const), item: fc.nat(0), dueMs: fc.nat(0) }),
);

describe("a timing wheel", () => {
  test("finds what a list of deadlines would, many turns ahead and over a restart", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let wheel = new TimingWheel(10);
        let nowMs = 0;
        const set = new Map<number, number>();
        const setBy = (untilMs: number) =>
          [...set].flatMap(([item, dueMs]) => (dueMs <= untilMs ? [item] : [])).toSorted();
        for (const { type, item, dueMs } of steps) {
          switch (type) {
            case "set":
              wheel.set(item, dueMs);
              set.set(item, dueMs);
              break;
            case "postpone":
              wheel.postpone(item, dueMs);
              set.set(item, Math.max(dueMs, set.get(item) ?? 0));
              break;
            case "cancel":
              wheel.cancel(item);
              set.delete(item);
              break;
            case "due": {
              nowMs += dueMs;
              expect(wheel.hasMoreDue(nowMs, 1)).toBe(setBy(nowMs).length > 1);
              expect(seenBy(wheel, nowMs)).toEqual(setBy(nowMs));
              expect(takenBy(wheel, nowMs)).toEqual(setBy(nowMs));
              for (const due of setBy(nowMs)) {
                set.delete(due);
              }
              break;
            }
            case "restart": {
              const writer = new EngineSnapshotWriter();
              wheel.snapshot(writer, items);
              wheel = new TimingWheel(7);
              wheel.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)), items);
              break;
            }
            default: {
              const never: never = type;
              return never;
            }
          }
          expect(wheel.size).toBe(set.size);
          expect(wheel.isSet(item)).toBe(set.has(item));
        }
        return undefined;
      }),
    );
  });

  test("stops looking when it has seen enough", () => {
    const wheel = new TimingWheel(1);
    for (let item = 0; item < items; item++) {
      wheel.set(item, item);
    }
    let seen = 0;
    wheel.peek(items, () => ++seen < 3);
    expect(seen).toBe(3);
  });

  test("finds a deadline that is set in the past, or in a bucket that was walked already", () => {
    const wheel = new TimingWheel(100);
    wheel.set(0, 250);
    expect(takenBy(wheel, 240)).toEqual([]);
    wheel.set(1, 50);
    wheel.set(2, 245);
    expect(takenBy(wheel, 245)).toEqual([1, 2]);
    expect(takenBy(wheel, 249)).toEqual([]);
    expect(takenBy(wheel, 250)).toEqual([0]);
  });
});

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

for (const [name, expiresAtMs, want] of [
  ["later than it was set when signals have arrived since", 90, 90],
  ["as it was set when its lease has become shorter since", 20, 50],
] as const) {
  test(`work that is due expires ${name}`, () => {
    const timers = new ExpiryTimers(1, () => expiresAtMs);
    timers.set(7, 50);
    const due: number[] = [];
    timers.due(49, due);
    expect(due).toEqual([]);
    timers.due(50, due);
    expect([due, timers.dueMsOf(7)]).toEqual([[7], want]);
  });
}
