import { describe, expect, test } from "vitest";
import type { CancelTimer } from "../src/component/clock.ts";
import { inParts, longestTimerMs, repeated, systemClock } from "../src/system-clock.ts";

/** Timers that a test fires itself, as long as the ones of the runtime. */
class Timers {
  readonly delaysMs: number[] = [];
  #pending: (() => void) | undefined;

  readonly set = (delayMs: number, run: () => void): CancelTimer => {
    this.delaysMs.push(delayMs);
    this.#pending = run;
    return () => {
      this.#pending = undefined;
    };
  };

  /** Whether there was one. */
  fire(): boolean {
    const run = this.#pending;
    this.#pending = undefined;
    run?.();
    return run !== undefined;
  }
}

describe("a wait that is longer than a timer of the runtime", () => {
  test("takes as many timers as it needs", () => {
    const timers = new Timers();
    const ran: string[] = [];
    inParts(2 * longestTimerMs + 5, () => ran.push("ran"), timers.set);
    expect(timers.fire()).toBe(true);
    expect(timers.fire()).toBe(true);
    expect(ran).toEqual([]);
    expect(timers.fire()).toBe(true);
    expect(ran).toEqual(["ran"]);
    expect(timers.fire()).toBe(false);
    expect(timers.delaysMs).toEqual([longestTimerMs, longestTimerMs, 5]);
  });

  test("can be cancelled in each of its parts", () => {
    const timers = new Timers();
    const ran: string[] = [];
    const cancel = inParts(longestTimerMs + 5, () => ran.push("ran"), timers.set);
    timers.fire();
    cancel();
    expect(timers.fire()).toBe(false);
    expect(ran).toEqual([]);
  });

  test("is one timer if one can hold it", () => {
    const timers = new Timers();
    inParts(longestTimerMs, () => {}, timers.set);
    timers.fire();
    expect(timers.delaysMs).toEqual([longestTimerMs]);
  });

  test("does not end at once on the machine's clock", async () => {
    const ran: string[] = [];
    const cancels = [
      systemClock.after(30 * 86_400_000, () => ran.push("after")),
      systemClock.every(30 * 86_400_000, () => ran.push("every")),
    ];
    // A timer that is too long for the runtime would run before this one.
    await new Promise<void>((resolve) => systemClock.after(20, resolve));
    for (const cancel of cancels) {
      cancel();
    }
    expect(ran).toEqual([]);
  });
});

describe("an interval that is longer than a timer of the runtime", () => {
  test("runs again and again until it is cancelled", () => {
    const timers = new Timers();
    const ran: string[] = [];
    const cancel = repeated(
      (next) => timers.set(7, next),
      () => ran.push("ran"),
    );
    timers.fire();
    timers.fire();
    expect(ran).toEqual(["ran", "ran"]);
    cancel();
    expect(timers.fire()).toBe(false);
  });
});
