import { describe, expect, test } from "vitest";
import { type Outcome, outcomes } from "../../../src/activity/engine/store/activity-counters.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../src/activity/engine/store/snapshot.ts";
import { type WorkKind, workKinds } from "../../../src/activity/model/work.ts";
import { History, type Signal } from "./history.ts";

const hour = 3_600;
const day = 24 * hour;
const year = 365 * day;
/** Seconds after the epoch of the test at which the sender's clock shows 1970. */
const epoch = -1_795_000_000;

const run = (span: number, start: number, more: Partial<Signal> = {}): Signal => ({
  type: "start",
  kind: "run",
  span,
  start,
  ...more,
});
const tool = (span: number, parent: number, start: number, more: Partial<Signal> = {}): Signal => ({
  type: "start",
  kind: "tool",
  span,
  parent,
  start,
  ...more,
});
const ended = (signal: Signal, end: number, more: Partial<Signal> = {}): Signal => ({
  ...signal,
  type: "end",
  end,
  ...more,
});

/** How many durations there are, and their sum in seconds. */
function durations(history: History, kind: WorkKind, outcome: Outcome = "completed") {
  const cells = history.activity.counters.durations[kind]?.[outcomes.indexOf(outcome)];
  return [cells?.count, Math.round((cells?.sum ?? 0) * 1000) / 1000];
}

/** Ends of the run, or of its tool, that cannot be. */
const absurd = [
  ["a year ahead", year],
  ["at the end of what 64 bits hold", 1.8e10 - 1.795e9],
  ["in 1970", epoch + 1],
  ["an hour behind", -hour],
  ["an hour ahead", hour],
] as const;

describe("finished spans of a clock that was set in between", () => {
  const own = { isOpenclaw: true };

  for (const [what, end] of absurd) {
    test(`a tool that ended in time is no orphan though its run's end is stamped ${what}`, () => {
      const history = new History();
      history.arrive(10, { ...run(1, 0), type: "end", end });
      history.arrive(11, ended(tool(3, 1, 1, own), 9), ended(tool(4, 1, 1, own), 9.2));
      history.tick(100);
      expect(history.evicted).toBe(0);
      expect(history.activity.counters.ended[2]).toBe(2);
      expect(history.imbalance()).toEqual([]);
    });

    test(`two tools that ended in time are no orphans though theirs are stamped ${what}`, () => {
      for (const from of [{}, own]) {
        const history = new History();
        history.arrive(10, ended(run(1, 0), 10));
        history.arrive(11, ended(tool(3, 1, 1, from), end), ended(tool(4, 1, 1, from), end + 0.1));
        history.tick(100);
        expect(history.evicted).toBe(0);
        expect(history.activity.counters.ended[2]).toBe(2);
      }
    });
  }

  test("the next turn of the session is decided as if the clock had been right", () => {
    const history = new History();
    const session = { sessions: [3] };
    history.arrive(10, ended(run(1, 0, session), year));
    history.arrive(20, ended(run(2, 12, { ...session, trace: 2 }), 20));
    history.arrive(60, ended(tool(5, 2, 13, { ...own, trace: 2 }), 58));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 70, 1, 0]]);
  });

  test("a tool that was closed long after its run is an orphan still, also when all arrives at once", () => {
    for (const arrival of [10, 18]) {
      const history = new History({ allowedLatenessMs: 1000 });
      history.arrive(10, ended(run(1, 0), 10));
      history.arrive(arrival, ended(tool(3, 1, 1, own), 18));
      history.tick(100);
      expect(history.evicted).toBe(1);
    }
  });
});

