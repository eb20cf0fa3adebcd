import { describe, expect, test } from "vitest";
import { maxPendingCalls } from "../../../src/activity/journal/persisted-state.ts";
import { accepted, type ConsumeResult, type Consumer } from "../../../src/component/consumer.ts";
import type { DeliveryTracker, Payload } from "../../../src/otlp/payload.ts";
import { type DropReason, Outbox } from "../../../src/processors/session_activity/outbox.ts";
import { testSettings } from "../../exporters/settings.ts";

const payload = (items: number, bytes = 1): Payload => ({
  signal: "logs",
  bytes: new Uint8Array(bytes),
  items,
});
const never = new AbortController().signal;
const later: ConsumeResult = { status: "retryable", message: "Full." };
const settled = () => new Promise((resolve) => setImmediate(resolve));

function harness(consume: Consumer["consume"], { isStored = false } = {}) {
  const { settings, log, clock } = testSettings("session_activity");
  const dropped: [number, DropReason][] = [];
  const delivered: number[] = [];
  const outbox = new Outbox({
    next: { consume },
    clock,
    logger: settings.logger,
    isStored,
    onDropped: (items, reason) => dropped.push([items, reason]),
  });
  const post = (items: number, bytes?: number) =>
    outbox.post(payload(items, bytes), () => delivered.push(items));
  return { outbox, post, log, clock, dropped, delivered };
}

/** A pipeline whose exporter keeps every payload until the test releases it. */
function keeping() {
  const trackers: DeliveryTracker[] = [];
  const taken: number[] = [];
  const consume = async ({ items, delivery }: Payload) => {
    delivery!.retain();
    trackers.push(delivery!);
    taken.push(items);
    return accepted;
  };
  return { consume, trackers, taken };
}

test("payloads are passed on one at a time and in order", async () => {
  const seen: number[] = [];
  let inFlight = 0;
  const { outbox, post, delivered } = harness(async ({ items }) => {
    expect(++inFlight).toBe(1);
    await Promise.resolve();
    inFlight--;
    seen.push(items);
    return accepted;
  });
  [1, 2, 3].forEach((items) => {
    post(items);
  });
  await outbox.drain(never);
  expect(seen).toEqual([1, 2, 3]);
  expect(delivered.at(-1)).toBe(3);
  expect(outbox.pendingItems).toBe(0);
});

test("what the pipeline does not take now is sent again, in order, after 1, 2, 4 … and at most 30 seconds", async () => {
  const seen: [number, number][] = [];
  let isUp = false;
  const { post, clock, dropped, delivered } = harness(async ({ items }) => {
    seen.push([Math.round((clock.nowMs() - startMs) / 1000), items]);
    return isUp ? accepted : later;
  });
  const startMs = clock.nowMs();
  post(1);
  await settled();
  post(2);
  for (let second = 0; second < 100; second++) {
    clock.advance(1_000);
    await settled();
  }
  expect(seen.map(([atS]) => atS)).toEqual([0, 1, 3, 7, 15, 31, 61, 91]);
  expect(new Set(seen.map(([, items]) => items))).toEqual(new Set([1]));
  isUp = true;
  clock.advance(30_000);
  await settled();
  expect(seen.slice(-2).map(([, items]) => items)).toEqual([1, 2]);
  expect(delivered.at(-1)).toBe(2);
  expect(dropped).toEqual([]);
});

describe("an exporter that keeps payloads in its queue", () => {
  test("leaves them pending until it has delivered them, in whatever order", async () => {
    const { consume, trackers } = keeping();
    const { outbox, post, delivered } = harness(consume);
    [1, 2, 3].forEach((items) => {
      post(items);
    });
    await settled();
    expect(outbox.pending().map(({ items }) => items)).toEqual([1, 2, 3]);
    trackers[1]!.release("delivered");
    expect(delivered).toEqual([]);
    expect(outbox.pending().map(({ items }) => items)).toEqual([1, 3]);
    trackers[0]!.release("delivered");
    expect(delivered).toEqual([2]);
    trackers[2]!.release("delivered");
    expect(delivered).toEqual([2, 3]);
    expect(outbox.pendingItems).toBe(0);
  });

  test("gets a payload again that it gave up, and later ones meanwhile", async () => {
    const { consume, trackers, taken } = keeping();
    const { post, clock, delivered } = harness(consume);
    post(1);
    await settled();
    trackers[0]!.release("lost");
    post(2);
    await settled();
    expect(taken).toEqual([1]);
    clock.advance(1_000);
    await settled();
    expect(taken).toEqual([1, 1, 2]);
    trackers[2]!.release("delivered");
    expect(delivered).toEqual([]);
    trackers[1]!.release("delivered");
    expect(delivered).toEqual([2]);
  });
});

