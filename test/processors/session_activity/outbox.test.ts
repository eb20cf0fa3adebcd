import { expect, test } from "vitest";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import { Outbox } from "../../../src/processors/session_activity/outbox.ts";
import { testSettings } from "../../exporters/settings.ts";

const payload = (items: number): Payload => ({ signal: "logs", bytes: new Uint8Array(1), items });
const never = new AbortController().signal;

test("payloads are handed on one at a time and in order", async () => {
  const { settings } = testSettings("session_activity");
  const seen: number[] = [];
  let under = 0;
  const outbox = new Outbox(
    {
      consume: async ({ items }) => {
        expect(++under).toBe(1);
        await Promise.resolve();
        under--;
        seen.push(items);
        return accepted;
      },
    },
    settings.logger,
  );
  [1, 2, 3].forEach((items) => {
    outbox.post(payload(items));
  });
  await outbox.drain(never);
  outbox.post(payload(4));
  await outbox.drain(never);
  expect(seen).toEqual([1, 2, 3, 4]);
});

for (const [what, consume] of [
  ["refused", async (): Promise<ConsumeResult> => ({ status: "retryable", message: "Full." })],
  ["failed", () => Promise.reject(new Error("bug"))],
] as const) {
  test(`what the pipeline ${what} is lost with an error in the log, and the next goes on`, async () => {
    const { settings, log } = testSettings("session_activity");
    const outbox = new Outbox({ consume }, settings.logger);
    outbox.post(payload(1));
    outbox.post(payload(2));
    await outbox.drain(never);
    expect(log.map(({ level, fields }) => [level, fields?.["items"]])).toEqual([
      ["error", 1],
      ["error", 2],
    ]);
  });
}

test("a pipeline that never answers holds a thousand payloads, drops the rest and fails the drain", async () => {
  const { settings, log } = testSettings("session_activity");
  const outbox = new Outbox({ consume: () => new Promise(() => {}) }, settings.logger);
  for (let items = 0; items < 1003; items++) {
    outbox.post(payload(items));
  }
  expect(log.map(({ fields }) => fields?.["items"])).toEqual([1001, 1002]);
  const deadline = new AbortController();
  const drained = outbox.drain(deadline.signal);
  deadline.abort();
  await expect(drained).rejects.toThrow("not delivered before the deadline");
});

test("what is dropped is told of after what was posted before it, so that nothing seems handed on that waits", async () => {
  const { settings } = testSettings("session_activity");
  let answer: (result: ConsumeResult) => void = () => {};
  const outbox = new Outbox(
    { consume: () => new Promise((resolve) => (answer = resolve)) },
    settings.logger,
  );
  const handedOn: number[] = [];
  for (let number = 0; number < 1003; number++) {
    outbox.post(payload(number), () => handedOn.push(number));
  }
  expect(handedOn).toEqual([]);
  for (let number = 0; number <= 1000; number++) {
    answer(accepted);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await outbox.drain(never);
  expect(handedOn).toEqual([...Array.from({ length: 1000 }, (_, number) => number), 1002]);
});
