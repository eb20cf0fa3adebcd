import { describe, expect, test } from "vitest";
import { createVirtualClock } from "../../src/cli/virtual-clock.ts";
import fc from "../support/fast-check.ts";

const settle = async () => {};

describe("the clock of a replay", () => {
  test("runs timers on the way, in the order they fall due, at the time they fall due", async () => {
    const clock = createVirtualClock(1_000_000);
    const ran: [string, number][] = [];
    const note = (name: string) => () => ran.push([name, clock.nowMs()]);
    clock.after(300, note("later"));
    clock.after(100, note("sooner"));
    clock.every(150, note("again"));
    const cancel = clock.after(200, note("cancelled"));
    cancel();
    await clock.advanceTo(310, settle);
    expect(ran).toEqual([
      ["sooner", 100],
      ["again", 150],
      ["later", 300],
      ["again", 300],
    ]);
    expect([clock.nowMs(), clock.unixMs()]).toEqual([310, 1_000_310]);
  });

  test("lets what a timer set in motion finish before time goes on", async () => {
    const clock = createVirtualClock(0);
    const seenAt: number[] = [];
    clock.after(10, () => {
      void Promise.resolve().then(() => seenAt.push(clock.nowMs()));
    });
    clock.after(20, () => seenAt.push(clock.nowMs()));
    await clock.advanceTo(100, () => new Promise((resolve) => setImmediate(resolve)));
    expect(seenAt).toEqual([10, 20]);
  });

  test("runs a timer that another one sets", async () => {
    const clock = createVirtualClock(0);
    const ran: number[] = [];
    clock.after(10, () => clock.after(10, () => ran.push(clock.nowMs())));
    await clock.advanceTo(19, settle);
    expect(ran).toEqual([]);
    await clock.advanceTo(20, settle);
    expect(ran).toEqual([20]);
  });

  test("never runs backwards", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1_000)), async (times) => {
        const clock = createVirtualClock(0);
        let lastMs = 0;
        clock.every(7, () => {});
        for (const time of times) {
          await clock.advanceTo(time, settle);
          expect(clock.nowMs()).toBe(Math.max(lastMs, time));
          lastMs = clock.nowMs();
        }
      }),
    );
  });
});