test("a payload that is accepted and lost on one branch is not sent again at once, and the waits grow", async () => {
  const atS: number[] = [];
  const { post, clock } = harness(async ({ delivery }) => {
    atS.push(Math.round((clock.nowMs() - startMs) / 1000));
    delivery!.retain();
    delivery!.release("lost");
    return accepted;
  });
  const startMs = clock.nowMs();
  post(1);
  for (let second = 0; second < 40; second++) {
    await settled();
    clock.advance(1_000);
  }
  await settled();
  expect(atS).toEqual([0, 1, 3, 7, 15, 31]);
});

for (const [what, consume] of [
  ["is refused for good", async (): Promise<ConsumeResult> => ({ ...later, status: "permanent" })],
  ["breaks the pipeline", () => Promise.reject(new Error("bug"))],
] as const) {
  test(`a payload that ${what} is dropped, logged and counted, and the next one is sent`, async () => {
    const { outbox, post, log, dropped, delivered } = harness(consume);
    post(1);
    post(2);
    await outbox.drain(never);
    expect(dropped).toEqual([
      [1, "refused"],
      [2, "refused"],
    ]);
    expect(log.map(({ level, fields }) => [level, fields?.["items"]])).toEqual([
      ["error", 1],
      ["error", 2],
    ]);
    expect(delivered.at(-1)).toBe(2);
  });
}

describe("the bound", () => {
  test("is 10 000 payloads; further ones are dropped and reported after those before them", async () => {
    const { consume, trackers } = keeping();
    const { post, dropped, delivered } = harness(consume);
    for (let items = 1; items <= maxPendingCalls + 2; items++) {
      post(items);
    }
    expect(dropped).toEqual([
      [maxPendingCalls + 1, "outbox_full"],
      [maxPendingCalls + 2, "outbox_full"],
    ]);
    while (trackers.length < maxPendingCalls) {
      await settled();
    }
    for (const tracker of trackers) {
      expect(delivered).not.toContain(maxPendingCalls + 2);
      tracker.release("delivered");
    }
    expect(delivered.at(-1)).toBe(maxPendingCalls + 2);
  });

  test("is 64 MiB; a single payload may be larger", () => {
    const { consume } = keeping();
    const { post, dropped } = harness(consume);
    post(1, 65 * 1024 * 1024);
    post(2);
    expect(dropped).toEqual([[2, "outbox_full"]]);
  });
});

describe("at a shutdown", () => {
  test("what waits is passed on once more, at once", async () => {
    let tries = 0;
    const { outbox, post } = harness(async () => (++tries === 1 ? later : accepted));
    post(1);
    await settled();
    await outbox.drain(never);
    expect(tries).toBe(2);
    expect(outbox.pendingItems).toBe(0);
  });

  for (const [isStored, want] of [
    [true, []],
    [false, [[1, "shutdown"]]],
  ] as const) {
    test(`what is not taken is ${isStored ? "left for the next start" : "dropped without storage"}`, async () => {
      const { outbox, post, dropped, delivered } = harness(async () => later, { isStored });
      post(1);
      await outbox.drain(never);
      expect(dropped).toEqual(want);
      expect(delivered).toEqual(isStored ? [] : [1]);
    });

    test(`what an exporter gives up afterwards is ${isStored ? "left for the next start" : "dropped without storage"}`, async () => {
      const { consume, trackers } = keeping();
      const { outbox, post, dropped, delivered } = harness(consume, { isStored });
      post(1);
      await outbox.drain(never);
      trackers[0]!.release("lost");
      expect(dropped).toEqual(want);
      expect(delivered).toEqual(isStored ? [] : [1]);
    });
  }

  test("a pipeline that never answers ends it at the deadline with an error", async () => {
    const { outbox, post } = harness(() => new Promise(() => {}));
    post(1);
    const deadline = new AbortController();
    const drained = outbox.drain(deadline.signal);
    deadline.abort();
    await expect(drained).rejects.toThrow("not passed on before the deadline");
  });
});
