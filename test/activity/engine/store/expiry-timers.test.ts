import { expect, test } from "vitest";
import { ExpiryTimers } from "../../../../src/activity/engine/store/expiry-timers.ts";

for (const [name, expiresAtMs, want] of [
  ["later than it was set when signals have arrived since", 90, 90],
  ["as it was set when its lease has become shorter since", 20, 50],
] as const) {
  test(`work that is due expires ${name}`, () => {
    const timers = new ExpiryTimers(1, () => expiresAtMs);
    timers.set(7, 50);
    const due: number[] = [];
    timers.due(49, due);
    expect(due).toEqual([]);
    timers.due(50, due);
    expect([due, timers.dueMsOf(7)]).toEqual([[7], want]);
  });
}
