import { describe, expect, test } from "vitest";
import { accepted, type ConsumeResult, type Consumer } from "../../src/component/consumer.ts";
import { DeliveryWatch } from "../../src/component/delivery-watch.ts";
import { createFanOut } from "../../src/service/fan-out.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { payloadOf, recordingLogger } from "./fake-components.ts";

const permanent: ConsumeResult = { status: "permanent", message: "never" };
const later: ConsumeResult = { status: "retryable", message: "later" };

const answering = (answer: ConsumeResult): Consumer => ({ consume: async () => answer });

function harness(
  consumers: readonly Consumer[],
  { keepsNothing = [] }: { readonly keepsNothing?: readonly number[] } = {},
) {
  const clock = new FakeClock();
  const logger = recordingLogger();
  const branches = consumers.map((consumer, index) => ({
    name: `branch ${index}`,
    consumer,
    keepsNothing: keepsNothing.includes(index),
  }));
  const fanOut = createFanOut({ clock, logger });
  return { clock, logger, fanOut, consumer: fanOut.to("pipeline traces", branches) };
}

describe("the answer of several branches", () => {
  for (const [name, answers, want] of [
    ["all accepted is accepted", [accepted, accepted], accepted],
    [
      "is accepted when one branch refuses for good and others accept",
      [accepted, permanent],
      accepted,
    ],
    ["is accepted when one branch may recover and another accepts", [later, accepted], accepted],
    ["is retryable when no branch accepts and one may recover", [permanent, later], later],
    ["is permanent when every branch refuses for good", [permanent, permanent], permanent],
    [
      "has the longest wait, and throttles if one branch is throttled",
      [
        { status: "retryable", message: "a", retryAfterMs: 2_000 },
        { status: "retryable", message: "b", retryAfterMs: 9_000 },
        { status: "retryable", message: "c", throttled: true },
      ],
      { status: "retryable", message: "a", retryAfterMs: 9_000, throttled: true },
    ],
  ] satisfies readonly [string, readonly ConsumeResult[], ConsumeResult][]) {
    test(name, async () => {
      const { consumer } = harness(answers.map(answering));
      expect(await consumer.consume(payloadOf("traces", 1))).toEqual(want);
    });
  }
});

describe("a branch that only shows data", () => {
  for (const [name, answers, keepsNothing, want] of [
    ["does not count when another one refuses", [accepted, later], [0], later],
    ["does not count when another one accepts", [later, accepted], [0], accepted],
    ["counts when there is no other", [accepted, later], [0, 1], accepted],
  ] as const) {
    test(name, async () => {
      const { consumer } = harness(answers.map(answering), { keepsNothing });
      expect(await consumer.consume(payloadOf("traces", 1))).toEqual(want);
    });
  }
});

test("a loss on one branch is logged at most every ten seconds, with the items lost since", async () => {
  const { consumer, fanOut, logger, clock } = harness([answering(accepted), answering(later)]);
  for (const items of [3, 4, 5]) {
    await consumer.consume(payloadOf("logs", items));
  }
  await consumer.consume(payloadOf("traces", 2));
  clock.advance(10_000);
  await consumer.consume(payloadOf("logs", 6));
  await consumer.consume(payloadOf("logs", 1));
  fanOut.flush();
  fanOut.flush();
  expect(logger.lines.map(([level, , fields]) => [level, fields])).toEqual([
    ["error", { branch: "branch 1", signal: "logs", lost_items: 3, reason: "later" }],
    ["error", { branch: "branch 1", signal: "traces", lost_items: 2, reason: "later" }],
    ["error", { branch: "branch 1", signal: "logs", lost_items: 15, reason: "later" }],
    [
      "error",
      {
        ...{ branch: "branch 1", signal: "logs", lost_items: 1, reason: "later" },
        ...{ from: expect.any(String), until: expect.any(String) },
      },
    ],
  ]);
  expect(logger.lines.at(-1)![1]).toMatch(/^Held back until now: A branch of a pipeline refused/);
});

