import { describe, expect, test } from "vitest";
import { byConfidence } from "../../../../src/activity/engine/policy/orphan-confidence.ts";
import type { EvictionReason } from "../../../../src/activity/model/reasons.ts";
import { EngineFixture, run, tool } from "./engine-fixture.ts";

/** The store with a marker 3 inside a tool 2 that may outlive its run, and a marker 4 beside it. */
function insideTool(): EngineFixture {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1), tool(2, 1, { isDetached: true }), tool(3, 2), tool(4, 1));
  return fixture;
}

describe("an orphan inside a tool that may outlive its run is at most as sure as that tool is over", () => {
  for (const [reason, own, inside] of [
    ["session_ended", "confirmed", "confirmed"],
    ["process_gone", "confirmed", "probable"],
    ["max_age", "confirmed", "presumed"],
    ["session_ended", "probable", "probable"],
    ["process_gone", "presumed", "presumed"],
  ] as const satisfies readonly (readonly [EvictionReason, string, string])[]) {
    test(`${reason}: ${own} is ${inside} there`, () => {
      const fixture = insideTool();
      fixture.parts.openWork.evict(fixture.span(2), reason, 1_000);
      const [three, four] = [fixture.span(3), fixture.span(4)];
      const by = byConfidence(fixture.parts.store, [three, four], own);
      const expected =
        own === inside
          ? [[own, [three, four]]]
          : [
              [inside, [three]],
              [own, [four]],
            ];
      expect([...by]).toEqual(expected);
    });
  }

  test("untracked: confirmed is presumed there", () => {
    const fixture = insideTool();
    fixture.parts.openWork.untrack(fixture.span(2), 1_000);
    expect([...byConfidence(fixture.parts.store, [fixture.span(3)], "confirmed")]).toEqual([
      ["presumed", [fixture.span(3)]],
    ]);
  });

  test("ended: confirmed stays confirmed", () => {
    const fixture = insideTool();
    fixture.parts.openWork.end(fixture.span(2), 1_000, 1_000);
    expect([...byConfidence(fixture.parts.store, [fixture.span(3)], "confirmed")]).toEqual([
      ["confirmed", [fixture.span(3)]],
    ]);
  });
});
