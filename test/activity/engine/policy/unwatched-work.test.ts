import { describe, expect, test } from "vitest";
import { ActivityEngine } from "../../../../src/activity/engine/activity-engine.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { dialects } from "../../../../src/activity/model/dialects.ts";
import { History, limits, type Signal } from "../history.ts";

const relayed = { isRelayed: true, serviceHost: 1 } as const;

const run = (span: number, start: number, more: Partial<Signal> = {}): Signal => ({
  type: "start",
  kind: "run",
  span,
  start,
  ...relayed,
  ...more,
});
const work = (
  kind: "tool" | "model_call",
  span: number,
  parent: number,
  start: number,
  more: Partial<Signal> = {},
): Signal => ({ type: "start", kind, span, parent, start, ...relayed, ...more });
const ended = (signal: Signal, end: number, more: Partial<Signal> = {}): Signal => ({
  ...signal,
  type: "end",
  end,
  ...more,
});
/** As an exporter of the same process names it: other ids, and finished. */
const exported = (signal: Signal, end: number): Signal => ({
  ...ended(signal, end),
  isRelayed: false,
  trace: 9,
});
const alive = (more: Partial<Signal> = {}): Signal => ({
  type: "alive",
  kind: "other",
  span: 0,
  start: 0,
  interval: 10,
  serviceHost: 1,
  ...more,
});
const unwatched = (at: number, more: Partial<Signal> = {}): Signal => ({
  type: "unwatched",
  kind: "other",
  span: 0,
  start: at,
  serviceHost: 1,
  ...more,
});
const countsOf = ({ activity: { counters } }: History) => ({
  started: counters.started.slice(1),
  ended: counters.ended.slice(1),
  open: counters.open.slice(1),
  untracked: counters.untracked.slice(1),
});

