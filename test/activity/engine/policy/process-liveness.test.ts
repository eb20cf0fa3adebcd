import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { dialectRows, dialects } from "../../../../src/activity/model/dialects.ts";
import { History, limits, type Signal } from "../history.ts";

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

describe("processes", () => {
  const at = (process: number, signal: Signal): Signal => ({ ...signal, process, serviceHost: 1 });
  const alive = (process: number): Signal =>
    at(process, { type: "alive", kind: "other", span: 0, start: 0, interval: 10 });
  const gone = (process: number, start: number): Signal =>
    at(process, { type: "gone", kind: "other", span: 0, start });

  test("a process that says it ends takes its open work with it after the lateness", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)), alive(1));
    history.arrive(5, gone(1, 5));
    history.arrive(9, at(1, ended(run(1, 0), 5)));
    history.tick(100);
    expect(history.evictions).toEqual([["process_gone", 15, 1, 0]]);
    expect(history.imbalance()).toEqual([]);
  });

  test("a heartbeat after the end revives", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)), gone(1, 1));
    for (let second = 5; second < 100; second += 10) {
      history.arrive(second, { ...alive(1), start: second });
    }
    expect(history.evicted).toBe(0);
  });

  test("what begins after its process said that it ends is another's of that name, and stays", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)));
    history.arrive(5, gone(1, 5));
    history.arrive(8, at(1, run(11, 8, { trace: 2 })), at(1, tool(12, 11, 8, { trace: 2 })));
    history.tick(100);
    expect(history.evictions).toEqual([["process_gone", 15, 1, 0]]);
    expect(history.activity.view.sizes().openWork).toBe(2);
    history.arrive(101, gone(1, 101));
    history.tick(200);
    expect(history.evictions.at(-1)).toEqual(["process_gone", 111, 1, 0]);
    expect(history.imbalance()).toEqual([]);
  });

  test("what is reported to go on a while after its process said that it ends stays, with what is above it", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)), at(1, tool(3, 1, 1)));
    history.arrive(5, gone(1, 5));
    history.arrive(5.5, at(1, tool(3, 1, 1))); // on its way
    history.arrive(9, at(1, tool(2, 1, 1)));
    history.tick(100);
    expect(history.evictions).toEqual([["process_gone", 15, 1, 0]]);
    expect(history.activity.view.sizes().openWork).toBe(2);
  });

  test("an end that comes again after the process said later that it lives means nothing", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)));
    history.arrive(6, gone(1, 6));
    history.arrive(8, { ...alive(1), start: 8 });
    history.arrive(8.5, at(1, tool(2, 1, 8.5)));
    history.arrive(11, gone(1, 6));
    history.tick(25);
    expect(history.evicted).toBe(0);
    // Nor does the word that it lived, which comes after that it ends.
    history.arrive(26, gone(1, 26), { ...alive(1), start: 25 });
    history.tick(50);
    expect(history.evictions).toEqual([["process_gone", 36, 1, 0]]);
  });

  test("a process that misses the heartbeats it promised loses its lease", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)));
    history.arrive(1, alive(1));
    history.tick(100);
    // Nothing else is heard either, so it is given a lateness more.
    expect(history.evictions).toEqual([["lease_expired", 41, 1, 0]]);
    expect(history.activity.view.sizes().openWork).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });

  test("a successor of the same service on the same host ends its silent predecessor", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)), alive(1));
    history.arrive(4, at(2, run(3, 4, { trace: 2 })));
    history.arrive(29, at(2, tool(4, 3, 29, { trace: 2 })));
    history.arrive(31, at(2, ended(tool(4, 3, 29, { trace: 2 }), 31)));
    expect(history.evictions).toEqual([["process_gone", 30, 1, 0]]);
    expect(history.events.find(({ type }) => type === "evicted")).toMatchObject({
      confidence: "probable",
    });
    expect(history.activity.view.sizes().openWork).toBe(1);
  });

  test("a predecessor that is heard once more was a sibling, and only its silence is reported", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)), alive(1));
    history.arrive(4, at(2, run(3, 4, { trace: 2 })));
    history.arrive(9, alive(1));
    history.arrive(38, alive(2));
    history.arrive(40, alive(2));
    expect(history.evictions).toEqual([["lease_expired", 39, 1, 0]]);
  });

  test("a predecessor that promised nothing is not given up for its silence", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)));
    history.arrive(4, at(2, run(3, 4, { trace: 2 })));
    history.tick(3_600);
    expect(history.evicted).toBe(0);
  });

  test("workers that live side by side are not successors", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)));
    history.arrive(4, at(2, run(3, 4, { trace: 2 })));
    history.arrive(20, at(1, run(1, 0)));
    history.arrive(30, at(3, run(5, 4, { trace: 3 })));
    history.tick(1000);
    expect(history.evicted).toBe(0);
  });

  test("a start of a dead process that comes after its eviction is an orphan of its own", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 3)), gone(1, 4));
    history.tick(50);
    history.arrive(60, at(1, tool(5, 1, 2)));
    history.tick(100);
    expect(history.evictions).toEqual([
      ["process_gone", 10, 1, 0],
      ["orphaned_no_owner", 70, 1, 0],
    ]);
    expect(history.imbalance()).toEqual([]);
  });

  test("what others say of a process that has a relay is not tracked twice", () => {
    const history = new History();
    const relayed = { isRelayed: true, trace: 5, sessions: [4] };
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(1, run(11, 0, relayed), tool(12, 11, 1, relayed));
    history.arrive(9, ended(tool(2, 1, 1), 40), ended(run(1, 0), 9, { claimed: 2 }));
    history.arrive(9, ended(run(11, 0, relayed), 9));
    history.tick(100);
    expect(history.evicted).toBe(1);
    expect(history.activity.counters.signals.get("superseded")?.[0]).toBe(2);
    expect(history.imbalance()).toEqual([]);
  });

  test("what an exporter told before its relay was heard is accounted for in the end", () => {
    const history = new History();
    history.arrive(0, run(1, 0), ended(tool(2, 1, 0), 1));
    history.arrive(1, run(11, 0, { isRelayed: true, trace: 5, sessions: [4] }));
    history.tick(100);
    expect(history.activity.counters.ended).toEqual([0, 1, 1, 0]);
    expect(history.evicted).toBe(0);
  });

  test("what an exporter told before its relay was heard evicts nothing afterwards", () => {
    const history = new History();
    const harness: Signal = { type: "end", kind: "harness", span: 1, start: 0, end: 1, claimed: 1 };
    history.arrive(0, harness, ended(tool(2, 1, 0), 30));
    history.arrive(1, run(11, 0, { isRelayed: true, trace: 5, sessions: [4] }));
    history.tick(100);
    expect(history.evicted).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });
});

