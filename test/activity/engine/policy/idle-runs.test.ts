import { describe, expect, test } from "vitest";
import { spanStates } from "../../../../src/activity/engine/store/span-lifecycle.ts";
import { spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import type { Signal } from "../history.ts";
import { EngineFixture, run } from "./engine-fixture.ts";

const s1 = { sessions: [1] };
const idle = (start: number): Signal => ({ type: "idle", kind: "other", span: 0, start, ...s1 });

describe("a run whose session was reported idle at 5 s", () => {
  const reported = () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1, s1), run(1, { ...s1, trace: 2 }));
    fixture.arrive(5, idle(5));
    return fixture;
  };

  test("ends a lateness later, as of the report, with the others of the session", () => {
    const fixture = reported();
    expect(fixture.parts.idleRuns.end(fixture.owner(1), 15_000)).toBe(true);
    const { spans, owners } = fixture.parts.store;
    for (const trace of [1, 2]) {
      const row = fixture.span(1, { trace });
      expect(spans.state.get(row)).toBe(spanStates.ended);
      expect(spans.hasFlag(row, spanFlags.endProbable)).toBe(true);
      expect(owners.endedAtMs.get(fixture.owner(1, { trace }))).toBe(5_000);
    }
  });

  test("is decided again then, and does not end before", () => {
    const fixture = reported();
    const owner = fixture.owner(1);
    fixture.parts.ownerTimers.cancel(owner);
    expect(fixture.parts.idleRuns.end(owner, 14_999)).toBe(false);
    expect(fixture.parts.ownerTimers.currentOf(owner)).toBe(15_000);
    expect(fixture.parts.store.owners.isOpen(owner)).toBe(true);
  });

  test("does not end with one that was reported idle, if it was not", () => {
    const fixture = reported();
    fixture.arrive(6, run(1, { ...s1, trace: 3, start: 6 }));
    fixture.parts.idleRuns.end(fixture.owner(1), 15_000);
    expect(fixture.parts.store.owners.isOpen(fixture.owner(1, { trace: 3 }))).toBe(true);
  });
});

test("a run whose session was not reported idle is not scheduled again", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1));
  expect(fixture.parts.idleRuns.end(fixture.owner(1), 1_000_000)).toBe(false);
  expect(fixture.parts.ownerTimers.currentOf(fixture.owner(1))).toBeUndefined();
});
