import { expect, test } from "vitest";
import { addGroupsAbove } from "../../../../src/activity/engine/policy/groups-above.ts";
import { startOf } from "../../../../src/activity/engine/policy/span-start.ts";
import { senderEpochMs } from "../history.ts";
import { EngineFixture, run, tool } from "./engine-fixture.ts";

test("the groups above a span are its own and those of what is above it", () => {
  const fixture = new EngineFixture();
  fixture.arrive(
    0,
    run(1, { sessions: [1] }),
    tool(2, 1),
    run(3, { parent: 2, sessions: [2] }),
    tool(4, 3),
    run(5, { trace: 2, sessions: [3] }),
  );
  for (const [span, sessions] of [
    [4, [1, 3]],
    [2, [1]],
    [1, [1]],
  ] as const) {
    const groups = new Set<number>();
    addGroupsAbove(fixture.parts.store, fixture.span(span), groups);
    expect([...groups].sort()).toEqual(sessions.map((each) => fixture.group(each)).sort());
  }
});

test("the groups above a span that belongs to none are none", () => {
  const { store, retention } = new EngineFixture().parts;
  const span = retention.addUnknown(store.traces.findOrAdd(1, 7, 7, 7, 1), 5, 1, 0);
  const groups = new Set<number>();
  addGroupsAbove(store, span, groups);
  expect(groups.size).toBe(0);
});

test("a span starts by arrival, by its sender's clock, and in its order", () => {
  const fixture = new EngineFixture();
  fixture.arrive(9, run(1, { start: 4, seq: 6 }));
  expect(startOf(fixture.parts.store, fixture.span(1))).toEqual({
    atMs: 9_000,
    timeMs: senderEpochMs + 4_000,
    seq: 6,
  });
});
