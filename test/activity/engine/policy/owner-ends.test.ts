import { describe, expect, test } from "vitest";
import { runsOf } from "../../../../src/activity/engine/policy/owner-ends.ts";
import { spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

const dueOf = (fixture: EngineFixture, owner: number) => fixture.parts.ownerTimers.currentOf(owner);

test("the runs of an owner are its harness run and its run, and no marker", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1, { kind: "harness" }), run(2, { kind: "inner", parent: 1 }), tool(3, 2));
  const runs = runsOf(fixture.parts.store, fixture.owner(1));
  expect(runs.sort()).toEqual([fixture.span(1), fixture.span(2)].sort());
});

describe("the end of a run", () => {
  test("schedules its owner a lateness later, once none of its runs is open", () => {
    const fixture = new EngineFixture();
    const [harness, inner] = [run(1, { kind: "harness" }), run(2, { kind: "inner", parent: 1 })];
    fixture.arrive(0, harness, inner, tool(3, 2));
    fixture.arrive(5, ended(inner, 5));
    expect(dueOf(fixture, fixture.owner(1))).toBeUndefined();
    fixture.arrive(7, ended(harness, 7));
    expect(dueOf(fixture, fixture.owner(1))).toBe(17_000);
    expect(fixture.parts.store.owners.endedAtMs.get(fixture.owner(1))).toBe(7_000);
  });

  test("leaves the tool around it a lateness of its own", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), tool(2, 1), run(3, { parent: 2 }));
    fixture.arrive(8, ended(run(3, { parent: 2 }), 8));
    expect(fixture.parts.store.spans.releasedAtMs.get(fixture.span(2))).toBe(8_000);
  });

  test("has the owners that waited for it decided at once", () => {
    const fixture = new EngineFixture();
    const [first, second] = [run(1, { sessions: [1] }), run(1, { sessions: [1], trace: 2 })];
    fixture.arrive(0, first, tool(2, 1), second);
    fixture.arrive(1, ended(first, 1));
    fixture.tick(12);
    const { owners } = fixture.parts.store;
    expect(owners.waitsFor.get(fixture.owner(1))).toBe(fixture.owner(1, { trace: 2 }));
    fixture.arrive(20, ended(second, 20));
    expect(owners.waitsFor.get(fixture.owner(1))).toBe(-1);
    expect(dueOf(fixture, fixture.owner(1))).toBe(20_000);
  });

  test("records for unresolved markers that it held them, and until when", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), tool(5, 4));
    fixture.parts.ownerTimers.cancel(fixture.owner(5));
    fixture.arrive(6, ended(run(1), 6));
    const { spans } = fixture.parts.store;
    expect(spans.hasFlag(fixture.span(5), spanFlags.hadHolder)).toBe(true);
    expect(spans.releasedAtMs.get(fixture.span(5))).toBe(6_000);
    expect(dueOf(fixture, fixture.owner(5))).toBe(16_000);
  });

  test("is nothing to markers whose own run is in another process", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), tool(5, 4), run(4, { process: 2 }));
    fixture.parts.ownerTimers.cancel(fixture.owner(5));
    fixture.arrive(6, ended(run(1), 6));
    expect(fixture.parts.store.spans.releasedAtMs.get(fixture.span(5))).toBe(0);
    expect(dueOf(fixture, fixture.owner(5))).toBeUndefined();
  });

  test("of an evicted one is by its sender's clock where that is set", () => {
    for (const [unset, timeMs] of [
      [false, 3_000],
      [true, 0],
    ] as const) {
      const fixture = new EngineFixture();
      fixture.arrive(1, run(1, { unset, start: 1 }));
      fixture.parts.openWork.evict(fixture.span(1), "max_age", 3_000);
      fixture.parts.ownerEnds.runEvicted(fixture.span(1), 3_000);
      const end = fixture.parts.store.owners.endOf(fixture.owner(1));
      expect([end.atMs, end.timeMs % 100_000]).toEqual([3_000, timeMs]);
    }
  });
});

describe("an owner that waits for a holder", () => {
  const waiting = () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), run(1, { trace: 2 }), run(1, { trace: 3 }));
    const owners = [1, 2, 3].map((trace) => fixture.owner(1, { trace }));
    return { fixture, ends: fixture.parts.ownerEnds, store: fixture.parts.store, owners };
  };

  test("waits for one at a time", () => {
    const { ends, store, owners } = waiting();
    ends.waitFor(owners[0]!, owners[1]!);
    ends.waitFor(owners[0]!, owners[2]!);
    expect(store.waiters.all(owners[1]!)).toEqual([]);
    expect(store.waiters.all(owners[2]!)).toEqual([owners[0]]);
    ends.stopWaiting(owners[0]!);
    expect(store.waiters.all(owners[2]!)).toEqual([]);
  });

  test("is decided when the holder's row is given up, unless it is what the holder became", () => {
    const { fixture, ends, owners } = waiting();
    ends.waitFor(owners[0]!, owners[2]!);
    ends.waitFor(owners[1]!, owners[2]!);
    ends.onOwnerRemoved(owners[2]!, owners[1]!, 4_000);
    expect(dueOf(fixture, owners[0]!)).toBe(4_000);
    expect(dueOf(fixture, owners[1]!)).toBeUndefined();
  });
});

test("a marker that arrives after the end of its run has a lateness of its own", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1), tool(2, 1));
  fixture.parts.ownerEnds.scheduleCheck(fixture.span(2), 1_000);
  expect(dueOf(fixture, fixture.owner(1))).toBeUndefined();
  fixture.arrive(2, ended(run(1), 2));
  fixture.parts.ownerTimers.cancel(fixture.owner(1));
  fixture.parts.ownerEnds.scheduleCheck(fixture.span(2), 5_000);
  expect(dueOf(fixture, fixture.owner(1))).toBe(15_000);
});

describe("unresolved markers of a session are decided again when it becomes one with another", () => {
  function merged(markers: number, { hadRun }: { readonly hadRun: boolean }) {
    const fixture = new EngineFixture();
    const ids = Array.from({ length: markers }, (_, at) => 10 + at);
    fixture.arrive(0, ...ids.map((id) => tool(id, id + 10_000, { trace: id, sessions: [1] })));
    const owners = ids.map((id) => fixture.owner(id, { trace: id }));
    for (const owner of owners) {
      fixture.parts.ownerTimers.cancel(owner);
    }
    const group = fixture.group(10, { trace: 10 });
    fixture.parts.ownerEnds.rescheduleMerged(group, { moved: 2, hadRun }, 3_000);
    return owners.filter((owner) => dueOf(fixture, owner) === 3_000).length;
  }

  test("all of them", () => {
    expect(merged(3, { hadRun: false })).toBe(3);
  });

  test("of more than a search reads those that came from the other, which had no run", () => {
    expect(merged(200, { hadRun: false })).toBe(2);
  });

  test("of more than a search reads also some that another run may hold now", () => {
    expect(merged(200, { hadRun: true })).toBe(130);
  });
});
