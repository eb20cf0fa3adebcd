import { describe, expect, test } from "vitest";
import { History, type Signal } from "../history.ts";

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
const ended = (signal: Signal, end: number): Signal => ({ ...signal, type: "end", end });
/** A heartbeat of the tool 2 below the run 1, as a log record carries it. */
const beat = (sent: number, more: Partial<Signal> = {}): Signal =>
  tool(2, 1, 0, { dialect: "partialLog", interval: 5, sent, ...more });

/** Something of another process, so that not all input has stopped. */
function noise(history: History, from: number, to: number): void {
  for (let second = from; second <= to; second++) {
    history.arrive(second, run(99, 0, { process: 9, trace: 9 }));
  }
}

describe("leases of spans", () => {
  test("a marker that misses the heartbeats it promised is evicted after three, at least 30 s", () => {
    const history = new History();
    history.arrive(0, run(1, 0), beat(0));
    history.arrive(5, beat(5));
    noise(history, 6, 100);
    expect(history.evictions).toEqual([["lease_expired", 35, 1, 0]]);
    expect(history.imbalance()).toEqual([]);
  });

  test("heartbeats that come rarely make a long lease", () => {
    const history = new History();
    history.arrive(0, run(1, 0), beat(0, { interval: 40 }));
    noise(history, 1, 200);
    expect(history.evictions).toEqual([["lease_expired", 120, 1, 0]]);
  });

  test("a lease counts from the start when the first heartbeat never came", () => {
    const history = new History();
    history.arrive(0, run(1, 0));
    history.arrive(3, beat(3));
    noise(history, 4, 60);
    expect(history.evictions).toEqual([["lease_expired", 33, 1, 0]]);
  });

  test("a run that misses its heartbeats leaves its markers without an owner", () => {
    const history = new History();
    history.arrive(0, run(1, 0, { interval: 5 }), tool(2, 1, 0));
    noise(history, 1, 100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 40, 1, 0]]);
  });

  test("snapshots whose sender promises nothing make a lease of three times the gap between them", () => {
    const history = new History();
    const snapshot = (sent: number) => tool(2, 1, 0, { dialect: "datadogPartial", sent });
    history.arrive(0, run(1, 0));
    history.arrive(20, snapshot(20));
    history.arrive(140, snapshot(140));
    history.arrive(141, snapshot(140));
    noise(history, 142, 600);
    expect(history.evictions).toEqual([["lease_expired", 501, 1, 0]]);
  });

  test("a lease that is made of a gap is a quarter of an hour at most", () => {
    for (const [gap, lease] of [
      [299, 897],
      [300, 900],
      [301, 900],
      [3000, 900],
    ] as const) {
      const history = new History();
      const snapshot = (sent: number) => tool(2, 1, 0, { dialect: "datadogPartial", sent });
      history.arrive(0, run(1, 0));
      history.arrive(1, snapshot(1));
      history.arrive(1 + gap, snapshot(1 + gap));
      noise(history, 2 + gap, 1000 + gap);
      expect(history.evictions).toEqual([["lease_expired", 1 + gap + lease, 1, 0]]);
    }
  });

  test("one snapshot alone makes no lease", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 0, { dialect: "datadogPartial", sent: 20 }));
    noise(history, 1, 3000);
    expect(history.evicted).toBe(0);
  });

  test("a lease is never longer than the greatest age", () => {
    const history = new History({ maxAgeMs: 60_000 });
    history.arrive(0, run(1, 0), beat(0, { interval: 3600 }));
    noise(history, 1, 100);
    expect(history.evictions).toEqual([["lease_expired", 60, 1, 0]]);
  });
});

