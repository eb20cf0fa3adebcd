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
/** What a harness run says, and the tools that ended before it: some that may be two items, others that are one. */
interface Items {
  readonly pairs?: number;
  readonly singles?: number;
  /** Of two items, that end a moment after it. */
  readonly late?: number;
  readonly claimed: number;
  readonly completed: number;
}

const ended = (signal: Signal, end: number, more: Partial<Signal> = {}): Signal => ({
  ...signal,
  type: "end",
  end,
  ...more,
});

describe("finished spans", () => {
  const harness: Signal = { type: "end", kind: "harness", span: 1, start: 0, end: 10 };
  const inner: Signal = { type: "end", kind: "inner", span: 2, parent: 1, start: 0, end: 9.9 };

  /** A turn of one finished tool. */
  const turn = (items: Items): readonly Signal[] => [
    ended(tool(30, 2, 1), 2),
    inner,
    { ...harness, ...items },
  ];

  /** OpenClaw's exporter ends what is still open when it stops. */
  const own = { isOpenclaw: true };

  test("a tool of OpenClaw that ended later than its owner by more than the lateness was an orphan", () => {
    const history = new History();
    history.arrive(10, inner, harness);
    history.arrive(30, ended(tool(3, 2, 1, own), 25));
    history.tick(100);
    expect(history.evicted).toBe(1);
    expect(history.events).toMatchObject([{ confidence: "probable" }]);
    expect(history.imbalance()).toEqual([]);
  });

  test("a tool of a run that was evicted for its silence has ended: nobody knows when that run did", () => {
    const history = new History();
    const beat = { dialect: "partialLog", interval: 5, sent: 0 } as const;
    history.arrive(1, run(1, 0, beat));
    for (let second = 5; second <= 60; second++) {
      history.arrive(second, run(99, 0, { process: 9, trace: 9 }));
    }
    expect(history.activity.counters.open[1]).toBe(1);
    history.arrive(100, ended(tool(3, 1, 5, own), 90), ended(run(1, 0, beat), 92));
    history.tick(200);
    expect(history.evictions).toEqual([]);
    expect(history.activity.counters.ended[2]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("a tool that says how it ended has ended, however late", () => {
    const history = new History();
    history.arrive(10, inner, harness);
    history.arrive(30, ended(tool(3, 2, 1, { ...own, failed: true }), 25));
    history.tick(100);
    expect(history.evicted).toBe(0);
    expect(history.activity.counters.ended[2]).toBe(1);
  });

  test("a tool of another sender that ended late was an orphan only if others ended together with it", () => {
    for (const [otherEnd, want] of [
      [25.2, 2],
      [25.5, 0],
      [40, 0],
    ] as const) {
      const history = new History();
      history.arrive(10, inner, harness);
      history.arrive(45, ended(tool(3, 2, 1), 25), ended(tool(4, 2, 1), otherEnd));
      history.tick(100);
      expect([otherEnd, history.evicted]).toEqual([otherEnd, want]);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("a tool that ended shortly after its owner was not", () => {
    const history = new History();
    history.arrive(10, inner, harness);
    history.arrive(11, ended(tool(3, 2, 1), 10.05));
    history.tick(100);
    expect(history.evicted).toBe(0);
    expect(history.activity.counters.ended[2]).toBe(1);
  });

  test("items that a harness run left open are evicted, once", () => {
    const history = new History();
    history.arrive(10, ...turn({ claimed: 1, completed: 1 }));
    history.tick(30);
    expect(history.evictions).toEqual([["orphaned_no_owner", 20, 1, 0]]);
    expect(history.events).toMatchObject([{ confidence: "presumed" }]);
    // Hours later the exporter stops and its span comes.
    history.arrive(9000, ended(tool(3, 2, 1, own), 8990));
    history.tick(10_000);
    expect(history.evicted).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("tools of a long turn that came finished long before their run count as completed", () => {
    for (const completed of [3, 4]) {
      const history = new History();
      for (const span of [11, 12, 13]) {
        history.arrive(span, ended(tool(span, 2, span - 1), span));
      }
      history.tick(500);
      const end = { end: 600, claimed: 1, completed };
      history.arrive(600, { ...inner, end: 600 }, { ...harness, ...end });
      history.tick(700);
      // One more than were seen has completed: not all spans come, so nothing is known of the open one.
      expect(history.evicted).toBe(completed === 3 ? 1 : 0);
      expect(history.activity.counters.ended[2]).toBe(3);
      history.tick(100_000);
      expect(history.imbalance()).toEqual([]);
      expect(history.activity.view.owners).toBe(0);
    }
  });

  test("a start from before the end of an owner whose items were evicted by number is late", () => {
    const history = new History();
    history.arrive(10, { ...inner, seq: 4 }, { ...harness, seq: 5, claimed: 1 });
    history.tick(30);
    history.arrive(31, tool(3, 2, 1, { seq: 3 }));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 20, 1, 0]]);
    expect(history.activity.counters.lateStarts[2]).toBe(1);
  });

  test("a tool of a later turn is none of those that were evicted by number", () => {
    const history = new History();
    const of = (trace: number) => ({ sessions: [3], trace });
    history.arrive(10, { ...inner, ...of(1) }, { ...harness, ...of(1), claimed: 1 });
    const second = ended(run(5, 30, of(2)), 40);
    history.arrive(41, second, ended(tool(6, 5, 35, { trace: 2 }), 40.05));
    history.arrive(9000, ended(tool(3, 2, 1, { ...own, trace: 1 }), 8990));
    history.tick(10_000);
    expect(history.evictions).toEqual([["orphaned_no_owner", 20, 1, 0]]);
    expect(history.activity.counters.reconciled[2]).toBe(0);
  });

  test("what a finished span identifies first is taken off the count", () => {
    const history = new History();
    const late = ended(tool(3, 2, 1, own), 22);
    history.arrive(10, inner, { ...harness, claimed: 1, completed: 1 }, late);
    history.tick(100);
    expect(history.evicted).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("a tool that ended after its harness run within the lateness was active then and is no orphan", () => {
    for (const arrival of [12, 25]) {
      const history = new History();
      history.arrive(10, inner, { ...harness, claimed: 1, completed: 1 });
      history.arrive(arrival, ended(tool(3, 2, 1), 10.5));
      history.tick(100);
      expect(history.evicted - (history.activity.counters.reconciled[2] ?? 0)).toBe(0);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("a harness run that comes after its run is one owner with it, whatever came between", () => {
    const history = new History();
    // Sessions that turn out to be one free the place of a group that is older than the run's.
    const other = (span: number, ...sessions: number[]) =>
      ended(run(span, 0, { trace: span, sessions }), 1);
    history.arrive(10, other(20, 5), inner, ...[21, 22, 23].map((span) => other(span, 6)));
    history.arrive(10, other(24, 5, 6));
    history.arrive(10, { ...harness, claimed: 1, completed: 0 }, ended(tool(3, 2, 1), 10.05));
    history.tick(100);
    expect(history.events).toEqual([]);
  });

  for (const [what, { pairs = 0, singles = 0, late = 0, claimed, completed }, want] of [
    [
      "the two items of an aborted command that ended",
      { pairs: 2, singles: 1, claimed: 2, completed: 3 },
      0,
    ],
    [
      "a command of which the span never comes",
      { pairs: 1, singles: 1, claimed: 2, completed: 3 },
      1,
    ],
    [
      "one more item than the aborted command has",
      { pairs: 2, singles: 1, claimed: 3, completed: 3 },
      1,
    ],
    [
      "a tool, beside others that all completed",
      { pairs: 1, singles: 1, claimed: 1, completed: 3 },
      1,
    ],
    ["a tool, beside a command that is one item here", { pairs: 1, claimed: 1, completed: 1 }, 1],
    [
      "a tool or the command of one that ended",
      { pairs: 1, singles: 1, claimed: 1, completed: 2 },
      0,
    ],
    ["tools in a turn of which no tool has a span", { claimed: 2, completed: 3 }, 0],
    ["tools in a turn of which one tool has no span", { singles: 1, claimed: 1, completed: 2 }, 0],
    [
      "a command that ended a moment after its run",
      { pairs: 1, late: 1, claimed: 2, completed: 2 },
      0,
    ],
  ] as const satisfies readonly (readonly [string, Items, number])[]) {
    test(`open items that are ${what} are ${want} orphans`, () => {
      const tools = [
        ...Array.from({ length: pairs }, () => true),
        ...Array.from({ length: singles }, () => false),
      ].map((isTwoItems, at) => ended(tool(10 + at, 2, 1, { isTwoItems }), 9));
      const lateTools = Array.from({ length: late }, (_, at) =>
        ended(tool(20 + at, 2, 1, { isTwoItems: true }), 10.05),
      );
      const owner = [inner, { ...harness, claimed, completed }];
      for (const signals of [
        [...tools, ...lateTools, ...owner],
        [...owner, ...lateTools, ...tools.toReversed()],
      ]) {
        const history = new History();
        for (const [at, signal] of signals.entries()) {
          history.arrive(10 + at / 2, signal);
        }
        history.tick(100);
        expect(history.evicted).toBe(want);
        expect(history.imbalance()).toEqual([]);
      }
    });
  }

  test("open items of a harness run count once its run is known, for it may be in a trace that does not come", () => {
    const history = new History();
    const root: Signal = { type: "end", kind: "inner", span: 2, start: 0, end: 9.9, trace: 2 };
    history.arrive(10, { ...harness, claimed: 2, completed: 0 });
    history.tick(100);
    expect(history.evicted).toBe(0);
    history.arrive(100, root);
    history.tick(200);
    expect(history.evictions).toEqual([["orphaned_no_owner", 110, 1, 0]]);
  });

  test("a tool that turns out to have ended in time, after it was counted as left open, is reconciled", () => {
    const history = new History();
    history.arrive(10, inner, { ...harness, claimed: 2, completed: 0 });
    history.tick(50);
    expect(history.evicted).toBe(1);
    history.arrive(60, ended(tool(3, 2, 1, { isTwoItems: true }), 9.9));
    history.tick(100);
    expect(history.activity.counters.reconciled[2]).toBe(1);
    expect(history.activity.counters.started[2]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("a model call is no item", () => {
    const history = new History();
    const late = ended(tool(4, 2, 1, own), 25);
    history.arrive(10, ...turn({ claimed: 1, completed: 1 }));
    history.arrive(30, { ...late, kind: "model_call" });
    history.tick(100);
    expect(history.evicted).toBe(2);
    expect(history.activity.counters.reconciled).toEqual([0, 0, 0, 0]);
    expect(history.imbalance()).toEqual([]);
  });

  test("a harness run that lost track of finished tools counts for nothing", () => {
    const history = new History();
    history.arrive(10, ended(tool(3, 2, 1), 9.8), inner, { ...harness, claimed: 2, completed: 0 });
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("a run and its harness run in two traces are one owner, whichever comes first", () => {
    for (const order of [0, 1]) {
      const history = new History();
      const elsewhere: Signal = { ...harness, trace: 2, claimed: 1, completed: 0 };
      const root: Signal = { type: "end", kind: "inner", span: 2, start: 0.01, end: 9.9 };
      history.arrive(10, order === 0 ? elsewhere : root);
      history.arrive(order === 0 ? 40 : 11, order === 0 ? root : elsewhere);
      history.arrive(50, ended(tool(3, 2, 1), 45));
      history.tick(100);
      expect(history.evicted).toBe(1);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("a tool of a run that has not arrived has not outlived another run of its session", () => {
    for (const [first, second, end] of [
      ["an earlier one", 45, 55],
      ["one beside it", 5, 40],
    ] as const) {
      const history = new History();
      const of = (trace: number) => ({ sessions: [3], trace });
      history.arrive(10, ended(run(1, 0, of(1)), 10));
      history.arrive(60, ended(tool(3, 2, second + 1, of(2)), end));
      history.tick(100);
      history.arrive(200, ended(run(2, second, of(2)), 200));
      history.tick(300);
      expect([first, history.evicted]).toEqual([first, 0]);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("a tool of a run that was evicted for silence has not outlived an earlier run of its session", () => {
    const history = new History();
    const relayed = { isRelayed: true, sessions: [3], serviceHost: 1 };
    const alive: Signal = {
      type: "alive",
      kind: "other",
      span: 0,
      start: 0,
      interval: 10,
      serviceHost: 1,
    };
    history.arrive(0, alive, run(1, 0, { ...relayed, trace: 1 }));
    history.arrive(10, ended(run(1, 0, { ...relayed, trace: 1 }), 10));
    history.arrive(10, run(2, 10, { ...relayed, trace: 2 }));
    for (let at = 15; at < 90; at += 5) {
      history.arrive(at, { ...alive, process: 2, serviceHost: 2 });
    }
    expect(history.activity.view.sizes().openWork).toBe(0);
    history.arrive(90, ended(tool(4, 2, 25, { ...relayed, trace: 2 }), 31));
    history.tick(120);
    expect(history.evictions).toEqual([]);
  });

  test("a tool whose span its run closed was an orphan", () => {
    const history = new History();
    history.arrive(10, ended(tool(3, 2, 1), 9.9, { closedByRun: true }), inner, harness);
    history.tick(100);
    expect(history.evicted).toBe(1);
    const live = new History();
    live.arrive(1, tool(3, 2, 1));
    live.arrive(10, ended(tool(3, 2, 1), 9.9, { closedByRun: true }), inner, harness);
    live.tick(100);
    expect(live.evicted).toBe(1);
    expect(live.imbalance()).toEqual([]);
  });

  test("duplicates of a span count once", () => {
    const history = new History();
    const call = ended(tool(3, 2, 1), 5);
    history.arrive(10, call, call, inner, inner, harness, harness);
    history.tick(100);
    expect(history.activity.counters.started).toEqual([0, 1, 1, 0]);
    expect(history.activity.counters.signals.get("duplicate")?.[0]).toBe(3);
  });
});
