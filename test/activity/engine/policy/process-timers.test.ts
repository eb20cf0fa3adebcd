import { expect, test } from "vitest";
import { ProcessTimers } from "../../../../src/activity/engine/policy/process-timers.ts";

test("a process is due at its deadline, or at the end of its lease where that is later", () => {
  const leases = new Map([[1, 5_000]]);
  const timers = new ProcessTimers((process) => leases.get(process));
  timers.set(1, 1_000);
  timers.set(2, 1_000);
  expect([timers.dueMsOf(1), timers.dueMsOf(2)]).toEqual([5_000, 1_000]);
  const due: number[] = [];
  timers.due(1_000, due);
  expect(due.sort()).toEqual([1, 2]); // The scheduler puts off the one whose lease lasts.
});

test("a deadline is extended from where it was set, whatever the lease is", () => {
  const timers = new ProcessTimers(() => 9_000);
  timers.set(1, 1_000);
  timers.extend(1, 500);
  const due: number[] = [];
  timers.due(1_499, due);
  expect(due).toEqual([]);
  timers.due(1_500, due);
  expect(due).toEqual([1]);
});