describe("a host that falls silent", () => {
  const at = (process: number, serviceHost: number, signal: Signal): Signal => ({
    ...signal,
    process,
    serviceHost,
  });
  const alive = (process: number, serviceHost: number): Signal =>
    at(process, serviceHost, { type: "alive", kind: "other", span: 0, start: 0, interval: 10 });

  /** Two processes on host 1, with a tool each. */
  function cutOff(history: History) {
    for (const process of [1, 2]) {
      history.arrive(
        0,
        at(process, 1, run(1, 0, { trace: process })),
        at(process, 1, tool(2, 1, 0, { trace: process })),
        alive(process, 1),
      );
    }
    history.arrive(0, alive(1, 1));
  }

  /** Process 3 on host 2 is heard every second, and at some seconds process `other` on host 1. */
  function hears(
    history: History,
    fromS: number,
    toS: number,
    other?: { readonly process: number; readonly at: (second: number) => boolean },
  ) {
    for (let second = fromS; second <= toS; second++) {
      const also = other?.at(second) === true ? [alive(other.process, 1)] : [];
      history.arrive(second, alive(3, 2), ...also);
    }
  }

  test("is given a lateness more, which is reported once", () => {
    const history = new History();
    cutOff(history);
    hears(history, 1, 39);
    expect(history.evicted).toBe(0);
    expect(history.events.filter(({ type }) => type === "held")).toMatchObject([
      { cause: "host_silent", atMs: 30_000, markers: 2 },
    ]);
    hears(history, 40, 41);
    expect(history.evictions).toEqual([
      ["lease_expired", 40, 1, 0],
      ["lease_expired", 40, 1, 0],
    ]);
    expect(history.imbalance()).toEqual([]);
  });

  test("keeps everything when one of its processes is heard in that time", () => {
    const history = new History();
    cutOff(history);
    hears(history, 1, 78, { process: 1, at: (second) => second === 39 });
    expect(history.evicted).toBe(0);
    hears(history, 79, 80);
    expect(history.evictions).toEqual([
      ["lease_expired", 79, 1, 0],
      ["lease_expired", 79, 1, 0],
    ]);
  });

  test("holds nothing of a process that is silent beside others of its host", () => {
    const history = new History();
    cutOff(history);
    hears(history, 1, 35, { process: 2, at: () => true });
    expect(history.evictions).toEqual([["lease_expired", 30, 1, 0]]);
  });

  test("holds spans that promised heartbeats of their own as well", () => {
    const history = new History();
    const promised = { interval: 5 };
    history.arrive(
      0,
      at(1, 1, run(1, 0, promised)),
      at(1, 1, tool(2, 1, 0, promised)),
      at(3, 2, run(9, 0, { trace: 9 })),
    );
    for (let second = 1; second < 36; second++) {
      history.arrive(second, alive(3, 2));
    }
    expect(history.evicted).toBe(0);
    history.arrive(36, at(1, 1, run(7, 36, { trace: 7 })));
    for (let second = 37; second < 66; second++) {
      history.arrive(second, alive(3, 2));
    }
    expect(history.evicted).toBe(0);
    for (let second = 66; second < 80; second++) {
      history.arrive(second, alive(3, 2));
    }
    expect(history.evictions).toEqual([["lease_expired", 76, 1, 0]]);
    expect(history.imbalance()).toEqual([]);
  });
});

