import { expect, test } from "vitest";
import { EvictionLog } from "../../../src/processors/session_activity/eviction-log.ts";

const eviction = (atUnixMs: number) =>
  ({ atUnixMs, reason: "max_age", confidence: "presumed", tools: 1, modelCalls: 0 }) as const;

function logged(bound: number, evictions: number): EvictionLog {
  const log = new EvictionLog(bound);
  for (let at = 1; at <= evictions; at++) {
    log.add(eviction(at));
  }
  return log;
}

const timesOf = (log: EvictionLog) => log.entries().map(({ atUnixMs }) => atUnixMs);

for (const [title, evictions, want] of [
  ["starts empty", 0, []],
  ["keeps evictions in order", 2, [1, 2]],
  ["keeps as many as its bound", 3, [1, 2, 3]],
  ["replaces the oldest beyond its bound", 5, [3, 4, 5]],
] as const) {
  test(`the log of evictions ${title}`, () => {
    const log = logged(3, evictions);
    expect(timesOf(log)).toEqual(want);
    const restored = new EvictionLog(3);
    restored.restore(log.entries());
    restored.add(eviction(9));
    expect(timesOf(restored)).toEqual([...want, 9].slice(-3));
  });
}

test("the log of evictions keeps the newest of more stored entries than its bound", () => {
  const log = logged(2, 1);
  log.restore(logged(9, 5).entries());
  expect(timesOf(log)).toEqual([4, 5]);
});

test("the log of evictions refuses an entry of another form", () => {
  expect(() => logged(2, 0).restore([{ ...eviction(1), reason: "boredom" }])).toThrow();
});