describe("word that evicted work goes on", () => {
  const evicted = (): History => {
    const history = new History();
    history.arrive(0, run(1, 0), beat(0));
    noise(history, 1, 50);
    expect(history.evictions).toEqual([["lease_expired", 30, 1, 0]]);
    return history;
  };

  test("a heartbeat from after the eviction takes the marker back, and the eviction was wrong", () => {
    const history = evicted();
    history.arrive(51, beat(51));
    expect(history.activity.view.sizes().openWork).toBe(3);
    expect(history.activity.counters.reconciled[2]).toBe(1);
    history.arrive(60, ended(tool(2, 1, 0), 60));
    expect(history.activity.counters.signals.get("revived")?.[4]).toBe(1);
    expect(history.activity.counters.ended[2]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("a heartbeat from before the eviction that was on its way for long does not", () => {
    const history = evicted();
    history.arrive(51, beat(25));
    expect(history.activity.view.sizes().openWork).toBe(2);
    expect(history.activity.counters.reconciled[2]).toBe(0);
  });

  test("a heartbeat after the real end does not", () => {
    const history = evicted();
    history.arrive(51, ended(tool(2, 1, 0), 45));
    history.arrive(52, beat(52));
    expect(history.activity.view.sizes().openWork).toBe(2);
    expect(history.activity.counters.reconciled[2]).toBe(1);
  });

  test("comes as late as it is, also when the marker was remembered for long for what is below it", () => {
    const history = new History({ tombstoneTtlMs: 20_000 });
    history.arrive(0, run(1, 0), beat(0), run(3, 0, { parent: 2, sessions: [8] }));
    noise(history, 1, 95);
    expect(history.evictions).toEqual([["lease_expired", 30, 1, 0]]);
    history.arrive(96, beat(96));
    expect(history.events.slice(1)).toEqual([{ type: "reconciled", kind: 2, lateByMs: 66_000 }]);
  });

  test("a marker without an owner is not taken back, though it still gives signs of life", () => {
    const history = new History();
    history.arrive(0, run(1, 0), beat(0));
    history.arrive(5, ended(run(1, 0), 5));
    history.arrive(16, beat(16));
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    expect(history.activity.view.sizes().openWork).toBe(0);
  });

  test("a relay that comes back and tells again what is open takes it back", () => {
    const relayed = { isRelayed: true, serviceHost: 1 };
    const alive: Signal = {
      type: "alive",
      kind: "other",
      span: 0,
      start: 0,
      interval: 10,
      serviceHost: 1,
    };
    const history = new History();
    history.arrive(0, run(1, 0, relayed), tool(2, 1, 0, relayed), alive);
    noise(history, 1, 50);
    // Its host is silent, so it is given a lateness more.
    expect(history.evictions).toEqual([["lease_expired", 40, 1, 0]]);
    history.arrive(51, alive, run(1, 0, relayed), tool(2, 1, 0, relayed));
    expect(history.activity.view.sizes().openWork).toBe(3);
    expect(history.imbalance()).toEqual([]);
  });
});

describe("the circuit breaker", () => {
  /** Processes with markers, each of a run of its own that is still open. */
  function fleet(processes: number, markersEach: number): readonly Signal[] {
    return Array.from({ length: processes }, (_, process) => [
      run(1, 0, { process: process + 1, trace: process + 1 }),
      ...Array.from({ length: markersEach }, (_, marker) =>
        tool(10 + marker, 1, 0, { process: process + 1, trace: process + 1 }),
      ),
    ]).flat();
  }
  const alive = (process: number): Signal => ({
    type: "alive",
    kind: "other",
    span: 0,
    start: 0,
    process,
    interval: 10,
  });

  test("a mass that falls silent while all input has stopped waits for input, and gets a new lease then", () => {
    const history = new History();
    history.arrive(0, ...fleet(10, 10));
    for (let process = 1; process <= 10; process++) {
      history.arrive(process - 1, alive(process));
    }
    history.tick(300);
    expect(history.evicted).toBe(0);
    expect(history.activity.view.heldMarkers()).toBe(100);
    expect(history.events.filter(({ type }) => type === "held")).toEqual([
      { type: "held", cause: "mass_eviction", atMs: 30_000, markers: 100 },
    ]);
    history.arrive(300, alive(1), alive(2));
    expect(history.activity.view.heldMarkers()).toBe(0);
    for (let second = 301; second < 340; second++) {
      history.arrive(second, alive(1), alive(2));
    }
    // Eight of ten do not come back: too many at once, but input flows, so they wait only a lateness.
    expect(history.activity.view.heldMarkers()).toBe(80);
    for (let second = 340; second < 360; second++) {
      history.arrive(second, alive(1), alive(2));
    }
    expect(history.evicted).toBe(80);
    expect(new Set(history.evictions.map(([reason, at]) => `${reason} ${at}`))).toEqual(
      new Set(["lease_expired 340"]),
    );
    expect(history.imbalance()).toEqual([]);
  });

  test("a few that fall silent while all input has stopped wait a lateness, then go", () => {
    const history = new History();
    history.arrive(0, ...fleet(1, 3), alive(1));
    history.tick(35);
    expect(history.activity.view.heldMarkers()).toBe(3);
    history.tick(100);
    expect(history.evictions).toEqual([["lease_expired", 40, 3, 0]]);
    expect(history.events.filter(({ type }) => type === "held")).toEqual([
      { type: "held", cause: "input_stopped", atMs: 30_000, markers: 3 },
    ]);
  });

  test("thirty markers that are silent, and whose process is, are thirty and no mass", () => {
    const history = new History();
    history.arrive(0, ...fleet(1, 30).map((each) => ({ ...each, interval: 10 })), alive(1));
    noise(history, 1, 60);
    expect(history.events).toMatchObject([
      { type: "evicted", reason: "lease_expired", atMs: 30_000, tools: 30 },
    ]);
  });

  test("whoever was held back and is heard again has a lease from then, however long the lateness is", () => {
    const history = new History({ allowedLatenessMs: 40_000 });
    const other = { process: 2, trace: 2 };
    history.arrive(
      0,
      ...fleet(1, 1),
      alive(1),
      run(1, 0, other),
      tool(2, 1, 0, { ...other, interval: 5 }),
    );
    history.tick(31);
    expect(history.activity.view.heldMarkers()).toBe(2);
    history.arrive(32, alive(1), tool(2, 1, 0, { ...other, interval: 5 }));
    noise(history, 33, 100);
    expect(history.evictions).toEqual([
      ["lease_expired", 62, 1, 0],
      ["lease_expired", 62, 1, 0],
    ]);
  });

  test("a few of many that fall silent while others are heard go at once", () => {
    const history = new History();
    history.arrive(0, ...fleet(10, 10));
    for (let second = 0; second < 60; second++) {
      history.arrive(
        second,
        ...[2, 3, 4, 5, 6, 7, 8, 9, 10].map(alive),
        ...(second === 0 ? [alive(1)] : []),
      );
    }
    expect(history.evictions).toEqual([["lease_expired", 30, 10, 0]]);
  });

  test("many sessions that would lose their markers at once wait a lateness more, once", () => {
    const history = new History();
    const sessions = fleet(60, 1);
    history.arrive(0, ...sessions);
    history.arrive(
      5,
      ...sessions.filter(({ kind }) => kind === "run").map((each) => ended(each, 5)),
    );
    history.tick(24.9);
    expect(history.evicted).toBe(0);
    expect(history.activity.view.heldMarkers()).toBe(60);
    // The tools' ends were on another way and come now.
    history.arrive(
      24.9,
      ...sessions
        .filter(({ kind }) => kind === "tool")
        .slice(10)
        .map((each) => ended(each, 4)),
    );
    history.tick(60);
    expect(history.evicted).toBe(10);
    expect(new Set(history.evictions.map(([, at]) => at))).toEqual(new Set([25]));
    expect(history.activity.view.heldMarkers()).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });

  test("one session may lose as many as it likes", () => {
    const history = new History();
    history.arrive(0, ...fleet(1, 200));
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(60);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 200, 0]]);
  });
});

