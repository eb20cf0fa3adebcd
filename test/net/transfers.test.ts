import { describe, expect, test } from "vitest";
import { Transfers } from "../../src/net/transfers.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** Bodies by name, of which those that were cut are listed. */
function bodies(...names: readonly string[]) {
  const clock = new FakeClock();
  const transfers = new Transfers(clock);
  const cut: string[] = [];
  const begun = names.map((name) => {
    const transfer = transfers.begin(() => cut.push(name));
    clock.advance(1);
    return transfer;
  });
  return { clock, transfers, cut, begun };
}

describe("bodies that stalled make room", () => {
  test("after 5 s, the one without progress for longest first, and no more than are needed", () => {
    const { clock, transfers, cut } = bodies("a", "b", "c");
    clock.advance(4_990);
    expect([transfers.makeRoom(() => cut.length === 1), cut]).toEqual([false, []]);
    clock.advance(100);
    expect([transfers.makeRoom(() => cut.length === 2), cut]).toEqual([true, ["a", "b"]]);
    transfers.cutStalled();
    expect([transfers.makeRoom(() => false), cut]).toEqual([false, ["a", "b", "c"]]);
  });

  test("not while they make progress, and a few bytes are none", () => {
    const { clock, transfers, cut, begun } = bodies("quick", "slow");
    for (let second = 0; second < 10; second++) {
      clock.advance(1_000);
      begun[0]?.progressed(1_024);
      begun[1]?.progressed(500);
      if (second === 5) {
        transfers.cutStalled();
      }
    }
    expect([transfers.makeRoom(() => false), cut]).toEqual([false, ["slow"]]);
  });

  test("not when there is room, and not once they have arrived", () => {
    const { clock, transfers, cut, begun } = bodies("a", "b");
    clock.advance(10_000);
    expect(transfers.makeRoom(() => true)).toBe(true);
    begun[0]?.end();
    begun[1]?.end();
    begun[1]?.progressed(10_000);
    expect([transfers.makeRoom(() => false), cut]).toEqual([false, []]);
  });
});