describe("processes that are forgotten", () => {
  const at = (process: number, signal: Signal): Signal => ({ ...signal, process, serviceHost: 1 });
  const remembered = (history: History) => [...history.activity.view.inUse().processes];
  const tightly = { maxAgeMs: 60_000, tombstoneTtlMs: 60_000 };

  test("are those that sent nothing for the age and have nothing open", () => {
    const history = new History(tightly);
    history.arrive(0, at(1, ended(run(1, 0), 1)));
    history.arrive(0, at(2, run(1, 0, { trace: 2 })));
    for (let second = 10; second < 300; second += 10) {
      history.arrive(second, at(2, run(1, 0, { trace: 2 }))); // a heartbeat
    }
    expect(remembered(history)).toEqual([1, 2]);
    history.arrive(300, at(3, run(1, 0, { trace: 3 })));
    expect(remembered(history)).toEqual([2, 3]);
    expect(history.activity.view.sizes().openWork).toBe(2);
  });

  test("and what is known of a number is not known of who gets it next", () => {
    const history = new History(tightly);
    const relayed = { isRelayed: true, sessions: [3] };
    history.arrive(0, at(1, ended(run(1, 0, relayed), 1, relayed)));
    history.tick(200);
    history.arrive(200, at(2, run(1, 200, { trace: 2 })));
    // Number 1 again, of a process without a relay.
    history.arrive(201, at(1, run(5, 201, { trace: 5 })), at(1, tool(6, 5, 201, { trace: 5 })));
    expect(history.activity.view.sizes().openWork).toBe(3);
  });

  test("of those beyond the bound nothing is tracked, and everything is counted", () => {
    const history = new History();
    const beyond = (signal: Signal): Signal => ({ ...signal, process: 0, serviceHost: 0 });
    history.arrive(
      0,
      beyond(run(1, 0, { sessions: [1] })),
      beyond(tool(2, 1, 1)),
      beyond(ended(tool(3, 1, 1), 2)),
      beyond({ type: "pause", kind: "other", span: 2, start: 1, key: 1 }),
      beyond({ type: "sessionEnd", kind: "other", span: 0, start: 1, sessions: [1] }),
      beyond({ type: "gone", kind: "other", span: 0, start: 0 }),
    );
    history.tick(1000);
    const { started, untracked } = history.activity.counters;
    expect([started, untracked]).toEqual([
      [0, 1, 2, 0],
      [0, 1, 2, 0],
    ]);
    expect(history.evicted).toBe(0);
    expect(history.activity.view.sizes()).toMatchObject({ spans: 0, openWork: 0, traces: 0 });
    expect(history.imbalance()).toEqual([]);
  });
});

for (const [name, dialect, isSource] of [
  ["the relay", dialects.relay.storedId, true],
  ["a dialect that reports starts", dialects.liveSpan.storedId, true],
  ["a dialect that reports no work", dialects.pauseEvent.storedId, false],
  ["a number that no dialect has", dialectRows.length, false],
] as const) {
  test(`${name} is ${isSource ? "a" : "no"} source of work`, () => {
    const { processes } = new EngineParts(limits);
    expect(processes.onSignal({ process: 1, serviceHost: 0, dialect, nowMs: 0 })).toBe(isSource);
  });
}
