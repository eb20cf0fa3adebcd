import { expect, test } from "vitest";
import { SendQueue, type Worth } from "../../src/sender/send-queue.ts";
import fc from "../support/fast-check.ts";

interface Item {
  readonly at: number;
  readonly worth: Worth;
  readonly kind: string;
}

const item = (at: number, worth: Worth = "lasting", kind = "a"): Item => ({ at, worth, kind });

const create = (limit: number) =>
  new SendQueue<Item>({ limit, worthOf: ({ worth }) => worth, kindOf: ({ kind }) => kind });

const left = (queue: SendQueue<Item>) => {
  const all: number[] = [];
  while (queue.length > 0) {
    const batch = queue.head(1_000);
    all.push(...batch.map(({ at }) => at));
    queue.remove(batch);
  }
  return all;
};

for (const [title, items, max, want] of [
  ["as many as fit", [item(1), item(2), item(3)], 2, [1, 2]],
  ["all there are", [item(1), item(2)], 10, [1, 2]],
  ["those of one kind", [item(1), item(2), item(3, "lasting", "b"), item(4)], 10, [1, 2]],
  ["none of nothing", [], 10, []],
] as const) {
  test(`a batch takes from the head ${title}, and leaves them there`, () => {
    const queue = create(10);
    for (const each of items) {
      queue.push(each);
    }

    expect(queue.head(max).map(({ at }) => at)).toEqual(want);
    expect(queue.length).toBe(items.length);
  });
}

for (const [title, worths, want, lost] of [
  ["the oldest of equals goes", ["lasting", "lasting", "lasting"], [2, 3, 4], 1],
  ["what is repeated goes first and is not lost", ["lasting", "repeated", "minor"], [1, 3, 4], 0],
  ["what is minor goes next", ["lasting", "lasting", "minor"], [1, 2, 4], 1],
] as const) {
  test(`when it is full, ${title}`, () => {
    const queue = create(3);
    worths.forEach((worth, index) => {
      queue.push(item(index + 1, worth));
    });
    queue.push(item(4));

    expect([left(queue), queue.lost]).toEqual([want, lost]);
  });
}

test("an item that waits already keeps its place and takes no room", () => {
  const queue = create(2);
  const [first, second] = [item(1), item(2)];
  for (const each of [first, second, first]) {
    queue.push(each);
  }

  expect([left(queue), queue.lost]).toEqual([[1, 2], 0]);
});

test("an item is dropped and counted only while it waits", () => {
  const queue = create(2);
  const [first, second] = [item(1), item(2, "repeated")];
  queue.push(first);
  queue.push(second);
  for (const each of [first, first, second]) {
    queue.drop(each);
  }

  expect([queue.length, queue.lost, queue.has(first)]).toEqual([0, 1, false]);
});

test("it never holds more than its limit, keeps the order, and counts what is gone", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.constantFrom<Worth>("repeated", "minor", "lasting"), { maxLength: 200 }),
      (limit, worths) => {
        const queue = create(limit);
        worths.forEach((worth, at) => {
          queue.push(item(at, worth));
          expect(queue.length).toBeLessThanOrEqual(limit);
        });
        const lost = queue.lost;
        const kept = left(queue);
        const gone = worths.filter((worth, at) => worth !== "repeated" && !kept.includes(at));

        expect(kept).toEqual([...kept].sort((a, b) => a - b));
        expect(lost).toBe(gone.length);
      },
    ),
  );
});
