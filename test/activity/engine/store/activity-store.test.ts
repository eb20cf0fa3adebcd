import { describe, expect, test } from "vitest";
import { ownerFlags } from "../../../../src/activity/engine/store/owner-table.ts";
import { spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import { workKinds } from "../../../../src/activity/model/work.ts";
import { SmallEngine } from "./small-engine.ts";

/** A link with an unresolved owner at it that has one tool. */
function unresolved() {
  const engine = new SmallEngine();
  const { store } = engine.parts;
  const at = engine.arrive(1, workKinds.other);
  const owner = store.addOwner(at, { isUnresolved: true, group: -1 });
  store.spans.owner.set(at, owner);
  const tool = engine.arrive(2, workKinds.tool, at);
  store.join(tool, owner);
  return { engine, store, at, owner, tool };
}

describe("an owner", () => {
  test("has a group of its own, or is in the group it is given, and is live", () => {
    const engine = new SmallEngine();
    const { store } = engine.parts;
    const first = engine.ownerOf(engine.run(1));
    const group = store.owners.group.get(first);
    const second = store.addOwner(engine.arrive(2, workKinds.run), { isUnresolved: false, group });
    expect([store.owners.group.get(second), store.groups.rows.size]).toEqual([group, 1]);
    expect(store.live.all(group).toSorted()).toEqual([first, second].toSorted());
    expect(store.inTrace.all(store.owners.trace.get(first)).length).toBe(2);
  });

  test("with a run and one without are in two lists of their trace; a retired one is in none", () => {
    const { engine, store, owner } = unresolved();
    const run = engine.ownerOf(engine.run(9));
    const trace = store.owners.trace.get(owner);
    const group = store.owners.group.get(owner);
    expect([store.inTrace.all(trace), store.unresolvedInTrace.all(trace)]).toEqual([
      [run],
      [owner],
    ]);
    expect(store.groups.unresolvedOwners.get(group)).toBe(1);
    for (const each of [run, owner, owner]) {
      store.setLive(each, false);
    }
    expect([store.inTrace.all(trace), store.unresolvedInTrace.all(trace)]).toEqual([[], []]);
    expect([store.live.all(group), store.groups.unresolvedOwners.get(group)]).toEqual([[], 0]);
    store.setLive(owner, true);
    store.setLive(owner, true);
    expect([store.live.all(group), store.groups.unresolvedOwners.get(group)]).toEqual([[owner], 1]);
  });

  test("is freed with its last member, and so are its group and the links of owners below it", () => {
    const engine = new SmallEngine();
    const { store } = engine.parts;
    const run = engine.run(1);
    const tool = engine.tool(2, run);
    const owner = engine.ownerOf(run);
    const below = engine.ownerOf(engine.run(3));
    store.setAbove(below, owner, true);
    store.leave(run);
    expect([store.owners.memberCount.get(owner), store.owners.top.get(owner)]).toEqual([1, -1]);
    store.leave(tool);
    expect([store.owners.rows.size, store.groups.rows.size, store.owners.above.get(below)]).toEqual(
      [1, 1, -1],
    );
    expect(store.owners.hasFlag(below, ownerFlags.belowMarker)).toBe(false);
  });

  test("keeps another run as its top when the topmost one leaves", () => {
    const engine = new SmallEngine();
    const { store } = engine.parts;
    const top = engine.run(1);
    const owner = engine.ownerOf(top);
    const inner = engine.arrive(2, workKinds.run, top);
    store.join(inner, owner);
    engine.tool(3, top);
    store.leave(top);
    expect([store.owners.top.get(owner), store.runOf(owner)]).toEqual([inner, inner]);
  });

  test("is below one owner at a time", () => {
    const engine = new SmallEngine();
    const { store } = engine.parts;
    const [a, b, c] = [1, 2, 3].map((id) => engine.ownerOf(engine.run(id)));
    store.setAbove(c!, a!, true);
    store.setAbove(c!, b!, false);
    expect([store.below.all(a!), store.below.all(b!), store.owners.above.get(c!)]).toEqual([
      [],
      [c],
      b,
    ]);
    expect(store.owners.hasFlag(c!, ownerFlags.belowMarker)).toBe(false);
  });
});

describe("a span", () => {
  test("is a member of one owner, once", () => {
    const engine = new SmallEngine();
    const { store } = engine.parts;
    const [a, b] = [engine.run(1), engine.run(2)];
    const tool = engine.tool(3, a);
    store.join(tool, engine.ownerOf(a));
    expect(store.owners.memberCount.get(engine.ownerOf(a))).toBe(2);
    store.join(tool, engine.ownerOf(b));
    expect([store.members.all(engine.ownerOf(a)), store.members.all(engine.ownerOf(b))]).toEqual([
      [a],
      [tool, b],
    ]);
    store.leave(tool);
    store.leave(tool);
    expect(store.owners.memberCount.get(engine.ownerOf(b))).toBe(1);
  });

  test("that is detached marks its owner, whether it joins before or after", () => {
    for (const isFirst of [true, false]) {
      const engine = new SmallEngine();
      const run = engine.run(1);
      const tool = engine.arrive(2, workKinds.tool, run);
      if (isFirst) {
        engine.parts.store.detach(tool);
      }
      engine.parts.store.join(tool, engine.ownerOf(run));
      if (!isFirst) {
        engine.parts.store.detach(tool);
      }
      const { owners } = engine.parts.store;
      expect(owners.hasFlag(engine.ownerOf(run), ownerFlags.hasDetached)).toBe(true);
    }
  });

  test("without an owner has no group", () => {
    const engine = new SmallEngine();
    const run = engine.run(1);
    const { store } = engine.parts;
    expect(store.groupOf(run)).toBe(store.owners.group.get(engine.ownerOf(run)));
    expect(store.groupOf(engine.arrive(2, workKinds.tool))).toBe(-1);
  });
});

describe("an unresolved owner", () => {
  test("is taken from the span that it collects at, and only from that one", () => {
    const { store, at, owner, tool } = unresolved();
    expect(store.takeUnresolved(tool)).toBe(-1);
    expect(store.takeUnresolved(at)).toBe(owner);
    expect([store.spans.owner.get(at), store.owners.top.get(owner)]).toEqual([-1, -1]);
    expect(store.takeUnresolved(at)).toBe(-1);
  });

  for (const [name, keep, isKept] of [
    ["is freed with its last member", "nothing", false],
    ["stays without members while an owner is below it", "below", true],
    ["stays without members while it counts finished tools", "finished", true],
  ] as const) {
    test(name, () => {
      const { engine, store, owner, tool } = unresolved();
      const other = engine.ownerOf(engine.run(9));
      if (keep === "below") {
        store.setAbove(other, owner, true);
      } else if (keep === "finished") {
        store.owners.finishedTools.set(owner, 1);
      }
      store.leave(tool);
      expect(store.owners.rows.size).toBe(isKept ? 2 : 1);
      store.setAbove(other, -1, false);
      expect(store.owners.rows.size).toBe(keep === "finished" ? 2 : 1);
    });
  }

  test("without members is freed when its span is forgotten", () => {
    const { store, at, owner, tool } = unresolved();
    store.owners.finishedTools.set(owner, 1);
    store.leave(tool);
    store.leave(at);
    expect(store.owners.rows.size).toBe(0);
  });
});

describe("two owners", () => {
  test("that are merged have the members, open work and counts of both", () => {
    const engine = new SmallEngine();
    const { store } = engine.parts;
    const a = engine.openRun(1);
    const b = engine.openRun(2);
    const tool = engine.openTool(3, b);
    const [into, from] = [engine.ownerOf(a), engine.ownerOf(b)];
    store.owners.finishedTools.set(from, 4);
    store.mergeOwner(from, into);
    expect([a, b, tool].map((span) => engine.ownerOf(span))).toEqual([into, into, into]);
    expect([
      store.owners.memberCount.get(into),
      store.owners.openRuns.get(into),
      store.owners.openMarkers.get(into),
      store.owners.finishedTools.get(into),
      store.owners.rows.size,
      store.groups.rows.size,
      store.sessions.active,
    ]).toEqual([3, 2, 1, 4, 1, 1, 1]);
    expect([tool, a, b].every((span) => store.spans.hasFlag(span, spanFlags.member))).toBe(true);
  });

  test("of which one moves to the group of the other have their open work counted there", () => {
    const engine = new SmallEngine();
    const { store } = engine.parts;
    const [a, b] = [engine.openRun(1), engine.openRun(2)];
    engine.openTool(3, b);
    const group = store.groupOf(a);
    store.moveOwner(engine.ownerOf(b), group);
    expect([
      store.groupOf(b),
      store.groups.openOwners.get(group),
      store.groups.openMarkers.get(group),
      store.groups.ownerCount.get(group),
      store.live.all(group).length,
      store.groups.rows.size,
      store.sessions.active,
    ]).toEqual([group, 2, 1, 2, 2, 1, 1]);
  });
});
