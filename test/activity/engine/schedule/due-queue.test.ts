import { describe, expect, test } from "vitest";
import {
  type DueItem,
  DueQueue,
  endOfWindow,
  type TimerSource,
} from "../../../../src/activity/engine/schedule/due-queue.ts";
import fc from "../../../support/fast-check.ts";

/** Deadlines in a list. `moved`: where a deadline is now, of items that `due` takes out at the moment that was set. */
class ListedTimers implements TimerSource {
  readonly set: Map<number, number>;
  readonly moved: Map<number, number>;

  constructor(
    set: readonly (readonly [number, number])[],
    moved: readonly (readonly [number, number])[] = [],
  ) {
    this.set = new Map(set);
    this.moved = new Map(moved);
  }

  get size(): number {
    return this.set.size;
  }

  due(untilMs: number, into: number[]): void {
    for (const [item, dueMs] of this.set) {
      if (dueMs <= untilMs) {
        this.moved.set(item, this.moved.get(item) ?? dueMs);
        this.set.delete(item);
        into.push(item);
      }
    }
  }

  dueMsOf(item: number): number {
    return this.moved.get(item) ?? 0;
  }

  postpone(item: number, dueMs: number): void {
    this.set.set(item, dueMs);
  }

  hasMoreDue(untilMs: number, most: number): boolean {
    return [...this.set.values()].filter((dueMs) => dueMs <= untilMs).length > most;
  }
}

function takeAll(queue: DueQueue, untilMs: number): readonly DueItem[] {
  const taken: DueItem[] = [];
  while (queue.nextMs(untilMs) !== undefined) {
    taken.push(queue.take()!);
  }
  return taken;
}

describe("the due queue", () => {
  test("gives items in the order of deadline, rank and row, whatever the order in which they come", () => {
    const item = fc.record({ dueMs: fc.nat(3), rank: fc.nat(4), item: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 60 }), (items) => {
        const queue = new DueQueue([]);
        for (const each of items) {
          queue.add(each);
        }
        const inOrder = items.toSorted(
          (a, b) => a.dueMs - b.dueMs || a.rank - b.rank || a.item - b.item,
        );
        expect(takeAll(queue, 9)).toEqual(inOrder);
        expect(queue.take()).toBeUndefined();
      }),
    );
  });

  test("takes in what becomes due while items are taken", () => {
    const timers = new ListedTimers([[1, 10]]);
    const queue = new DueQueue([timers]);
    expect(queue.nextMs(20)).toBe(10);
    timers.set.set(2, 5);
    expect(queue.nextMs(20)).toBe(5);
    expect(takeAll(queue, 20).map(({ item }) => item)).toEqual([2, 1]);
  });

  test("postpones an item whose deadline has moved out of the window, and finds it at its new place", () => {
    const timers = new ListedTimers([[1, 10]], [[1, 30]]);
    const queue = new DueQueue([timers]);
    expect(queue.nextMs(20)).toBeUndefined();
    expect(timers.set.get(1)).toBe(30);
    expect(queue.nextMs(30)).toBe(30);
  });

  test("shows what is in it, of one rank and by a moment", () => {
    const queue = new DueQueue([]);
    for (const [dueMs, rank, item] of [
      [3, 1, 7],
      [1, 1, 8],
      [2, 0, 9],
    ] as const) {
      queue.add({ dueMs, rank, item });
    }
    const seen: number[][] = [];
    queue.forEachUntil(1, 2, (item, dueMs) => seen.push([item, dueMs]));
    expect(seen).toEqual([[8, 1]]);
  });

  test("is the same queue again when its items are added in the order that it gives", () => {
    const queue = new DueQueue([]);
    for (const item of [5, 3, 9, 1, 7]) {
      queue.add({ dueMs: item, rank: 0, item });
    }
    const again = new DueQueue([]);
    for (const item of queue.items()) {
      again.add(item);
    }
    expect(again.items()).toEqual(queue.items());
  });
});

describe("the end of a window", () => {
  for (const [what, dueMs, most, want] of [
    ["is where it was meant to be when no source has too much", [[1, 2], [3]], 2, 64],
    ["is halved until no source has more than that", [[1, 2, 30], [40]], 2, 16],
    [
      "is halved for the source that has the most",
      [
        [1, 2],
        [1, 3, 4, 9],
      ],
      2,
      2,
    ],
    ["is just after its beginning when all is due at once", [[0, 0, 0]], 2, 64 / 2 ** 13],
  ] as const) {
    test(what, () => {
      const sources = dueMs.map(
        (of) => new ListedTimers(of.map((ms, item) => [item, ms] as const)),
      );
      expect(endOfWindow(sources, { fromMs: 0, untilMs: 64 }, most)).toBe(want);
    });
  }
});
