import { describe, expect, test } from "vitest";
import { Downtime } from "../../../../src/activity/engine/store/downtime.ts";
import { transfer } from "./small-engine.ts";

describe("the time that passed outside", () => {
  for (const [name, atMs, wantMs] of [
    ["includes a period between the two moments", 15, 1010],
    ["includes a period at the first moment", 10, 1010],
    ["includes a period at the last moment", 20, 1010],
    ["does not include an earlier period", 9, 10],
    ["does not include a later period", 21, 10],
  ] as const) {
    test(name, () => {
      const downtime = new Downtime();
      downtime.add(atMs, 1000);
      expect(downtime.elapsedMs(10, 20)).toBe(wantMs);
    });
  }

  test("includes the last 100 periods only", () => {
    const downtime = new Downtime();
    for (let at = 1; at <= 101; at++) {
      downtime.add(at, 1);
    }
    expect(downtime.elapsedMs(0, 200)).toBe(300);
    expect(downtime.elapsedMs(0, 1)).toBe(1);
  });

  test("is the same after a restart", () => {
    const downtime = new Downtime();
    downtime.add(5, 100);
    downtime.add(7, 10);
    const loaded = transfer(downtime, new Downtime());
    expect([loaded.elapsedMs(0, 6), loaded.elapsedMs(6, 8)]).toEqual([106, 12]);
  });
});
