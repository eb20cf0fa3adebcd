import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TimingWheel } from "../../../../src/activity/engine/schedule/timing-wheel.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";

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
