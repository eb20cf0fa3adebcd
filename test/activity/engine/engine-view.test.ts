import { describe, expect, test } from "vitest";
import { EngineView } from "../../../src/activity/engine/engine-view.ts";
import { spanFlags } from "../../../src/activity/engine/store/span-table.ts";
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
