import { describe, expect, test } from "vitest";
import { OwnerTable, ownerFlags } from "../../../../src/activity/engine/store/owner-table.ts";
import { transfer } from "./small-engine.ts";

const of = { process: 1, trace: 2, top: 3, group: 4, isUnresolved: false };
const at = (atMs: number) => ({ atMs, timeMs: atMs + 1000, seq: 0 });

function snapshotOf(table: OwnerTable) {
  return {
    snapshot: (stream: Parameters<OwnerTable["snapshot"]>[0]) =>
      table.snapshot(stream, { version: 3 }),
  };
}

describe("the table of owners", () => {
  test("gives an owner none of the values of the owner that had its row", () => {
    const owners = new OwnerTable();
    const first = owners.add({ ...of, isUnresolved: true });
    const zeros = [
      owners.openRuns,
      owners.openMarkers,
      owners.memberCount,
      owners.endedAtMs,
      owners.workedAtMs,
      owners.lastProgress,
      owners.isLive,
      owners.finishedTools,
      owners.finishedPairs,
      owners.unnamed,
    ];
    const links = [owners.firstMember, owners.above, owners.firstBelow, owners.waitsFor];
    for (const column of [...zeros, ...links, owners.idleAtMs]) {
      column.set(first, 7);
    }
    expect(owners.isUnresolved(first)).toBe(true);
    owners.remove(first);
    expect(owners.add(of)).toBe(first);
    expect(zeros.map((column) => column.get(first))).toEqual(zeros.map(() => 0));
    expect(links.map((column) => column.get(first))).toEqual(links.map(() => -1));
    expect(owners.idleOf(first).atMs).toBe(Number.NEGATIVE_INFINITY);
    expect(owners.isUnresolved(first)).toBe(false);
    expect([owners.rows.size, owners.rows.count]).toEqual([1, 1]);
  });

  test("says that a removed owner is not open and has no members, for walks over all rows", () => {
    const owners = new OwnerTable();
    const owner = owners.add(of);
    owners.openRuns.set(owner, 2);
    owners.memberCount.set(owner, 2);
    owners.remove(owner);
    expect([owners.isOpen(owner), owners.memberCount.get(owner), owners.rows.size]).toEqual([
      false,
      0,
      0,
    ]);
  });

  for (const [name, moments, want] of [
    ["the first start counts", [at(5)], at(5)],
    ["a later start counts", [at(5), at(9)], at(9)],
    ["an earlier start does not count", [at(9), at(5)], at(9)],
    [
      "the sender's order decides before the arrival",
      [
        { ...at(9), seq: 1 },
        { ...at(5), seq: 2 },
      ],
      { ...at(5), seq: 2 },
    ],
  ] as const) {
    test(`of the starts of work in an owner, ${name}`, () => {
      const owners = new OwnerTable();
      const owner = owners.add(of);
      for (const moment of moments) {
        owners.setLastWork(owner, moment, 10_000);
      }
      expect(owners.lastWorkOf(owner)).toEqual(want);
    });
  }

  test("adds counts, latest times and two flags of one owner to another, and no open counts", () => {
    const owners = new OwnerTable();
    const into = owners.add(of);
    const from = owners.add(of);
    for (const [owner, by] of [
      [into, 1],
      [from, 10],
    ] as const) {
      owners.memberCount.set(owner, by);
      owners.openRuns.set(owner, by);
      owners.reportedOpen.set(owner, by);
      owners.finishedPairs.set(owner, 2 * by);
      owners.lastModelMs.set(owner, by);
      owners.setLastWork(owner, at(by), 0);
    }
    owners.idleAtMs.set(into, 30);
    owners.setFlag(from, ownerFlags.modelFailed | ownerFlags.held | ownerFlags.hasDetached);
    owners.addFrom(from, into);
    expect([
      owners.memberCount.get(into),
      owners.memberCount.get(from),
      owners.openRuns.get(into),
      owners.reportedOpen.get(into),
      owners.finishedPairs.get(into),
      owners.lastModelMs.get(into),
      owners.idleAtMs.get(into),
      owners.flags.get(into),
    ]).toEqual([11, 0, 1, 11, 22, 10, 30, ownerFlags.modelFailed | ownerFlags.hasDetached]);
    expect(owners.lastWorkOf(into)).toEqual(at(10));
  });

  test("has the same rows after it was saved and loaded", () => {
    const owners = new OwnerTable();
    for (let row = 0; row < 20; row++) {
      owners.add({ ...of, top: row });
    }
    owners.finishedPairs.set(19, 4);
    owners.remove(3);
    const loaded = new OwnerTable();
    transfer(snapshotOf(owners), snapshotOf(loaded));
    expect([
      loaded.rows.size,
      loaded.rows.count,
      loaded.top.get(19),
      loaded.finishedPairs.get(19),
    ]).toEqual([19, 20, 19, 4]);
    expect(loaded.add(of)).toBe(3);
  });
});
