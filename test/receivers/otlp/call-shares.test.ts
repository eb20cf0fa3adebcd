import { describe, expect, test } from "vitest";
import { ByteBudget } from "../../../src/net/body.ts";
import { Transfers } from "../../../src/net/transfers.ts";
import { CallShares } from "../../../src/receivers/otlp/call-shares.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function shares({ calls = 1000, bytes = 1000 } = {}) {
  const budget = new ByteBudget(bytes);
  const each = new CallShares(calls, { budget, transfers: new Transfers(new FakeClock()) });
  return { budget, enter: (connection: object) => each.enter(connection) };
}

describe("calls", () => {
  test("of few connections leave room for one of another", () => {
    const { enter } = shares();
    const greedy = Array.from({ length: 10 }, () => ({}));
    let taken = 0;
    for (let turn = 0; turn < 100; turn++) {
      for (const connection of greedy) {
        const call = enter(connection);
        if (call.fits()) {
          taken += 1;
        } else {
          call.leave();
        }
      }
    }
    expect(taken).toBeGreaterThan(890);
    expect(enter({}).fits()).toBe(true);
  });

  test("that have left leave room, once", () => {
    const { enter } = shares({ calls: 1 });
    const first = enter({});
    expect([first.fits(), enter({}).fits()]).toEqual([true, false]);
    first.leave();
    first.leave();
    expect(enter({}).fits()).toBe(false);
  });
});

describe("bytes", () => {
  test("of a connection's only message may be all", () => {
    const { enter } = shares();
    const only = enter({});
    expect([only.tryTake(600), only.tryTake(400), only.tryTake(1)]).toEqual([true, true, false]);
  });

  test("of several messages of a connection leave as much as they take", () => {
    const { enter, budget } = shares();
    const connection = {};
    const [first, second] = [enter(connection), enter(connection)];
    expect([first.tryTake(300), second.tryTake(200), second.tryTake(1)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(enter({}).tryTake(500)).toBe(true);
    first.giveBack(300);
    expect([second.tryTake(100), budget.takenBytes]).toEqual([true, 800]);
  });

  test("that were given back to the budget count no more", () => {
    const { enter, budget } = shares();
    const connection = {};
    const first = enter(connection);
    first.tryTake(500);
    budget.giveBack(500);
    first.settle();
    const second = enter(connection);
    expect([second.tryTake(900), first.tryTake(1)]).toEqual([true, false]);
  });
});
