import { describe, expect, test } from "vitest";
import { outcomes } from "../../../../src/activity/engine/store/activity-counters.ts";
import { ownerFlags } from "../../../../src/activity/engine/store/owner-table.ts";
import { spanStates } from "../../../../src/activity/engine/store/span-lifecycle.ts";
import { evictionHolds, spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import { reasons } from "../../../../src/activity/model/reasons.ts";
import { workKinds } from "../../../../src/activity/model/work.ts";
import { SmallEngine } from "./small-engine.ts";

const { run: runKind, tool: toolKind } = workKinds;

/** The counters of a kind: of work that started, ended, was evicted or untracked, and is open. */
function counted({ parts: { counters } }: SmallEngine, kind: 1 | 2 | 3) {
  return {
    started: counters.started[kind],
    ended: counters.ended[kind],
    evicted: counters.evictedOf(kind),
    untracked: counters.untracked[kind],
    open: counters.open[kind],
  };
}

const none = { started: 0, ended: 0, evicted: 0, untracked: 0, open: 0 };

describe("open work", () => {
  for (const [how, state, want, close] of [
    ["ends", spanStates.ended, { ended: 1 }, "end"],
    ["is evicted", spanStates.evicted, { evicted: 1 }, "evict"],
    ["is untracked", spanStates.untracked, { untracked: 1 }, "untrack"],
  ] as const) {
    test(`that ${how} is counted so, leaves its owner and its timer, and is retained`, () => {
      const engine = new SmallEngine();
      const { openWork, store, retention } = engine.parts;
      const run = engine.openRun(1);
      const tool = engine.openTool(2, run);
      const owner = engine.ownerOf(run);
      expect(counted(engine, toolKind)).toEqual({ ...none, started: 1, open: 1 });
      expect([openWork.size, openWork.openMarkersOf(1), openWork.expiry.isSet(tool)]).toEqual([
        2,
        1,
        true,
      ]);
      expect([store.owners.openMarkers.get(owner), store.sessions.active]).toEqual([1, 1]);
      store.spans.held.set(tool, evictionHolds.untilInput);
      if (close === "evict") {
        openWork.evict(tool, "process_gone", 50);
      } else if (close === "end") {
        openWork.end(tool, 0, 50);
      } else {
        openWork.untrack(tool, 50);
      }
      expect(counted(engine, toolKind)).toEqual({ ...none, started: 1, ...want });
      expect([openWork.size, openWork.openMarkersOf(1), openWork.expiry.isSet(tool)]).toEqual([
        1,
        0,
        false,
      ]);
      expect([
        store.spans.state.get(tool),
        engine.ownerOf(tool),
        store.spans.held.get(tool),
      ]).toEqual([state, -1, evictionHolds.none]);
      expect([store.owners.openMarkers.get(owner), store.spans.openBelow.get(run)]).toEqual([0, 0]);
      expect([retention.size, store.spans.seenAtMs.get(tool)]).toEqual([1, 50]);
    });
  }

  test("that is a run stays in its owner when it closes, and its session becomes idle", () => {
    const engine = new SmallEngine();
    const run = engine.openRun(1);
    const owner = engine.ownerOf(run);
    engine.parts.openWork.end(run, 0, 5);
    expect([engine.ownerOf(run), engine.parts.store.owners.isOpen(owner)]).toEqual([owner, false]);
    expect(engine.parts.store.sessions.active).toBe(0);
  });

  test("that is evicted has its reason and an age that includes the time the program was away", () => {
    const engine = new SmallEngine();
    const { openWork, store, counters } = engine.parts;
    const tool = engine.openTool(2, engine.openRun(1), 1000);
    store.downtime.add(2000, 60_000);
    openWork.evict(tool, "process_gone", 3000);
    expect(store.spans.reason.get(tool)).toBe(reasons.process_gone.storedId);
    expect(counters.durations[toolKind]?.[outcomes.indexOf("evicted")]).toMatchObject({
      count: 1,
      sum: 62,
    });
    expect([openWork.evictions, openWork.closeCause]).toEqual([1, "progress"]);
  });

  for (const [name, leaseMs, maxAgeMs, want] of [
    ["expires after its lease", 40, 1000, 45],
    ["without a lease expires after the longest age", 0, 1000, 1005],
    ["expires after the longest age where its lease is longer", 4000, 1000, 1005],
  ] as const) {
    test(name, () => {
      const engine = new SmallEngine({ maxAgeMs });
      const { openWork, store } = engine.parts;
      const tool = engine.tool(2, engine.openRun(1));
      store.spans.leaseMs.set(tool, leaseMs);
      openWork.open(tool, 5);
      expect([openWork.expiresAtMs(tool), openWork.expiry.dueMsOf(tool)]).toEqual([want, want]);
      store.spans.seenAtMs.set(tool, 25);
      expect(openWork.expiry.dueMsOf(tool)).toBe(want + 20);
    });
  }

  test("makes its owner retire when it was its last open marker and the owner is decided", () => {
    for (const isDecided of [true, false]) {
      const engine = new SmallEngine();
      const { owners } = engine.parts.store;
      const run = engine.openRun(1);
      const owner = engine.ownerOf(run);
      const tools = [engine.openTool(2, run), engine.openTool(3, run)];
      owners.setFlag(owner, isDecided ? ownerFlags.decided : 0);
      engine.parts.openWork.end(tools[0]!, 0, 5);
      expect(owners.isLive.get(owner)).toBe(1);
      engine.parts.openWork.end(tools[1]!, 0, 5);
      expect(owners.isLive.get(owner)).toBe(isDecided ? 0 : 1);
    }
  });

  test("is a link after it was withdrawn, and was never counted", () => {
    const engine = new SmallEngine();
    const { openWork, store } = engine.parts;
    const run = engine.openRun(1);
    const tool = engine.openTool(2, run);
    openWork.withdraw(tool, 5);
    expect(counted(engine, toolKind)).toEqual(none);
    expect([store.spans.kind.get(tool), engine.ownerOf(tool), openWork.size]).toEqual([
      workKinds.other,
      -1,
      1,
    ]);
  });
});

describe("finished work", () => {
  function finished(startMs = 1000, endMs = 4000) {
    const engine = new SmallEngine();
    const tool = engine.tool(2, engine.run(1));
    engine.parts.openWork.durations.onProcessSeen(1, 1000);
    engine.parts.store.spans.startMs.set(tool, startMs);
    engine.parts.store.spans.closedMs.set(tool, endMs);
    engine.parts.retention.awaitDecision(tool, 5000);
    return { engine, tool, ...engine.parts };
  }

  test("that ended by itself starts and ends at once, with its duration", () => {
    const { engine, tool, openWork, counters, store } = finished();
    openWork.finish(tool, 5000);
    expect(counted(engine, toolKind)).toEqual({ ...none, started: 1, ended: 1 });
    expect(counters.durations[toolKind]?.[outcomes.indexOf("completed")]).toMatchObject({
      count: 1,
      sum: 3,
    });
    expect(store.spans.hasFlag(tool, spanFlags.undecided)).toBe(false);
    expect(store.spans.state.get(tool)).toBe(spanStates.ended);
  });

  test("that failed has its duration among the errors", () => {
    const { tool, openWork, counters, store } = finished();
    store.spans.setFlag(tool, spanFlags.failed);
    openWork.finish(tool, 5000);
    expect(counters.durations[toolKind]?.[outcomes.indexOf("error")]?.count).toBe(1);
  });

  test("is not counted where it may not be", () => {
    const { engine, tool, openWork, store } = finished();
    openWork.finish(tool, 5000, { isCounted: false });
    expect(counted(engine, toolKind)).toEqual(none);
    expect(store.spans.hasFlag(tool, spanFlags.uncounted)).toBe(true);
  });

  test("is evicted as an orphan once, whether an eviction without a name counts it or not", () => {
    for (const isCounted of [true, false]) {
      const { engine, tool, openWork, store } = finished();
      openWork.markOrphaned(tool, { isCounted, atMs: 5000 });
      const want = isCounted ? none : { ...none, started: 1, evicted: 1 };
      expect(counted(engine, toolKind)).toEqual(want);
      expect(store.spans.state.get(tool)).toBe(spanStates.evicted);
      expect(store.spans.hasFlag(tool, spanFlags.endReported)).toBe(true);
    }
  });

  test("corrects an eviction without a name", () => {
    const { engine, tool, openWork, counters, events } = finished();
    openWork.markFalsePositive(tool, 5000, 70);
    expect([counted(engine, toolKind), counters.reconciled[toolKind]]).toEqual([none, 1]);
    expect(events).toEqual([{ type: "reconciled", kind: toolKind, lateByMs: 70 }]);
  });
});

describe("two open spans of one run", () => {
  function twoSpans() {
    const engine = new SmallEngine();
    const first = engine.openRun(1);
    const second = engine.arrive(2, runKind, first);
    engine.parts.store.join(second, engine.ownerOf(first));
    engine.parts.openWork.open(second, 0);
    return { engine, first, second, ...engine.parts };
  }

  test("are counted as one, and the one that closes last says how the run ended", () => {
    const { engine, first, second, openWork } = twoSpans();
    expect(counted(engine, runKind)).toEqual({ ...none, started: 1, open: 1 });
    openWork.end(first, 0, 5);
    expect(counted(engine, runKind)).toEqual({ ...none, started: 1, open: 1 });
    openWork.evict(second, "max_age", 6);
    expect(counted(engine, runKind)).toEqual({ ...none, started: 1, evicted: 1 });
  });

  test("have one eviction to correct, once", () => {
    const { first, second, openWork, store } = twoSpans();
    openWork.evict(second, "max_age", 5);
    expect(openWork.countsReconciliation(second)).toBe(false);
    openWork.evict(first, "max_age", 6);
    expect(openWork.countsReconciliation(first)).toBe(true);
    expect(openWork.countsReconciliation(second)).toBe(true); // It takes over the count.
    expect(store.spans.hasFlag(first, spanFlags.uncounted)).toBe(true);
    store.spans.setFlag(second, spanFlags.endReported);
    expect(openWork.countsReconciliation(first)).toBe(false);
  });
});

test("a detached tool that closes releases the open markers inside it, and not the others", () => {
  const engine = new SmallEngine();
  const { store, openWork } = engine.parts;
  const run = engine.openRun(1);
  const detached = engine.openTool(2, run);
  store.detach(detached);
  const beside = engine.openTool(3, run);
  const inside = engine.arrive(4, toolKind, detached);
  store.join(inside, engine.ownerOf(run));
  openWork.open(inside, 0);
  openWork.end(run, 0, 50);
  store.tree.unblocked.length = 0;
  openWork.end(detached, 0, 70);
  expect([inside, beside].map((span) => store.tree.releasedAtMs(span))).toEqual([70, 0]);
  expect(store.tree.unblocked).toEqual([inside]);
});
