import { describe, expect, test } from "vitest";
import { EngineView } from "../../../src/activity/engine/engine-view.ts";
import { spanFlags } from "../../../src/activity/engine/store/span-table.ts";
import { EngineFixture, run, tool } from "./policy/engine-fixture.ts";
import { SmallEngine } from "./store/small-engine.ts";

describe("work that is presumed open", () => {
  for (const [name, nowMs, flag, isOpenBelow, want] of [
    ["was named within the lateness", 9_999, 0, false, 1],
    ["does not count after the lateness", 10_000, 0, false, 0],
    ["counts after the lateness while open work is below it", 10_000, 0, true, 1],
    ["does not count where it was evicted", 0, spanFlags.presumedEvicted, true, 0],
  ] as const) {
    test(name, () => {
      const engine = new SmallEngine();
      const named = engine.name(1);
      engine.parts.store.spans.setFlag(named, flag);
      if (isOpenBelow) {
        engine.openRun(2, 0, named);
      }
      expect(new EngineView(engine.parts).impliedWork(nowMs)).toBe(want);
    });
  }
});

test("a parent that arrived from another process of its trace is not presumed open", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, tool(5, 4), tool(6, 7));
  const view = new EngineView(fixture.parts);
  expect(view.impliedWork(1_000)).toBe(2);
  fixture.arrive(2, run(4, { process: 2 }));
  expect(view.impliedWork(2_000)).toBe(1);
});
