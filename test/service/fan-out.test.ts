import { describe, expect, test } from "vitest";
import { accepted, type ConsumeResult } from "../../src/component/consumer.ts";
import { fanOut } from "../../src/service/fan-out.ts";
import { payloadOf } from "./fake-components.ts";

const permanent: ConsumeResult = { status: "permanent", message: "never" };
const later: ConsumeResult = { status: "retryable", message: "later" };

const branchesOf = (answers: readonly ConsumeResult[]) =>
  answers.map((answer) => ({ consume: async () => answer }));

describe("the answer of several branches", () => {
  for (const [name, answers, want] of [
    ["all accepted is accepted", [accepted, accepted], accepted],
    ["one refusal for good is told to the sender", [accepted, permanent, accepted], permanent],
    ["one branch that may recover has the sender try again", [accepted, later], later],
    ["what can be retried goes before what cannot", [permanent, later, accepted], later],
    [
      "the longest wait wins and a throttled branch throttles the sender",
      [
        { status: "retryable", message: "a", retryAfterMs: 2_000 },
        { status: "retryable", message: "b", retryAfterMs: 9_000 },
        { status: "retryable", message: "c", throttled: true },
      ],
      { status: "retryable", message: "a", retryAfterMs: 9_000, throttled: true },
    ],
  ] satisfies readonly [string, readonly ConsumeResult[], ConsumeResult][]) {
    test(name, async () => {
      expect(await fanOut(branchesOf(answers)).consume(payloadOf("traces", 1))).toEqual(want);
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
      return accepted;
    },
  };
  const answer = fanOut([slow, quick]).consume(payloadOf("logs", 7));
  expect(seen).toEqual([7]);
  release(permanent);
  expect(await answer).toEqual(permanent);
});

test("a single branch is the consumer itself, without a detour", () => {
  const only = { consume: async () => accepted };
  expect(fanOut([only])).toBe(only);
});
