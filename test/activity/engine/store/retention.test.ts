import { describe, expect, test } from "vitest";
import { spanStates } from "../../../../src/activity/engine/store/span-lifecycle.ts";
import { spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import { dialects } from "../../../../src/activity/model/dialects.ts";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import { workKinds } from "../../../../src/activity/model/work.ts";
import { SmallEngine, transfer } from "./small-engine.ts";

const ttls = { tombstoneTtlMs: 100, maxAgeMs: 1000 };

/** A link that arrived and was retained at `nowMs`. */
function link(engine: SmallEngine, id: number, nowMs: number, parent = -1): number {
  const span = engine.arrive(id, workKinds.other, parent);
  engine.parts.retention.retain(span, nowMs);
  return span;
}

/** Whether a span is remembered. */
function isKept(engine: SmallEngine, span: number): boolean {
  return engine.parts.store.spans.state.get(span) !== spanStates.free;
}

describe("a span that is not open is remembered", () => {
  const rows: readonly (readonly [string, number, (engine: SmallEngine) => number])[] = [
    ["100 ms, the time of tombstones, when it is a link", 100, (engine) => link(engine, 1, 0)],
    ["100 ms when it was only named", 100, (engine) => engine.name(1)],
    [
      "100 ms when it is a tool that ended",
      100,
      (engine) => {
        const tool = engine.openTool(2, engine.openRun(1));
        engine.parts.openWork.end(tool, 0, 0);
        return tool;
      },
    ],
    [
      "1000 ms, the longest age of work, when it is a run",
      1000,
      (engine) => {
        const run = engine.openRun(1);
        engine.parts.openWork.end(run, 0, 0);
        return run;
      },
    ],
    [
      "1000 ms when it was evicted",
      1000,
      (engine) => {
        const tool = engine.openTool(2, engine.openRun(1));
        engine.parts.openWork.evict(tool, "max_age", 0);
        return tool;
      },
    ],
    [
      "1000 ms when it is not watched any more",
      1000,
      (engine) => {
        const tool = engine.openTool(2, engine.openRun(1));
        engine.parts.openWork.untrack(tool, 0);
        return tool;
      },
    ],
    [
      "1000 ms when it is the parent of a span that is always inside a tool",
      1000,
      (engine) => {
        const tool = engine.arrive(1, workKinds.tool);
        engine.parts.store.spans.setFlag(tool, spanFlags.impliedTool);
        engine.parts.retention.retain(tool, 0);
        return tool;
      },
    ],
  ];
  for (const [name, ttlMs, close] of rows) {
    test(`for ${name}`, () => {
      const engine = new SmallEngine(ttls);
      const span = close(engine);
      engine.parts.retention.dropExpired(ttlMs - 1, 10);
      expect(isKept(engine, span)).toBe(true);
      expect(engine.parts.retention.dropExpired(ttlMs, 10)).toBe(1);
      expect(isKept(engine, span)).toBe(false);
    });
  }

  test("anew from when it is named again, unless it has arrived", () => {
    const engine = new SmallEngine(ttls);
    const [named, arrived] = [engine.name(1), link(engine, 2, 0)];
    engine.parts.retention.renew(named, 50);
    engine.parts.retention.renew(arrived, 50);
    engine.parts.retention.dropExpired(149, 10);
    expect([isKept(engine, named), isKept(engine, arrived)]).toEqual([true, false]);
  });

  test("anew from a signal of evicted work, of which the time of eviction stays", () => {
    const engine = new SmallEngine(ttls);
    const tool = engine.openTool(2, engine.openRun(1));
    engine.parts.openWork.evict(tool, "max_age", 10);
    engine.parts.retention.retainLonger(tool, 500);
    engine.parts.retention.dropExpired(1499, 10);
    expect([isKept(engine, tool), engine.parts.retention.evictedAtMs(tool)]).toEqual([true, 10]);
  });

  test("while it is pinned", () => {
    const engine = new SmallEngine(ttls);
    const span = link(engine, 1, 0);
    engine.parts.retention.pin(span);
    engine.parts.retention.pin(span);
    expect([engine.parts.retention.dropExpired(9999, 10), engine.parts.retention.size]).toEqual([
      0, 0,
    ]);
  });

  test("while it is undecided, the longest first", () => {
    const engine = new SmallEngine(ttls);
    const [first, second] = [engine.arrive(1, workKinds.tool), engine.arrive(2, workKinds.tool)];
    engine.parts.retention.awaitDecision(first, 5);
    engine.parts.retention.awaitDecision(second, 6);
    expect([engine.parts.retention.dropExpired(9999, 10), engine.parts.retention.size]).toEqual([
      0, 0,
    ]);
    expect(engine.parts.retention.oldestUndecided()).toBe(first);
    engine.parts.retention.pin(first);
    expect(engine.parts.retention.oldestUndecided()).toBe(second);
  });

  test("while open work is below it, and for its time after that", () => {
    const engine = new SmallEngine(ttls);
    const run = engine.openRun(1);
    const between = link(engine, 2, 0, run);
    const tool = engine.arrive(3, workKinds.tool, between);
    engine.parts.store.join(tool, engine.ownerOf(run));
    engine.parts.openWork.open(tool, 0);
    engine.parts.retention.dropExpired(150, 10);
    expect(isKept(engine, between)).toBe(true);
    engine.parts.openWork.end(tool, 0, 160);
    engine.parts.retention.dropExpired(199, 10);
    expect(isKept(engine, between)).toBe(true);
    engine.parts.retention.dropExpired(200, 10);
    expect(isKept(engine, between)).toBe(false);
  });
});

describe("spans are freed", () => {
  test("in the order of their deadlines, and no more than asked for", () => {
    const engine = new SmallEngine({ tombstoneTtlMs: 100, maxAgeMs: 150 });
    const [late, early] = [engine.run(1), engine.arrive(2, workKinds.other)];
    engine.parts.retention.retain(late, 0); // Due at 150.
    engine.parts.retention.retain(early, 20); // Due at 120.
    expect(engine.parts.retention.dropExpired(200, 1)).toBe(1);
    expect([isKept(engine, late), isKept(engine, early)]).toEqual([true, false]);
    expect(engine.parts.retention.dropExpired(200, 1)).toBe(1);
    expect(isKept(engine, late)).toBe(false);
  });

  test("the oldest first beyond the bound, links before runs", () => {
    const engine = new SmallEngine({ maxTombstones: 2 });
    const run = engine.run(1);
    engine.parts.retention.retain(run, 0);
    const links = [2, 3, 4].map((id) => link(engine, id, id));
    engine.parts.retention.dropExcess();
    expect(engine.parts.retention.size).toBe(2);
    expect([run, ...links].map((span) => isKept(engine, span))).toEqual([true, false, false, true]);
  });

  test("with their trace, and a span that was named and never arrived is counted", () => {
    const engine = new SmallEngine(ttls);
    const { store, retention, counters } = engine.parts;
    const trace = store.traces.findOrAdd(2, 0, 0, 0, 9);
    retention.addUnknown(trace, 0, 1, 0);
    const presumed = retention.addUnknown(trace, 0, 2, 0);
    store.spans.setFlag(presumed, spanFlags.presumedEvicted);
    expect(retention.impliedSize).toBe(2);
    retention.dropExpired(100, 10);
    expect(store.traces.find(2, 0, 0, 0, 9)).toBe(-1);
    expect(retention.impliedSize).toBe(0);
    expect(counters.signals.get("forgotten")?.[dialects.impliedParent.storedId]).toBe(1);
  });
});

describe("room for one more span", () => {
  function full(changed: Partial<ActivityLimits> = {}): SmallEngine {
    return new SmallEngine({ maxOpenWork: 2, maxTombstones: 2, ...changed });
  }

  test("is there below the bound, and nothing is freed for it", () => {
    const engine = full();
    const links = [1, 2, 3].map((id) => link(engine, id, 0));
    expect(engine.parts.retention.makeRoom()).toBe(true);
    expect(links.every((span) => isKept(engine, span))).toBe(true);
  });

  test("is made at the bound by freeing the oldest", () => {
    const engine = full();
    const links = [1, 2, 3, 4].map((id) => link(engine, id, 0));
    expect(engine.parts.retention.makeRoom()).toBe(true);
    expect(links.map((span) => isKept(engine, span))).toEqual([false, true, true, true]);
  });

  test("is refused where every span is open, undecided or above open work", () => {
    const engine = full();
    const above = link(engine, 1, 0);
    const run = engine.openRun(2, 0, above);
    engine.openTool(3, run);
    const undecided = engine.arrive(4, workKinds.tool);
    engine.parts.retention.awaitDecision(undecided, 0);
    expect(engine.parts.retention.makeRoom()).toBe(false);
    expect(engine.parts.store.spans.rows.size).toBe(4);
  });
});

test("after a restart spans are freed at the same moments, and evictions are as old as they were", () => {
  const engine = new SmallEngine(ttls);
  const tool = engine.openTool(2, engine.openRun(1));
  engine.parts.openWork.evict(tool, "max_age", 10);
  engine.parts.retention.retainLonger(tool, 500);
  const named = engine.name(3, 450);
  const loaded = new SmallEngine(ttls);
  for (const part of ["store", "openWork", "retention"] as const) {
    const at = ({ parts }: SmallEngine) => ({
      snapshot: (stream: Parameters<typeof parts.retention.snapshot>[0]) =>
        parts[part].snapshot(stream, { version: 3 }),
    });
    transfer(at(engine), at(loaded));
  }
  const { retention } = loaded.parts;
  expect([retention.size, retention.impliedSize, retention.evictedAtMs(tool)]).toEqual([2, 1, 10]);
  retention.dropExpired(550, 10);
  expect([isKept(loaded, named), isKept(loaded, tool)]).toEqual([false, true]);
  expect(retention.dropExpired(1500, 10)).toBe(1);
  expect(isKept(loaded, tool)).toBe(false);
  expect(loaded.name(4)).toBe(tool);
});
