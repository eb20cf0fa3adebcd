import { describe, expect, test } from "vitest";
import { NumberPool } from "../../../src/activity/recognition/number-pool.ts";

/** A pool of three numbers; `used` are in use elsewhere. */
function poolOf(used: ReadonlySet<number> = new Set()) {
  const calls = { full: 0, inUse: 0 };
  const clock = { nowMs: 0 };
  const pool = new NumberPool(3, {
    clock,
    maxAgeMs: 1600,
    inUse: () => {
      calls.inUse++;
      return used;
    },
    onFull: () => {
      calls.full++;
    },
  });
  return { pool, calls, clock };
}

function taken(pool: NumberPool, count: number): readonly number[] {
  return Array.from({ length: count }, () => pool.take());
}

describe("numbers", () => {
  test("count from 1 up to the bound, and are 0 beyond it", () => {
    expect(taken(poolOf().pool, 5)).toEqual([1, 2, 3, 0, 0]);
  });

  test("that were released are given again before new ones", () => {
    const { pool } = poolOf();
    taken(pool, 2);
    pool.release(1);
    expect(taken(pool, 3)).toEqual([1, 3, 0]);
  });

  test("that were stored leave the ones below them free", () => {
    const { pool } = poolOf();
    pool.takeStored(2);
    expect(taken(pool, 3).toSorted()).toEqual([0, 1, 3]);
  });

  test("a pool that fills calls `onFull` once, and once more after it had room", () => {
    const { pool, calls } = poolOf();
    taken(pool, 5);
    expect(calls.full).toBe(1);
    pool.release(2);
    taken(pool, 2);
    expect(calls.full).toBe(2);
  });
});

describe("unused numbers", () => {
  test("are those that were not seen for the age and are not in use elsewhere", () => {
    const { pool, clock } = poolOf(new Set([1]));
    taken(pool, 3);
    clock.nowMs = 100;
    pool.touch(3);
    clock.nowMs = 1600;
    expect(pool.unused()).toEqual([2]);
  });

  test("do not include free ones", () => {
    const { pool, clock } = poolOf();
    taken(pool, 2);
    pool.release(2);
    clock.nowMs = 5000;
    expect(pool.unused()).toEqual([1]);
  });

  test("are searched 16 times within the age at most, and the uses only if a number is old", () => {
    const { pool, calls, clock } = poolOf(new Set([1]));
    taken(pool, 1);
    for (let atMs = 0; atMs < 3200; atMs++) {
      clock.nowMs = atMs;
      pool.unused();
    }
    expect(calls.inUse).toBe(16);
  });
});
