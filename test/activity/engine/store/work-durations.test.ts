import { describe, expect, test } from "vitest";
import { spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import { Downtime } from "../../../../src/activity/engine/store/work-durations.ts";
import { SmallEngine, transfer } from "./small-engine.ts";

const dayMs = 86_400_000;
/** The sender's clock is this far ahead of the engine's. */
const aheadMs = 1_000_000_000;

/** The duration of open work that started at second 100 and ended at second 160, by the engine's clock. */
function ofOpen(times: {
  readonly startMs?: number;
  readonly endMs?: number;
  readonly downMs?: number;
  readonly isReportedAtStart?: boolean;
}): number | undefined {
  const { parts, ...engine } = opened();
  parts.store.spans.startMs.set(engine.tool, times.startMs ?? aheadMs + 100_000);
  if (times.isReportedAtStart === true) {
    parts.store.spans.setFlag(engine.tool, spanFlags.reportedAtStart);
  }
  if (times.downMs !== undefined) {
    parts.store.downtime.add(130_000, times.downMs);
  }
  return parts.openWork.durations.ofOpen(engine.tool, times.endMs ?? aheadMs + 160_000, 160_000);
}

function opened() {
  const engine = new SmallEngine();
  const run = engine.openRun(1, 100_000);
  const tool = engine.openTool(2, run, 100_000);
  engine.parts.openWork.durations.onProcessSeen(1, 90_000);
  engine.parts.openWork.durations.onProcessSeen(1, 95_000);
  return { parts: engine.parts, tool };
}

describe("the duration of open work", () => {
  for (const [name, times, wantMs] of [
    ["is that of the sender's clock", { endMs: aheadMs + 159_000 }, 59_000],
    ["is unknown where the start is not set", { startMs: 0 }, undefined],
    ["is unknown where the end is not set", { endMs: 0 }, undefined],
    [
      "is that of the engine where the sender's clock was set back",
      { endMs: aheadMs + 149_999 },
      60_000,
    ],
    ["may be shorter by a lateness than it was open here", { endMs: aheadMs + 150_000 }, 50_000],
    [
      "may have begun a day before the process was first seen",
      { startMs: aheadMs + 160_000 - dayMs - 70_000 },
      dayMs + 70_000,
    ],
    [
      "is that of the engine where it had begun before that",
      { startMs: aheadMs + 160_000 - dayMs - 70_001 },
      60_000,
    ],
    [
      "reported when it began is at most a lateness longer than here",
      { startMs: aheadMs + 90_000, isReportedAtStart: true },
      70_000,
    ],
    [
      "reported when it began is that of the engine beyond that",
      { startMs: aheadMs + 89_999, isReportedAtStart: true },
      60_000,
    ],
    [
      "includes the time that the program was away",
      { startMs: aheadMs, downMs: 500_000, isReportedAtStart: true, endMs: aheadMs + 560_000 },
      560_000,
    ],
    [
      "of the engine includes that time too",
      { endMs: aheadMs + 100_001, downMs: 500_000 },
      560_000,
    ],
  ] as const) {
    test(name, () => expect(ofOpen(times)).toBe(wantMs));
  }
});

describe("the duration of finished work", () => {
  for (const [name, startMs, endMs, wantMs] of [
    ["is that of the sender's clock", 1000, 5000, 4000],
    ["may be 0", 1000, 1000, 0],
    ["is unknown where the start is not set", 0, 5000, undefined],
    ["is unknown where the end is before the start", 5000, 4999, undefined],
    ["may be a day more than its process is known for", 1000, dayMs + 71_000, dayMs + 70_000],
    ["is unknown beyond that", 1000, dayMs + 71_001, undefined],
  ] as const) {
    test(name, () => {
      const engine = new SmallEngine();
      const tool = engine.tool(2, engine.run(1));
      const { spans } = engine.parts.store;
      engine.parts.openWork.durations.onProcessSeen(1, 90_000);
      spans.startMs.set(tool, startMs);
      spans.closedMs.set(tool, endMs);
      expect(engine.parts.openWork.durations.ofFinished(tool, 160_000)).toBe(wantMs);
    });
  }

  test("counts a process as new after it was forgotten", () => {
    const { parts, tool } = opened();
    parts.openWork.durations.forgetProcess(1);
    parts.openWork.durations.onProcessSeen(1, 159_000);
    parts.store.spans.startMs.set(tool, 1000);
    parts.store.spans.closedMs.set(tool, dayMs + 3000);
    expect(parts.openWork.durations.ofFinished(tool, 160_000)).toBeUndefined();
  });
});

describe("the time that passed outside", () => {
  for (const [name, atMs, wantMs] of [
    ["includes a period between the two moments", 15, 1010],
    ["includes a period at the first moment", 10, 1010],
    ["includes a period at the last moment", 20, 1010],
    ["does not include an earlier period", 9, 10],
    ["does not include a later period", 21, 10],
  ] as const) {
    test(name, () => {
      const downtime = new Downtime();
      downtime.add(atMs, 1000);
      expect(downtime.elapsedMs(10, 20)).toBe(wantMs);
    });
  }

  test("includes the last 100 periods only", () => {
    const downtime = new Downtime();
    for (let at = 1; at <= 101; at++) {
      downtime.add(at, 1);
    }
    expect(downtime.elapsedMs(0, 200)).toBe(300);
    expect(downtime.elapsedMs(0, 1)).toBe(1);
  });

  test("is the same after a restart", () => {
    const downtime = new Downtime();
    downtime.add(5, 100);
    downtime.add(7, 10);
    const loaded = transfer(downtime, new Downtime());
    expect([loaded.elapsedMs(0, 6), loaded.elapsedMs(6, 8)]).toEqual([106, 12]);
  });
});