describe("a restart", () => {
  test("nothing is evicted for the grace, and leases are longer by the downtime", () => {
    const history = new History();
    history.arrive(
      0,
      run(1, 0),
      tool(2, 1, 0),
      run(3, 0, { trace: 2 }),
      tool(4, 3, 0, { trace: 2, interval: 5 }),
    );
    history.arrive(5, ended(run(1, 0), 5));
    history.activity.restart(100_000, { downtimeMs: 95_000, graceMs: 30_000 });
    for (let second = 100; second < 200; second++) {
      noise(history, second, second);
    }
    expect(history.evictions).toEqual([
      ["orphaned_no_owner", 130, 1, 0],
      ["lease_expired", 130, 1, 0],
    ]);
    expect(history.imbalance()).toEqual([]);
  });

  test("what was held back for want of input waits for as long as it would have", () => {
    const history = new History();
    const alive: Signal = { type: "alive", kind: "other", span: 0, start: 0, interval: 10 };
    const other = { process: 2, trace: 2 };
    history.arrive(0, run(1, 0), tool(2, 1, 0, { interval: 5 }));
    history.arrive(0, run(1, 0, other), tool(2, 1, 0, other), { ...alive, ...other });
    history.tick(35);
    expect(history.activity.view.heldMarkers()).toBe(2);
    history.activity.restart(100_000, { downtimeMs: 65_000, graceMs: 0 });
    history.tick(200);
    expect(history.evictions).toEqual([
      ["lease_expired", 105, 1, 0],
      ["lease_expired", 105, 1, 0],
    ]);
  });

  test("an end that comes within the grace is in time", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 0));
    history.arrive(5, ended(run(1, 0), 5));
    history.activity.restart(100_000, { downtimeMs: 95_000, graceMs: 30_000 });
    history.arrive(129, ended(tool(2, 1, 0), 4));
    history.tick(500);
    expect(history.evicted).toBe(0);
  });
});