for (const [refusal, outcome] of [
  [later, "lost"],
  [permanent, "refused"],
] as const) {
  test(`the creator of a payload learns that it was ${outcome} on one branch, and reports that itself`, async () => {
    const { consumer, logger } = harness([answering(accepted), answering(refusal)]);
    const outcomes: string[] = [];
    const watch = new DeliveryWatch((each) => outcomes.push(each));
    watch.retain();
    await consumer.consume({ ...payloadOf("logs", 1), delivery: watch });
    expect(outcomes).toEqual([]);
    watch.release("delivered");
    expect(outcomes).toEqual([outcome]);
    expect(logger.lines).toEqual([]);
  });
}

test("a payload that is sent again passes only the branches on which it has not ended", async () => {
  const passed = [0, 0, 0];
  let isUp = false;
  const counting = (index: number, answer: () => ConsumeResult): Consumer => ({
    consume: async () => {
      passed[index]! += 1;
      return answer();
    },
  });
  const { consumer } = harness([
    counting(0, () => accepted),
    counting(1, () => permanent),
    counting(2, () => (isUp ? accepted : later)),
  ]);
  const outcomes: string[] = [];
  const watch = new DeliveryWatch((each) => outcomes.push(each));
  const send = async () => {
    watch.retain();
    const { status } = await consumer.consume({ ...payloadOf("logs", 1), delivery: watch });
    watch.release(status === "accepted" ? "delivered" : "lost");
  };
  await send();
  await send();
  isUp = true;
  await send();
  expect(passed).toEqual([1, 1, 3]);
  expect(outcomes).toEqual(["lost", "lost", "refused"]);
});

test("a payload that its creator follows does not wait for a slow branch", async () => {
  const answer = Promise.withResolvers<ConsumeResult>();
  const { consumer } = harness([{ consume: () => answer.promise }, answering(accepted)]);
  const outcomes: string[] = [];
  const watch = new DeliveryWatch((each) => outcomes.push(each));
  watch.retain();
  expect(await consumer.consume({ ...payloadOf("logs", 1), delivery: watch })).toEqual(accepted);
  watch.release("delivered");
  expect(outcomes).toEqual([]);
  answer.resolve(later);
  await expect.poll(() => outcomes).toEqual(["lost"]);
});

test("a branch that keeps a payload has ended only when it releases it", async () => {
  const kept: { release(outcome: "delivered" | "lost"): void }[] = [];
  const keeping: Consumer = {
    consume: async ({ delivery }) => {
      delivery!.retain();
      kept.push(delivery!);
      return accepted;
    },
  };
  const { consumer } = harness([answering(accepted), keeping]);
  const outcomes: string[] = [];
  const watch = new DeliveryWatch((each) => outcomes.push(each));
  const send = async () => {
    watch.retain();
    await consumer.consume({ ...payloadOf("logs", 1), delivery: watch });
    watch.release("delivered");
  };
  await send();
  expect(outcomes).toEqual([]);
  kept[0]!.release("lost");
  await send();
  kept[1]!.release("delivered");
  expect(outcomes).toEqual(["lost", "delivered"]);
});

describe("a refusal before a request is read", () => {
  const open = answering(accepted);
  const closed: Consumer = { consume: async () => later, refusal: () => later };
  const free: Consumer = { consume: async () => accepted, refusal: () => undefined };
  for (const [name, consumers, want] of [
    ["when every branch would refuse", [closed, closed], later],
    ["not when a branch can be asked and would not", [closed, free], undefined],
    ["not when a branch cannot be asked", [closed, open], undefined],
  ] as const) {
    test(name, () => {
      expect(harness(consumers).consumer.refusal?.()).toEqual(want);
    });
  }
});

test("a branch that hangs does not keep the payload from the next one", async () => {
  let release = (_: ConsumeResult) => {};
  const slow = { consume: () => new Promise<ConsumeResult>((resolve) => (release = resolve)) };
  const seen: number[] = [];
  const quick = {
    consume: async ({ items }: { items: number }) => {
      seen.push(items);
      return later;
    },
  };
  const answer = harness([slow, quick]).consumer.consume(payloadOf("logs", 7));
  expect(seen).toEqual([7]);
  release(permanent);
  expect(await answer).toEqual(later);
});

test("a single branch is the consumer itself, without a detour", () => {
  const only = answering(accepted);
  expect(harness([only]).consumer).toBe(only);
});
