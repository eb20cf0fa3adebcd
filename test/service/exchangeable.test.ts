import { expect, test } from "vitest";
import { accepted } from "../../src/component/consumer.ts";
import { ExchangeableConsumer } from "../../src/service/exchangeable.ts";
import { payloadOf } from "./fake-components.ts";

const answering = (message: string) => ({
  consume: async () => ({ status: "permanent" as const, message }),
  refusal: () => ({ status: "retryable" as const, message }),
});
const payload = payloadOf("traces", 1);

test("a payload goes to the target of the moment", async () => {
  const consumer = new ExchangeableConsumer();
  consumer.exchange(answering("first"));
  const first = consumer.consume(payload);
  consumer.exchange(answering("second"));
  expect(await first).toMatchObject({ message: "first" });
  expect(await consumer.consume(payload)).toMatchObject({ message: "second" });
  expect(consumer.refusal()).toMatchObject({ message: "second" });
});

test("a payload waits until there is a target", async () => {
  const consumer = new ExchangeableConsumer();
  const answer = consumer.consume(payload);
  expect(consumer.refusal()).toBeUndefined();
  consumer.exchange({ consume: async () => accepted });
  expect(await answer).toEqual(accepted);
});

test("a payload that waits in vain is to be sent again, and so is a later one", async () => {
  const consumer = new ExchangeableConsumer();
  const answer = consumer.consume(payload);
  consumer.giveUp();
  expect(await answer).toMatchObject({ status: "retryable" });
  expect(await consumer.consume(payload)).toMatchObject({ status: "retryable" });
});

test("items that a receiver leaves out are counted at the target of the moment, and those from before there was one at the first", () => {
  const consumer = new ExchangeableConsumer();
  const counts: string[] = [];
  const counting = (name: string) => ({
    ...answering(name),
    countRefused: (items: number, transport: string) =>
      counts.push(`${name} ${transport} ${items}`),
  });
  consumer.countRefused(1, "http");
  consumer.countRefused(2, "http");
  consumer.countRefused(4, "grpc");
  expect(counts).toEqual([]);
  consumer.exchange(counting("first"));
  consumer.countRefused(5, "grpc");
  consumer.exchange(counting("second"));
  consumer.countRefused(6, "http");
  expect(counts).toEqual(["first http 3", "first grpc 4", "first grpc 5", "second http 6"]);
});
