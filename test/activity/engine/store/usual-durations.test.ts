import { describe, expect, test } from "vitest";
import {
  type SnapshotVersion,
  snapshotVersion,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { UsualDurations } from "../../../../src/activity/engine/store/usual-durations.ts";
import { maxToolNames, type WorkKind, workKinds } from "../../../../src/activity/model/work.ts";
import { transfer } from "./small-engine.ts";

function add(usual: UsualDurations, kind: WorkKind, name: number, durationsMs: readonly number[]) {
  for (const durationMs of durationsMs) {
    usual.add(kind, name, { durationMs, atMs: 1000 });
  }
}

const twenty = (durationMs: number) => Array.from({ length: 20 }, () => durationMs);

describe("how long work usually takes", () => {
  test("is known from the twentieth on", () => {
    const usual = new UsualDurations();
    add(usual, workKinds.tool, 3, twenty(100).slice(1));
    expect(usual.of(workKinds.tool, 3)).toBeUndefined();
    add(usual, workKinds.tool, 3, [100]);
    expect(usual.of(workKinds.tool, 3)).toBeDefined();
  });

  test("is right to a tenth", () => {
    const usual = new UsualDurations();
    add(usual, workKinds.tool, 3, [
      ...Array.from({ length: 98 }, () => 200),
      ...twenty(30_000).slice(18),
    ]);
    const { p50Ms = 0, p99Ms = 0 } = usual.of(workKinds.tool, 3) ?? {};
    expect([p50Ms >= 200, p50Ms <= 220, p99Ms >= 30_000, p99Ms <= 33_000]).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  test("of a millisecond or less is a millisecond, and a year does not leave the buckets", () => {
    const usual = new UsualDurations();
    add(usual, workKinds.tool, 3, twenty(0));
    expect(usual.of(workKinds.tool, 3)).toEqual({ p50Ms: 1, p99Ms: 1 });
    add(usual, workKinds.tool, 4, twenty(31_536_000_000));
    expect(usual.of(workKinds.tool, 4)?.p50Ms).toBeGreaterThan(43_200_000);
    expect(usual.of(workKinds.tool, 5)).toBeUndefined();
  });

  for (const [what, kind, name, otherKind, otherName, isShared] of [
    ["two tools by name", workKinds.tool, 3, workKinds.tool, 4, false],
    ["a tool without a name from a model call", workKinds.tool, 0, workKinds.modelCall, 0, false],
    ["model calls of two names", workKinds.modelCall, 1, workKinds.modelCall, 2, true],
    [
      "a name beyond the bound from no name",
      workKinds.tool,
      maxToolNames + 1,
      workKinds.tool,
      0,
      true,
    ],
  ] as const) {
    test(`is ${isShared ? "not told apart" : "apart"} for ${what}`, () => {
      const usual = new UsualDurations();
      add(usual, kind, name, twenty(50));
      expect(usual.of(otherKind, otherName) !== undefined).toBe(isShared);
    });
  }

  test("is not kept for runs", () => {
    const usual = new UsualDurations();
    add(usual, workKinds.run, 0, twenty(50));
    expect(usual.of(workKinds.run, 0)).toBeUndefined();
  });

  test("is forgotten for names of which nothing has ended for long", () => {
    const usual = new UsualDurations();
    add(usual, workKinds.tool, 3, twenty(50));
    usual.add(workKinds.tool, 4, { durationMs: 50, atMs: 2000 });
    expect([...usual.names()]).toEqual([3, 4]);
    usual.dropOlder(2000);
    expect([...usual.names()]).toEqual([4]);
    add(usual, workKinds.tool, 3, twenty(900));
    expect(usual.of(workKinds.tool, 3)?.p50Ms).toBeGreaterThanOrEqual(900);
  });

  test("is kept for names that have enough durations, however many others come once", () => {
    const usual = new UsualDurations();
    add(usual, workKinds.tool, 3, twenty(50));
    for (let name = 10_000; name < 20_000; name++) {
      add(usual, workKinds.tool, name, [1]);
    }
    expect(usual.of(workKinds.tool, 3)).toBeDefined();
    expect([...usual.names()]).toEqual([3, ...Array.from({ length: 250 }, (_, at) => 19_750 + at)]);
  });

  test("is forgotten for the name of which work ended longest ago, at the bound", () => {
    const usual = new UsualDurations();
    for (let name = 1; name <= 750; name++) {
      add(usual, workKinds.tool, name, twenty(50));
    }
    add(usual, workKinds.tool, 1, [50]);
    add(usual, workKinds.tool, 5000, twenty(900));
    const known = (name: number) => usual.of(workKinds.tool, name) !== undefined;
    expect([1, 2, 3, 5000].map(known)).toEqual([true, false, true, true]);
    add(usual, workKinds.tool, 2, [70]);
    expect(usual.of(workKinds.tool, 5000)?.p50Ms).toBeGreaterThanOrEqual(900);
    expect([...usual.names()].length).toBe(751);
  });

  test("is the same after a restart, and names are forgotten in the same order", () => {
    const usual = new UsualDurations();
    for (const name of [8, 7, 2_000_000]) {
      add(usual, workKinds.tool, name, twenty(10 * (name % 10) + 10));
    }
    add(usual, workKinds.tool, 9, [5]);
    usual.dropOlder(0);
    const of = (durations: UsualDurations) => ({
      snapshot: (stream: Parameters<UsualDurations["snapshot"]>[0]) =>
        durations.snapshot(stream, { version: snapshotVersion }),
    });
    const loaded = new UsualDurations();
    transfer(of(usual), of(loaded));
    expect([...loaded.names()]).toEqual([8, 7, 2_000_000, 9]);
    for (const name of [8, 7, 2_000_000]) {
      expect(loaded.of(workKinds.tool, name)).toEqual(usual.of(workKinds.tool, name));
    }
  });

  for (const [version, names] of [
    [2, [1, 2, 3]],
    [3, []],
    [4, []],
  ] as const) {
    test(`that was saved by version ${version} ${version === 2 ? "is kept until it is used again" : "is as old as it was"}`, () => {
      const at = (usual: UsualDurations, as: SnapshotVersion) => ({
        snapshot: (stream: Parameters<UsualDurations["snapshot"]>[0]) =>
          usual.snapshot(stream, { version: as }),
      });
      const usual = new UsualDurations();
      for (const name of [1, 2, 3]) {
        add(usual, workKinds.tool, name, twenty(50)); // In rows that follow from the names, as in version 3.
      }
      const loaded = new UsualDurations();
      transfer(at(usual, version), at(loaded, version));
      expect(loaded.of(workKinds.tool, 3)).toEqual(usual.of(workKinds.tool, 3));
      loaded.dropOlder(5000);
      expect([...loaded.names()]).toEqual(names);
    });
  }
});
