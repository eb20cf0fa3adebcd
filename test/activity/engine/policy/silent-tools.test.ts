import { describe, expect, test } from "vitest";
import { ownerFlags } from "../../../../src/activity/engine/store/owner-table.ts";
import { EngineFixture, run, tool } from "./engine-fixture.ts";

/** A run that made progress at `atS`, with a tool that is silent since 0 s. */
function progressing(atS: number): EngineFixture {
  const fixture = new EngineFixture({ stalledAfterMs: 60_000 });
  fixture.arrive(0, run(1), tool(2, 1));
  fixture.arrive(atS, run(1, { progress: true }));
  return fixture;
}

describe("a tool that is silent beside its run is reported", () => {
  for (const [what, progressS, nowS, isReported] of [
    ["when the run made progress more than a lateness after it", 50, 60, true],
    ["not yet when they may have fallen silent together", 10, 60, false],
    ["not before it is silent", 50, 59.9, false],
  ] as const) {
    test(what, () => {
      const fixture = progressing(progressS);
      fixture.parts.silentTools.report(fixture.owner(1), nowS * 1000);
      const verdicts = fixture.parts.events.map(
        (each) => each.type === "diagnosed" && each.verdict,
      );
      expect(verdicts).toEqual(isReported ? ["silent_tool"] : []);
      const mayHide = fixture.parts.store.owners.hasFlag(fixture.owner(1), ownerFlags.mayHideTool);
      expect(mayHide).toBe(!isReported && nowS === 60);
    });
  }

  test("once, until it makes progress", () => {
    const fixture = progressing(50);
    const { silentTools, events, states } = fixture.parts;
    const owner = fixture.owner(1);
    silentTools.report(owner, 60_000);
    silentTools.report(owner, 61_000);
    expect(events).toHaveLength(1);
    states.nowMs = 62_000;
    states.recordProgress(fixture.span(2), "progress");
    fixture.parts.store.owners.progressAtMs.set(owner, 130_000);
    silentTools.report(owner, 130_000);
    expect(events).toHaveLength(2);
  });

  test("and the next may be one when it has been silent for as long", () => {
    const fixture = progressing(50);
    fixture.arrive(55, tool(3, 1, { start: 55 }));
    expect(fixture.parts.silentTools.report(fixture.owner(1), 60_000)).toBe(115_000);
    expect(progressing(50).parts.silentTools.report(0, 60_000)).toBe(Number.POSITIVE_INFINITY);
  });
});