describe("a relay that no longer watches its process", () => {
  test("leaves its open work untracked: runs, tools, model calls, and what runs that have ended left", () => {
    const history = new History();
    history.arrive(0, alive(), run(1, 0), work("tool", 2, 1, 0), run(5, 0, { trace: 2 }));
    history.arrive(
      1,
      work("tool", 6, 5, 1, { trace: 2 }),
      work("model_call", 7, 5, 1, { trace: 2 }),
    );
    history.arrive(2, ended(run(1, 0), 2));
    history.arrive(3, unwatched(3));
    history.tick(100_000);

    expect(countsOf(history)).toEqual({
      started: [2, 2, 1],
      ended: [1, 0, 0],
      open: [0, 0, 0],
      untracked: [1, 2, 1],
    });
    expect(history.evicted).toBe(0);
    expect(history.imbalance()).toEqual([]);
    expect(history.activity.counters.signals.get("unwatched")?.[dialects.relay.storedId]).toBe(1);
  });

  test("promises no heartbeats any more, and is not replaced by a sibling", () => {
    const history = new History();
    history.arrive(0, alive(), run(1, 0), work("tool", 2, 1, 0));
    history.arrive(3, unwatched(3));
    history.arrive(4, alive({ process: 2 }), run(1, 4, { process: 2 }));
    for (let second = 5; second < 200; second += 5) {
      history.arrive(second, alive({ process: 2 }));
    }

    expect(history.events).toEqual([]);
    expect(history.activity.view.sizes().openWork).toBe(1);
  });

  test("another source that promises no heartbeats is not expected to send any", () => {
    const history = new History();
    history.arrive(0, alive(), run(1, 0));
    history.arrive(3, unwatched(3));
    history.arrive(5, run(11, 5, { isRelayed: false, trace: 2 }));
    history.tick(1000);

    expect(history.evicted).toBe(0);
    expect(countsOf(history)).toMatchObject({ open: [1, 0, 0], untracked: [1, 0, 0] });
  });

  test("the end of its work that comes late, or a start that is sent again, changes nothing", () => {
    const history = new History();
    history.arrive(0, run(1, 0), work("tool", 2, 1, 0));
    history.arrive(3, unwatched(3));
    history.arrive(4, work("tool", 2, 1, 0), run(1, 0));
    history.arrive(5, ended(work("tool", 2, 1, 0), 5), ended(run(1, 0), 5));
    // Longer than ended work is remembered.
    history.tick(7_200);
    history.arrive(7_201, ended(work("tool", 2, 1, 0), 5), ended(run(1, 0), 5));
    history.tick(8_000);

    expect(countsOf(history)).toEqual({
      started: [1, 1, 0],
      ended: [0, 0, 0],
      open: [0, 0, 0],
      untracked: [1, 1, 0],
    });
    expect(history.events).toEqual([]);
  });

  test("what an exporter of the process says of that work is not counted, and what began later is", () => {
    const history = new History();
    history.arrive(0, run(1, 0), work("tool", 2, 1, 0));
    history.arrive(3, unwatched(3));
    history.arrive(9, exported(work("tool", 2, 1, 0), 8), exported(run(1, 0), 9));
    history.arrive(20, exported(work("tool", 4, 3, 12), 13), exported(run(3, 11), 19));
    history.tick(200);

    expect(countsOf(history)).toEqual({
      started: [2, 2, 0],
      ended: [1, 1, 0],
      open: [0, 0, 0],
      untracked: [1, 1, 0],
    });
    expect(history.activity.counters.signals.get("superseded")?.[dialects.span.storedId]).toBe(2);
  });

  test("a time far ahead hides nothing: clocks that disagree with what arrives are not believed", () => {
    const history = new History();
    const late = 90_000;
    history.arrive(0, run(1, 0));
    history.arrive(3, unwatched(10_000_000));
    history.arrive(9, exported(run(3, 5), 9));
    history.arrive(10, run(5, 10), ended(run(5, 10), 11));
    history.arrive(12, unwatched(10_000_000));
    history.arrive(late, exported(run(7, late - 5), late));

    expect(countsOf(history).ended).toEqual([3, 0, 0]);
  });

  test("is watched again when it is switched on, for new work", () => {
    const history = new History();
    history.arrive(0, alive(), run(1, 0), work("tool", 2, 1, 0));
    history.arrive(3, unwatched(3));
    history.arrive(5, alive(), run(11, 5, { trace: 2 }), work("tool", 12, 11, 6, { trace: 2 }));
    history.arrive(7, alive(), ended(run(11, 5, { trace: 2 }), 7));
    for (let second = 8; second < 40; second += 5) {
      history.arrive(second, alive());
    }

    expect(history.evictions).toEqual([["orphaned_no_owner", 17, 1, 0]]);
    expect(history.imbalance()).toEqual([]);
  });

  test("twice in a row, the second time with nothing open, counts nothing twice", () => {
    const history = new History();
    history.arrive(0, run(1, 0), work("tool", 2, 1, 0));
    history.arrive(3, unwatched(3));
    history.arrive(4, unwatched(3), unwatched(4));
    history.tick(1000);

    expect(countsOf(history).untracked).toEqual([1, 1, 0]);
    expect(history.imbalance()).toEqual([]);
  });

  test("a tool that starts in a run that is not watched any more is never an orphan", () => {
    const history = new History();
    history.arrive(0, run(1, 0));
    history.arrive(3, unwatched(3));
    history.arrive(4, work("tool", 2, 1, 4));
    history.tick(1000);

    expect(history.events).toEqual([]);
    expect(countsOf(history)).toMatchObject({ open: [0, 0, 0], untracked: [1, 1, 0] });
    expect(history.imbalance()).toEqual([]);
  });

  test("a tool of another process stays open when its run is not watched any more", () => {
    const history = new History();
    history.arrive(0, run(1, 0), work("tool", 2, 1, 1, { process: 2 }));
    history.arrive(3, unwatched(3));
    history.tick(1000);

    expect(history.events).toEqual([]);
    expect(history.activity.view.sizes().openWork).toBe(1);
  });

  test("says nothing of other processes, nor of one that is not known", () => {
    const history = new History();
    history.arrive(0, run(1, 0), run(1, 0, { process: 2 }));
    history.arrive(3, unwatched(3, { process: 2 }), unwatched(3, { process: 3 }));

    expect(countsOf(history)).toMatchObject({ open: [1, 0, 0], untracked: [1, 0, 0] });
  });

  test("after the end of the process was announced, the process is not held to be gone", () => {
    const history = new History();
    history.arrive(0, run(1, 0), work("tool", 2, 1, 0));
    history.arrive(1, { type: "gone", kind: "other", span: 0, start: 0, serviceHost: 1 });
    history.arrive(2, unwatched(2));
    history.tick(1000);

    expect(history.evicted).toBe(0);
  });

  test("a session that its work blocked is in no state, and an event says that this is not progress", () => {
    const history = new History({ stalledAfterMs: 60_000 });
    history.arrive(0, run(1, 0, { sessions: [4] }), work("tool", 2, 1, 0));
    history.tick(100);
    expect(history.activity.view.sessionsIn("blocked_tool_call", "tool")).toBe(1);
    history.arrive(101, unwatched(101));
    history.tick(1000);

    expect(history.activity.view.sessionsIn("blocked_tool_call", "tool")).toBe(0);
    expect(history.events.filter(({ type }) => type === "recovered")).toMatchObject([
      { cause: "unwatched", atMs: 101_000 },
    ]);
    expect(history.stateProblems()).toEqual([]);
  });

  test("a person that its work waited for is not waited for any more", () => {
    const history = new History({ maxPauseMs: 300_000 });
    const pause = {
      kind: "other",
      type: "pause",
      span: 2,
      start: 1,
      key: 6,
      serviceHost: 1,
    } as const;
    history.arrive(0, run(1, 0, { sessions: [4] }), work("tool", 2, 1, 0));
    history.arrive(1, pause);
    expect(history.activity.view.sessionsIn("paused")).toBe(1);
    history.arrive(3, unwatched(3));
    history.arrive(4, { ...pause, key: 7, start: 4 });
    history.tick(1000);

    const { counters } = history.activity;
    expect(counters.signals.get("unmatched")?.[dialects.pauseEvent.storedId]).toBe(1);
    expect(history.activity.view.sessionsIn("paused")).toBe(0);
    expect(history.events).toEqual([]);
  });

  test("a claim about its session is dropped, and a later one finds no stale marker", () => {
    const history = new History();
    const claim = (start: number): Signal => ({
      type: "claim",
      kind: "tool",
      span: 2,
      start,
      sessions: [4],
      claimed: 1,
      serviceHost: 1,
    });
    history.arrive(0, run(1, 0, { sessions: [4] }), work("tool", 2, 1, 0), claim(0));
    history.arrive(3, unwatched(3));
    const verdicts = () =>
      history.events.flatMap((event) => (event.type === "diagnosed" ? [event.verdict] : []));
    expect(verdicts()).toEqual(["progressing"]);
    history.arrive(4, claim(4));
    history.tick(1000);

    expect(verdicts()).toEqual(["progressing", "unknown"]);
  });

  test("a claim about a tool that starts in a run that is not watched finds no stale marker", () => {
    const history = new History();
    history.arrive(0, run(1, 0, { sessions: [4] }));
    history.arrive(3, unwatched(3));
    history.arrive(4, work("tool", 2, 1, 4), {
      type: "claim",
      kind: "tool",
      span: 2,
      start: 4,
      sessions: [4],
      claimed: 1,
      serviceHost: 1,
    });

    expect(history.events).toMatchObject([{ type: "diagnosed", verdict: "unknown" }]);
  });

  test("tools that come finished together, long after what is known of their run, were not closed by others", () => {
    const history = new History();
    history.arrive(0, run(1, 0, { kind: "harness" }), run(2, 0, { kind: "inner", parent: 1 }));
    history.arrive(1, ended(run(2, 0, { kind: "inner", parent: 1 }), 1));
    history.arrive(3, unwatched(3));
    history.arrive(31, ended(work("tool", 3, 2, 0), 30), ended(work("tool", 4, 2, 0), 30));
    history.tick(200);

    expect(history.evicted).toBe(0);
    // The two are one run, of which the outer span was open last.
    expect(countsOf(history)).toMatchObject({ ended: [0, 2, 0], untracked: [1, 0, 0] });
  });

  test("what began after it is not its business, when it comes again", () => {
    const history = new History();
    history.arrive(0, run(1, 0));
    history.arrive(3, unwatched(3));
    history.arrive(10, alive(), run(11, 10, { trace: 2 }), work("tool", 12, 11, 10, { trace: 2 }));
    history.arrive(12, unwatched(3));
    history.arrive(13, ended(run(11, 10, { trace: 2 }), 13));
    history.tick(100);

    expect(countsOf(history).untracked).toEqual([1, 0, 0]);
    expect(history.evictions).toEqual([["orphaned_no_owner", 23, 1, 0]]);
  });

  test("a start that began before and arrives after it is not tracked", () => {
    const history = new History();
    history.arrive(0, run(1, 0));
    history.arrive(3, unwatched(3));
    history.arrive(4, work("tool", 2, 1, 2));
    history.tick(100_000);

    expect(history.evicted).toBe(0);
    expect(history.activity.view.sizes().openWork).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });

  test("is remembered over a restart", () => {
    const before = new History();
    before.arrive(0, run(1, 0), work("tool", 2, 1, 0));
    before.arrive(3, unwatched(3));
    const archive = new EngineSnapshotWriter();
    before.activity.snapshot(archive);
    const after = new History();
    after.activity.snapshot(new EngineSnapshotReader(Buffer.concat(archive.pieces)));
    after.arrive(9, exported(work("tool", 2, 1, 0), 8), ended(work("tool", 2, 1, 0), 8));
    after.tick(100);

    expect(countsOf(after)).toMatchObject({ ended: [0, 0, 0], untracked: [1, 1, 0] });
    expect(new ActivityEngine(limits).view.sizes().openWork).toBe(0);
  });
});

