import { describe, expect, test } from "vitest";
import {
  GroupTable,
  groupFlags,
  ReferenceTable,
} from "../../../../src/activity/engine/store/group-table.ts";
import {
  type SnapshotStream,
  snapshotVersion,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { predictableHash } from "../../../../src/activity/engine/store/tabulation-hash.ts";
import { transfer } from "./small-engine.ts";

describe("the table of groups", () => {
  test("gives a group none of the values of the group that had its row", () => {
    const groups = new GroupTable();
    const first = groups.add(1);
    const zeros = [
      groups.flags,
      groups.openOwners,
      groups.openMarkers,
      groups.pauses,
      groups.state,
      groups.queued,
    ];
    const links = [groups.firstOwner, groups.firstLive, groups.reference];
    for (const column of [...zeros, ...links, groups.endedAtMs]) {
      column.set(first, 3);
    }
    expect([groups.isActive(first), groups.hasEnded(first)]).toEqual([true, true]);
    groups.remove(first);
    expect(groups.add(2)).toBe(first);
    expect(groups.process.get(first)).toBe(2);
    expect(zeros.map((column) => column.get(first))).toEqual(zeros.map(() => 0));
    expect(links.map((column) => column.get(first))).toEqual([-1, -1, -1]);
    expect([groups.isActive(first), groups.hasEnded(first)]).toEqual([false, false]);
    expect([groups.rows.size, groups.rows.count]).toEqual([1, 1]);
  });

  for (const [what, owners, markers, isActive] of [
    ["an open owner", 1, 0, true],
    ["an open marker", 0, 1, true],
    ["nothing open", 0, 0, false],
  ] as const) {
    test(`calls a group with ${what} ${isActive ? "active" : "inactive"}`, () => {
      const groups = new GroupTable();
      const group = groups.add(1);
      groups.openOwners.set(group, owners);
      groups.openMarkers.set(group, markers);
      expect(groups.isActive(group)).toBe(isActive);
    });
  }

  test("adds counts, latest times and flags of one group to another", () => {
    const groups = new GroupTable();
    const into = groups.add(1);
    const from = groups.add(1);
    const sums = [
      groups.openOwners,
      groups.openMarkers,
      groups.unresolvedOwners,
      groups.pauses,
      groups.ownerCount,
    ];
    const latest = [groups.sessionEndSeq, groups.queued, groups.channel];
    for (const column of [...sums, ...latest]) {
      column.set(into, 2);
      column.set(from, 5);
    }
    groups.endedAtMs.set(from, 40);
    groups.channel.set(into, 6);
    groups.setFlag(into, groupFlags.hadOwner);
    groups.setFlag(from, groupFlags.referenced);
    groups.addFrom(from, into);
    expect(sums.map((column) => column.get(into))).toEqual(sums.map(() => 7));
    expect(latest.map((column) => column.get(into))).toEqual([5, 5, 6]);
    expect(groups.sessionEndOf(into)).toEqual({
      atMs: 40,
      timeMs: Number.NEGATIVE_INFINITY,
      seq: 5,
    });
    expect(groups.flags.get(into)).toBe(groupFlags.hadOwner | groupFlags.referenced);
  });

  test("has the same rows after it was saved and loaded", () => {
    const groups = new GroupTable();
    const saved = (table: GroupTable) => ({
      snapshot: (stream: SnapshotStream) => table.snapshot(stream, { version: 4 }),
    });
    for (let row = 0; row < 20; row++) {
      groups.add(row);
    }
    groups.remove(4);
    groups.remove(6);
    const loaded = new GroupTable();
    transfer(saved(groups), saved(loaded));
    expect([loaded.rows.size, loaded.rows.count, loaded.process.get(19)]).toEqual([18, 20, 19]);
    expect([loaded.add(1), loaded.add(1), loaded.add(1)]).toEqual([6, 4, 20]);
  });
});

describe("the table of session references", () => {
  const others: readonly (readonly [string, readonly [number, number, number]])[] = [
    ["another process", [2, 7, 8]],
    ["another first half of the hash", [1, 0, 8]],
    ["another second half of the hash", [1, 7, 0]],
  ];
  for (const [what, key] of others) {
    test(`does not find a reference of ${what}`, () => {
      const references = new ReferenceTable(predictableHash());
      references.group.set(references.add(1, 7, 8), 5);
      expect(references.groupOf(1, 7, 8)).toBe(5);
      expect(references.groupOf(...key)).toBe(-1);
    });
  }

  test("starts a reference without group and without a next one, also in the row of another", () => {
    const references = new ReferenceTable(predictableHash());
    const first = references.add(1, 7, 8);
    references.group.set(first, 5);
    references.next.set(first, 6);
    references.remove(first);
    expect([references.groupOf(1, 7, 8), references.rows.size]).toEqual([-1, 0]);
    expect(references.add(1, 9, 9)).toBe(first);
    expect([references.group.get(first), references.next.get(first)]).toEqual([-1, -1]);
  });

  test("puts all references of one group in front of those of another", () => {
    const references = new ReferenceTable(predictableHash());
    const [a, b, c] = [1, 2, 3].map((lo) => references.add(1, 0, lo));
    references.next.set(a!, b!);
    references.moveAll(a!, { group: 9, before: c! });
    expect([a!, b!, c!].map((row) => references.group.get(row))).toEqual([9, 9, -1]);
    expect([a!, b!, c!].map((row) => references.next.get(row))).toEqual([b, c, -1]);
  });

  test("shows the reference with the lowest rank, of several the smallest, and none that has nothing to show", () => {
    const references = new ReferenceTable(predictableHash());
    const rows = [1, 2, 3, 4].map((lo) => references.add(1, 0, lo));
    for (const [at, row] of rows.entries()) {
      references.next.set(row, rows[at + 1] ?? -1);
    }
    const first = rows[0]!;
    expect([references.shownOf(first), references.shownOf(-1)]).toEqual([0, 0]);
    references.show(1, 0, 2, { shown: 50, rank: 3 });
    references.show(1, 0, 9, { shown: 7, rank: 1 });
    expect(references.shownOf(first)).toBe(50);
    references.show(1, 0, 3, { shown: 2 ** 48 - 1, rank: 2 });
    expect(references.shownOf(first)).toBe(2 ** 48 - 1);
    references.show(1, 0, 4, { shown: 60, rank: 2 });
    expect(references.shownOf(first)).toBe(60);
    references.remove(rows[3]!);
    expect(references.shownOf(references.add(1, 0, 4))).toBe(0);
  });

  test("finds the same references after it was saved and loaded", () => {
    const references = new ReferenceTable(predictableHash());
    const rows = Array.from({ length: 30 }, (_, lo) => references.add(1, 0, lo));
    for (const row of rows) {
      references.group.set(row, row + 100);
    }
    references.remove(rows[4]!);
    references.show(1, 0, 7, { shown: 77, rank: 1 });
    references.next.set(rows[7]!, -1);
    const loaded = new ReferenceTable(predictableHash(2));
    const saved = (table: ReferenceTable) => ({
      snapshot: (stream: SnapshotStream) => table.snapshot(stream, { version: snapshotVersion }),
    });
    transfer(saved(references), saved(loaded));
    expect(loaded.shownOf(rows[7]!)).toBe(77);
    expect(rows.map((_, lo) => loaded.groupOf(1, 0, lo))).toEqual(
      rows.map((row, lo) => (lo === 4 ? -1 : row + 100)),
    );
    expect([loaded.rows.size, loaded.add(1, 1, 1)]).toEqual([29, rows[4]]);
  });
});
