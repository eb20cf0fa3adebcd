import { expect, test } from "vitest";
import { LatestWatch } from "../../src/component/latest-watch.ts";

test("without branches it is busy while anybody keeps a payload", () => {
  const watch = new LatestWatch(() => {});
  expect(watch.isSkipped).toBe(false);
  watch.retain();
  watch.retain();
  watch.release("delivered");
  expect(watch.isSkipped).toBe(true);
  watch.release("delivered");
  expect(watch.isSkipped).toBe(false);
});

test("with branches it is busy while each of them is, also below another one", () => {
  const watch = new LatestWatch(() => {});
  const [a, b] = [watch.branch({}), watch.branch({})];
  const below = b.branch({});
  watch.retain();
  a.retain();
  expect([watch.isSkipped, a.isSkipped]).toEqual([false, true]);
  b.retain();
  expect(watch.isSkipped).toBe(false);
  below.retain();
  expect(watch.isSkipped).toBe(true);
  a.release("delivered");
  expect(watch.isSkipped).toBe(false);
});

test("what is lost is reported by the way that lost it, once", () => {
  const lost: string[] = [];
  const watch = new LatestWatch((outcome) => lost.push(outcome));
  watch.retain();
  watch.release("lost");
  expect(lost).toEqual(["lost"]);
  const way = {};
  const branch = watch.branch(way);
  expect(watch.branch(way)).toBe(branch);
  watch.retain();
  branch.retain();
  branch.release("refused");
  watch.release("refused");
  expect(lost).toEqual(["lost", "refused"]);
});