describe("a preload that no longer watches its process", () => {
  const preload = { isRelayed: false } as const;

  test("leaves what it reported live untracked, and its finished spans count nothing twice", () => {
    const history = new History();
    history.arrive(0, alive(), run(1, 0, preload), work("tool", 2, 1, 0, preload));
    history.arrive(3, unwatched(3, { dialect: "liveSpan" }));
    history.arrive(60, ended(work("tool", 2, 1, 0, preload), 59), ended(run(1, 0, preload), 60));
    history.arrive(61, ended(run(4, 1, preload), 60));
    history.tick(200);

    expect(countsOf(history)).toEqual({
      started: [2, 1, 0],
      ended: [1, 0, 0],
      open: [0, 0, 0],
      untracked: [1, 1, 0],
    });
    expect(history.evicted).toBe(0);
  });

  test("does not speak for the relay of the same process", () => {
    const history = new History();
    history.arrive(0, alive(), run(1, 0), work("tool", 2, 1, 0));
    history.arrive(3, unwatched(3, { dialect: "liveSpan" }));

    expect(countsOf(history)).toMatchObject({ open: [1, 1, 0], untracked: [0, 0, 0] });
  });
});

describe("work that was open in a state of which the end is missing", () => {
  const restarted = () => {
    const history = new History();
    const engine = history.activity;
    history.arrive(0, run(1, 0, { isRelayed: false }));
    for (const tool of [2, 3, 4]) {
      history.arrive(1, work("tool", tool, 1, 1, { isRelayed: false }));
    }
    engine.restart(engine.nowMs, { downtimeMs: 0, graceMs: 0, isIncomplete: true });
    return { history, engine };
  };
  const unknownEnds = (engine: ActivityEngine) => engine.view.sizes().endsUnknown;

  test("is counted until its end has arrived, which changes nothing else", () => {
    const { history, engine } = restarted();
    expect([unknownEnds(engine), engine.view.sizes().openWork]).toEqual([4, 0]);
    history.arrive(2, ended(work("tool", 2, 1, 1, { isRelayed: false }), 2));
    history.arrive(3, ended(work("tool", 2, 1, 1, { isRelayed: false }), 2));
    expect(unknownEnds(engine)).toBe(3);
  });

  test("is counted also after a snapshot, and until it is forgotten", () => {
    const { history, engine } = restarted();
    const snapshot = new EngineSnapshotWriter();
    engine.snapshot(snapshot);
    const next = new History().activity;
    next.snapshot(new EngineSnapshotReader(Buffer.concat(snapshot.pieces)));
    expect(unknownEnds(next)).toBe(4);
    history.tickInParts(10 + Math.max(limits.maxAgeMs, limits.tombstoneTtlMs) / 1000);
    expect(unknownEnds(engine)).toBe(0);
  });
});
