import { expect, test } from "vitest";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import { MetricsPush } from "../../../src/processors/session_activity/metrics-push.ts";
import { createFanOut } from "../../../src/service/fan-out.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";

function harness(consume: () => Promise<ConsumeResult>) {
  const { settings, log } = testSettings("session_activity");
  const taken: number[] = [];
  const push = new MetricsPush(
    {
      consume: ({ items }) => {
        taken.push(items);
        return consume();
      },
    },
    settings.logger,
  );
  let created = 0;
  const create = async (): Promise<Payload | undefined> => ({
    signal: "metrics",
    bytes: new Uint8Array(1),
    items: ++created,
  });
  return { push, create, taken, log };
}

const later: ConsumeResult = { status: "retryable", message: "Full." };

test("a push is skipped while the one before is in progress", async () => {
  const answer = Promise.withResolvers<ConsumeResult>();
  const { push, create, taken } = harness(() => answer.promise);
  const first = push.push(create);
  void push.push(create);
  await Promise.resolve();
  answer.resolve(accepted);
  await first;
  expect(taken).toEqual([1]);
});

test("an exporter that still keeps a push gets no other one, and is warned of when it gives it up; others get theirs", async () => {
  const { settings, log, clock } = testSettings("session_activity");
  const kept: Payload[] = [];
  const delivered: number[] = [];
  const fanOut = createFanOut({ clock, logger: settings.logger }).to("pipeline metrics", [
    {
      name: "down",
      consumer: {
        async consume(payload) {
          payload.delivery?.retain();
          kept.push(payload);
          return accepted;
        },
      },
    },
    {
      name: "up",
      consumer: {
        async consume({ items }) {
          delivered.push(items);
          return accepted;
        },
      },
    },
  ]);
  const push = new MetricsPush(fanOut, settings.logger);
  let created = 0;
  const create = async (): Promise<Payload | undefined> => ({
    signal: "metrics",
    bytes: new Uint8Array(1),
    items: ++created,
  });
  await push.push(create);
  await push.push(create);
  await push.push(create);
  expect([kept.length, delivered]).toEqual([1, [1, 2, 3]]);
  expect(log).toEqual([]);
  kept[0]?.delivery?.release("lost");
  expect(log).toMatchObject([
    { level: "warn", fields: { reason: "An exporter did not take it, or gave it up." } },
  ]);
  await push.push(create);
  expect([kept.map(({ items }) => items), delivered]).toEqual([
    [1, 4],
    [1, 2, 3, 4],
  ]);
});

test("the only exporter that still keeps a push gets no other one", async () => {
  const kept: Payload[] = [];
  const { settings, log } = testSettings("session_activity");
  const push = new MetricsPush(
    {
      async consume(payload) {
        payload.delivery?.retain();
        kept.push(payload);
        return accepted;
      },
    },
    settings.logger,
  );
  const create = async (): Promise<Payload> => ({
    signal: "metrics",
    bytes: new Uint8Array(1),
    items: 1,
  });
  await push.push(create);
  await push.push(create);
  kept[0]?.delivery?.release("delivered");
  await push.push(create);
  expect(kept).toHaveLength(2);
  expect(log).toEqual([]);
});

for (const [what, consume, reason] of [
  ["that the pipeline does not take", async () => later, "Full."],
  [
    "that breaks the pipeline",
    () => Promise.reject(new TypeError("session-4711")),
    "A component of the pipeline failed (TypeError).",
  ],
] as const) {
  test(`a push ${what} is a warning, and the next one is tried`, async () => {
    const { push, create, taken, log } = harness(consume);
    await push.push(create);
    await push.push(create);
    expect(taken).toEqual([1, 2]);
    expect(log.map(({ level, fields }) => [level, fields])).toEqual([
      ["warn", { skipped: 1, reason }],
      ["warn", { skipped: 2, reason }],
    ]);
  });
}

test("metrics that cannot be collected are a warning", async () => {
  const { push, taken, log } = harness(async () => accepted);
  await push.push(async () => undefined);
  expect(taken).toEqual([]);
  expect(log).toMatchObject([
    { level: "warn", fields: { reason: "They could not be collected." } },
  ]);
});

test("at the end the last values are pushed, after the push in progress", async () => {
  const { push, create, taken } = harness(async () => accepted);
  void push.push(create);
  await push.drain(create, noDeadline());
  expect(taken).toEqual([1, 2]);
});

test("a last push that fails does not promise another one", async () => {
  const { push, create, log } = harness(async () => later);
  await push.drain(create, noDeadline());
  expect(log.map(({ message }) => message)).toEqual([expect.stringContaining("before the end")]);
});

test("a pipeline that never answers ends the last push at the deadline, with an error", async () => {
  const { push, create } = harness(() => new Promise(() => {}));
  const deadline = new AbortController();
  const drained = push.drain(create, deadline.signal);
  deadline.abort();
  await expect(drained).rejects.toThrow("not pushed before the deadline");
});
