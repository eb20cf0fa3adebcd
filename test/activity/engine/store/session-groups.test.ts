import { describe, expect, test } from "vitest";
import { groupFlags } from "../../../../src/activity/engine/store/group-table.ts";
import { SmallEngine } from "./small-engine.ts";

/** Three runs, each with a session of its own. */
function threeRuns(maxSessions = 1000) {
  const engine = new SmallEngine({ maxSessions });
  const { store } = engine.parts;
  const [a, b, c] = [1, 2, 3].map((id) => engine.ownerOf(engine.run(id)));
  const groupOf = (owner: number) => store.owners.group.get(owner);
  return { engine, store, sessions: store.sessions, a: a!, b: b!, c: c!, groupOf };
}

describe("a session reference", () => {
  test("leads to the group that got it", () => {
    const { sessions, a, groupOf, store } = threeRuns();
    expect(store.references.groupOf(1, 5, 6)).toBe(-1);
    expect(sessions.refer(groupOf(a), 1, 5, 6)).toBe(groupOf(a));
    expect([store.references.groupOf(1, 5, 6), store.references.groupOf(2, 5, 6)]).toEqual([
      groupOf(a),
      -1,
    ]);
    expect(store.groups.hasFlag(groupOf(a), groupFlags.referenced)).toBe(true);
  });

  test("merges the two groups that get it, with all references of both", () => {
    const { sessions, store, a, b, c, groupOf } = threeRuns();
    sessions.refer(groupOf(a), 1, 0, 1);
    sessions.refer(groupOf(b), 1, 0, 2);
    const left = sessions.refer(groupOf(b), 1, 0, 1);
    expect([groupOf(a), groupOf(b)]).toEqual([left, left]);
    expect([1, 2].map((lo) => store.references.groupOf(1, 0, lo))).toEqual([left, left]);
    expect(groupOf(c)).not.toBe(left);
  });

  test("is not kept beyond four for each session", () => {
    const { sessions, a, groupOf, store } = threeRuns(1);
    for (const lo of [1, 2, 3, 4, 5]) {
      expect(sessions.refer(groupOf(a), 1, 0, lo)).toBe(groupOf(a));
    }
    expect([4, 5].map((lo) => store.references.groupOf(1, 0, lo))).toEqual([groupOf(a), -1]);
    expect(store.references.rows.size).toBe(4);
  });

  test("makes the owners below those of its group part of the session, down to the next reference", () => {
    const { sessions, store, a, b, c, groupOf } = threeRuns();
    store.setAbove(b, a, true);
    store.setAbove(c, b, true);
    sessions.refer(groupOf(c), 1, 0, 9);
    const left = sessions.refer(groupOf(a), 1, 0, 1);
    expect([groupOf(a) === left, groupOf(b) === left, groupOf(c) === left]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("makes owners below a larger group part of the session when that group is merged with it", () => {
    const { engine, sessions, store, a, b, c, groupOf } = threeRuns();
    const inner = engine.ownerOf(engine.run(4));
    store.setAbove(inner, b, true);
    const large = sessions.merge(groupOf(a), groupOf(b));
    sessions.refer(groupOf(c), 1, 0, 1);
    sessions.merge(large, groupOf(c));
    expect([a, b, c, inner].map(groupOf)).toEqual([large, large, large, large]);
  });

  test("goes with the last owner of its group", () => {
    const { sessions, store, engine, a, groupOf } = threeRuns();
    sessions.refer(groupOf(a), 1, 0, 1);
    sessions.refer(groupOf(a), 1, 0, 2);
    const before = store.groups.rows.size;
    store.leave(store.owners.top.get(a));
    expect([1, 2].map((lo) => store.references.groupOf(1, 0, lo))).toEqual([-1, -1]);
    expect([store.references.rows.size, store.groups.rows.size]).toEqual([0, before - 1]);
    expect(engine.parts.store.owners.rows.size).toBe(2);
  });
});

describe("two groups that are merged", () => {
  test("keep the row of the larger one, whichever comes first", () => {
    for (const order of [0, 1]) {
      const { sessions, store, a, b, c, groupOf } = threeRuns();
      const large = sessions.merge(groupOf(a), groupOf(b));
      const small = groupOf(c);
      expect(order === 0 ? sessions.merge(large, small) : sessions.merge(small, large)).toBe(large);
      expect([a, b, c].map(groupOf)).toEqual([large, large, large]);
      expect([store.groups.ownerCount.get(large), store.groups.rows.size]).toEqual([3, 1]);
      expect(store.inGroup.all(large).toSorted()).toEqual([a, b, c].toSorted());
      expect(store.live.all(large).toSorted()).toEqual([a, b, c].toSorted());
    }
  });

  test("list only live owners among the live", () => {
    const { sessions, store, a, b, groupOf } = threeRuns();
    store.setLive(b, false);
    const left = sessions.merge(groupOf(a), groupOf(b));
    expect([store.live.all(left), store.inGroup.all(left).length]).toEqual([[a], 2]);
  });

  test("are left alone where they are one", () => {
    const { sessions, a, groupOf, store } = threeRuns();
    expect(sessions.merge(groupOf(a), groupOf(a))).toBe(groupOf(a));
    expect(store.groups.rows.size).toBe(3);
  });

  test("count as one active session", () => {
    const { sessions, a, b, c, groupOf } = threeRuns();
    sessions.countOpen(a, 1, 0);
    sessions.countOpen(b, 0, 1);
    expect(sessions.active).toBe(2);
    sessions.merge(groupOf(a), groupOf(b));
    expect(sessions.active).toBe(1);
    sessions.merge(groupOf(a), groupOf(c));
    expect(sessions.active).toBe(1);
    sessions.countOpen(a, -1, 0);
    expect(sessions.active).toBe(1);
    sessions.countOpen(b, 0, -1);
    expect(sessions.active).toBe(0);
  });
});

test("open work is counted in the owner and in its group, and several runs of an owner as one", () => {
  const { sessions, store, a, groupOf } = threeRuns();
  const { owners, groups } = store;
  const counts = () => [
    owners.openRuns.get(a),
    owners.openMarkers.get(a),
    groups.openOwners.get(groupOf(a)),
    groups.openMarkers.get(groupOf(a)),
  ];
  sessions.countOpen(a, 1, 0);
  sessions.countOpen(a, 1, 3);
  expect(counts()).toEqual([2, 3, 1, 3]);
  sessions.countOpen(a, -1, 0);
  expect(counts()).toEqual([1, 3, 1, 3]);
  sessions.countOpen(a, -1, -1);
  expect(counts()).toEqual([0, 2, 0, 2]);
});
