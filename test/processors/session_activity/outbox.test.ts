import { expect, test } from "vitest";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import { Outbox } from "../../../src/processors/session_activity/outbox.ts";
import { testSettings } from "../../exporters/settings.ts";

const payload = (items: number): Payload => ({ signal: "logs", bytes: new Uint8Array(1), items });
const never = new AbortController().signal;

test("payloads are sent one at a time and in order", async () => {
  const { settings } = testSettings("session_activity");
  const seen: number[] = [];
  let inFlight = 0;
  const outbox = new Outbox(
    {
      consume: async ({ items }) => {
        expect(++inFlight).toBe(1);
        await Promise.resolve();
        inFlight--;
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
  ["refuses", async (): Promise<ConsumeResult> => ({ status: "retryable", message: "Full." })],
  ["fails on", () => Promise.reject(new Error("bug"))],
] as const) {
  test(`a payload that the pipeline ${what} is lost with an error in the log, and the next one is sent`, async () => {
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

test("a pipeline that never answers delays 1 000 payloads; further ones are dropped and the drain fails", async () => {
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

test("a dropped payload is reported after those before it, so that no waiting payload seems delivered", async () => {
  const { settings } = testSettings("session_activity");
  let answer: (result: ConsumeResult) => void = () => {};
  const outbox = new Outbox(
    { consume: () => new Promise((resolve) => (answer = resolve)) },
    settings.logger,
  );
  const delivered: number[] = [];
  for (let number = 0; number < 1003; number++) {
    outbox.post(payload(number), () => delivered.push(number));
  }
  expect(delivered).toEqual([]);
  for (let number = 0; number <= 1000; number++) {
    answer(accepted);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await outbox.drain(never);
  expect(delivered).toEqual([...Array.from({ length: 1000 }, (_, number) => number), 1002]);
});
