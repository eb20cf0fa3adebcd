import { expect, test } from "vitest";
import { DeliveryWatch } from "../../src/component/delivery-watch.ts";
import type { DeliveryOutcome } from "../../src/otlp/payload.ts";

const [a, b] = [{}, {}];

function watched() {
  const outcomes: DeliveryOutcome[] = [];
  const watch = new DeliveryWatch((outcome) => outcomes.push(outcome));
  /** One pass of the payload through both branches, as far as they want it. */
  const pass = (results: readonly (readonly [object, DeliveryOutcome])[]) => {
    watch.retain();
    const passed = results.map(([way]) => watch.branch(way)).filter(({ isSkipped }) => !isSkipped);
    for (const branch of passed) {
      branch.retain();
    }
    for (const branch of passed) {
      branch.release(results.find(([way]) => watch.branch(way) === branch)![1]);
    }
    watch.release("delivered");
    return passed.length;
  };
  return { watch, outcomes, pass };
}

test("the outcome is that of the last one that keeps the payload, and the worst of all", () => {
  const { watch, outcomes } = watched();
  watch.retain();
  watch.retain();
  watch.release("lost");
  expect(outcomes).toEqual([]);
  watch.release("refused");
  expect(outcomes).toEqual(["lost"]);
});

test("a way on which the payload has ended does not get it again", () => {
  const { outcomes, pass } = watched();
  pass([
    [a, "delivered"],
    [b, "lost"],
  ]);
  const again = pass([
    [a, "delivered"],
    [b, "delivered"],
  ]);
  expect(again).toBe(1);
  expect(outcomes).toEqual(["lost", "delivered"]);
});

test("that one way refused it is said in the end, although another one got it only later", () => {
  const { outcomes, pass } = watched();
  pass([
    [a, "refused"],
    [b, "lost"],
  ]);
  pass([
    [a, "delivered"],
    [b, "delivered"],
  ]);
  expect(outcomes).toEqual(["lost", "refused"]);
});