describe("durations", () => {
  for (const [what, start, more] of [
    ["that is not set", 0, { unset: true }],
    ["in 1970", epoch + 1, {}],
    ["after the end", 50, {}],
    ["a year ahead", year, {}],
    ["more than a day before anything of its process arrived", 10 - day - 20, {}],
  ] as const) {
    test(`are not observed of a finished span with a start ${what}`, () => {
      const history = new History();
      history.arrive(10, ended(run(9, 0), 1));
      const end = "unset" in more ? 0 : 10;
      history.arrive(10, ended(tool(1, 9, start, more), end), {
        ...ended(tool(2, 9, start, { ...more, failed: true }), end),
      });
      history.tick(100);
      expect(history.activity.counters.ended[2]).toBe(2);
      expect(durations(history, workKinds.tool)).toEqual([0, 0]);
      expect(durations(history, workKinds.tool, "error")).toEqual([0, 0]);
    });
  }

  test("are observed of a run that had lasted for hours when the first of its process arrived", () => {
    const history = new History();
    history.arrive(10, ended(run(1, 10 - 23 * hour), 10));
    expect(durations(history, workKinds.run)).toEqual([1, 23 * hour]);
  });

  test("may be longer the longer a process is known, also by an engine that was restored", () => {
    const history = new History();
    history.arrive(10, ended(run(1, 0), 10));
    const writer = new EngineSnapshotWriter();
    history.activity.snapshot(writer);
    const later = new History();
    later.activity.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
    later.arrive(2 * day, ended(run(2, 2 * day - 2.5 * day, { trace: 2 }), 2 * day));
    later.arrive(2 * day, ended(run(3, 2 * day - 3.5 * day, { trace: 3 }), 2 * day));
    expect(durations(later, workKinds.run)).toEqual([2, 10 + 2.5 * day]);
  });

  test("are the sender's where both ends arrived and agree with that, else as long as it was open here", () => {
    for (const [startAt, endAt, want] of [
      [0, 20, 20],
      [0.2, 17, 16.8],
      [hour, 20, 20],
      [0, hour + 20, 20],
      [0, -hour, 20],
      [epoch + 1, 20, 20],
      [0, year, 20],
    ] as const) {
      const history = new History();
      history.arrive(0, run(1, startAt));
      history.arrive(20, ended(run(1, startAt), endAt));
      expect([startAt, endAt, ...durations(history, workKinds.run)]).toEqual([
        startAt,
        endAt,
        1,
        want,
      ]);
    }
  });

  test("are the sender's of work that was reported first when it had been open for long", () => {
    for (const dialect of ["datadogPartial", "partialLog", "spanStateLog"] as const) {
      const history = new History();
      history.arrive(300, run(1, 0, { dialect }));
      history.arrive(310, ended(run(1, 0), 310));
      expect(durations(history, workKinds.run)).toEqual([1, 310]);
    }
  });

  test("of an orphan that arrived finished without a start are unknown, and so is its age", () => {
    const history = new History();
    history.arrive(10, ended(run(1, 0), 10));
    history.arrive(30, { ...ended(tool(3, 1, epoch, { isOpenclaw: true }), 25) });
    history.tick(100);
    expect(history.evicted).toBe(1);
    expect(durations(history, workKinds.tool, "evicted")).toEqual([0, 0]);
    const [event] = history.events;
    expect(event?.type === "evicted" && event.oldestAgeMs).toBeUndefined();
  });
});

describe("signals about sessions, with a clock that was set in between", () => {
  const session = { sessions: [3] };
  const end = (at: number): Signal => ({
    type: "sessionEnd",
    kind: "other",
    span: 0,
    start: at,
    end: at,
    ...session,
  });

  for (const [what, at] of absurd) {
    test(`an end of the session that is stamped ${what} costs later ends nothing`, () => {
      const history = new History();
      history.arrive(0, run(1, 0, session), tool(2, 1, 0));
      history.arrive(5, end(at));
      history.tick(40);
      expect(history.evictions).toEqual([["session_ended", 15, 1, 0]]);
      // The session goes on; its end overtakes the start of what follows by the sender's clock.
      history.arrive(50, run(5, 50, { ...session, trace: 5 }));
      history.arrive(60.2, run(7, 61, { ...session, trace: 7 }));
      history.arrive(60.5, end(60));
      history.tick(100);
      expect(history.activity.counters.evicted.get("session_ended")?.[workKinds.run]).toBe(2);
      expect(history.activity.counters.open[1]).toBe(1);
    });

    test(`an idle report that is stamped ${what} ends what began before it and nothing else`, () => {
      const history = new History();
      const idle: Signal = { type: "idle", kind: "other", span: 0, start: at, ...session };
      history.arrive(0, run(1, 0, session));
      history.arrive(20, idle);
      history.arrive(40, run(5, 40, { ...session, trace: 5 }));
      history.tick(60);
      expect(history.activity.counters.ended[1]).toBe(1);
      expect(history.activity.counters.open[1]).toBe(1);
    });

    test(`work that is stamped ${what} does not keep a run from being idle later`, () => {
      const history = new History();
      history.arrive(0, run(1, 0, session));
      history.arrive(1, tool(2, 1, at), tool(3, 1, 1));
      history.arrive(5, ended(tool(2, 1, at), 5), ended(tool(3, 1, 1), 5));
      history.arrive(20, { type: "idle", kind: "other", span: 0, start: 20, ...session });
      history.tick(40);
      expect(history.activity.counters.ended[1]).toBe(1);
    });

    test(`work that is stamped ${what} does not hide that later work began after the idle report`, () => {
      const history = new History();
      history.arrive(0, run(1, 0, session));
      history.arrive(1, tool(2, 1, at));
      history.arrive(5, ended(tool(2, 1, at), 5));
      // By the clock, which is right again, it overtakes the report.
      history.arrive(19.9, tool(3, 1, 20.1));
      history.arrive(20, { type: "idle", kind: "other", span: 0, start: 20, ...session });
      history.tick(40);
      expect(history.activity.counters.open[1]).toBe(1);
    });

    test(`a pause that is stamped ${what} begins and ends`, () => {
      const history = new History({ stalledAfterMs: 60_000 });
      const wait = { kind: "other", span: 0, key: 7, ...session } as const;
      history.arrive(0, run(1, 0, session));
      history.arrive(20, { ...wait, type: "pause", start: at });
      history.tick(30);
      expect(history.activity.view.sessionsIn("paused", "none")).toBe(1);
      history.arrive(40, { ...wait, type: "resume", start: 40 });
      history.tick(50);
      expect(history.activity.view.sessionsIn("active", "none")).toBe(1);
      history.arrive(60, { ...wait, type: "pause", start: 60 });
      expect(history.activity.view.sessionsIn("paused", "none")).toBe(1);
    });

    test(`the gateway's own eviction that is stamped ${what} evicts what had begun by then`, () => {
      const history = new History();
      history.arrive(0, run(1, 0, session), tool(2, 1, 0));
      history.arrive(20, ended(run(1, 0, session), 20));
      history.arrive(24, {
        type: "evictedBySender",
        kind: "other",
        span: 0,
        start: at,
        claimed: 1,
        ...session,
      });
      history.tick(100);
      expect(history.evictions).toEqual([["orphaned_no_owner", 24, 1, 0]]);
    });
  }
});

describe("a heartbeat for evicted work, with a clock that was set in between", () => {
  const beat = { dialect: "partialLog", interval: 5 } as const;

  /** A run that misses its heartbeats while another process sends, and one more `at` second 100. */
  function withOneMoreHeartbeat(start: number, sent: number): History {
    const history = new History();
    history.arrive(1, run(1, start, { ...beat, sent: start }));
    for (let second = 5; second <= 95; second += 5) {
      history.arrive(second, run(99, 0, { process: 9, trace: 9 }));
    }
    expect(history.activity.counters.evicted.get("lease_expired")?.[workKinds.run]).toBe(1);
    history.arrive(100, run(1, start, { ...beat, sent }));
    expect(history.imbalance()).toEqual([]);
    return history;
  }

  for (const [what, start, sent, revived] of [
    ["was sent after the eviction", 1, 99, 1],
    ["was sent before it", 1, 20, 0],
    ["comes from a clock that was an hour ahead until then", 1 + hour, 99, 1],
    ["comes from a clock that was a year ahead until then", 1 + year, 99, 1],
    ["comes from a clock that was set ahead", 1, 99 + hour, 1],
  ] as const) {
    test(`${revived === 1 ? "takes it back" : "is stale"} when it ${what}`, () => {
      expect(withOneMoreHeartbeat(start, sent).activity.counters.reconciled[1]).toBe(revived);
    });
  }
});
