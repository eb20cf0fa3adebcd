import { describe, expect, test } from "vitest";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { History, limits, type Signal } from "../history.ts";

const harness = { kind: "harness", span: 1, start: 0, end: 10 } as const;
const inner = { kind: "inner", span: 2, parent: 1, start: 0.01, end: 9.99 } as const;
/** The same in two traces that nothing links. */
const apart = { kind: "inner", span: 2, trace: 2, start: 0.01, end: 9.99 } as const;

const started = (work: Omit<Signal, "type">, more: Partial<Signal> = {}): Signal => ({
  ...work,
  type: "start",
  ...more,
});
const ended = (work: Omit<Signal, "type">, more: Partial<Signal> = {}): Signal => ({
  ...started(work),
  type: "end",
  ...more,
});

/** Runs by counter, as a page shows them. */
function runsOf(history: History) {
  const { counters } = history.activity;
  return {
    started: counters.started[1],
    ended: counters.ended[1],
    evicted: counters.evictedOf(1),
    open: counters.open[1],
    untracked: counters.untracked[1],
  };
}

/** Every order of some signals. */
function ordersOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  return items.length < 2
    ? [items]
    : items.flatMap((item, at) => ordersOf(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

function play(signals: readonly Signal[], gapS: number): History {
  const history = new History();
  for (const [at, signal] of signals.entries()) {
    history.arrive(10 + at * gapS, signal);
    expect(history.imbalance()).toEqual([]);
  }
  return history;
}

const one = { started: 1, ended: 1, evicted: 0, open: 0, untracked: 0 };

describe("a harness run and the run in it are counted as one run", () => {
  for (const [source, more] of [
    ["a relay", { dialect: "relay" }],
    ["live spans", { dialect: "liveSpan" }],
    ["partial logs", { dialect: "partialLog", interval: 60 }],
  ] as const) {
    test(`that ${source} reports, in every order in which a start comes before its end`, () => {
      const signals = [
        started(harness, more),
        started(inner, more),
        ended(inner, more),
        ended(harness, more),
      ];
      for (const order of ordersOf(signals)) {
        const at = (of: number) => order.indexOf(signals[of] ?? started(harness));
        if (at(0) < at(3) && at(1) < at(2)) {
          const history = play(order, 0.5);
          history.tick(100);
          expect([order.map(({ type, kind }) => `${type} ${kind}`), runsOf(history)]).toEqual([
            order.map(({ type, kind }) => `${type} ${kind}`),
            one,
          ]);
        }
      }
    });
  }

  for (const [where, run] of [
    ["in one trace", inner],
    ["in two traces", apart],
  ] as const) {
    for (const gapS of [0, 4]) {
      test(`when they come finished ${where}, ${gapS} s apart, in either order`, () => {
        for (const order of ordersOf([ended(harness), ended(run)])) {
          const history = play(order, gapS);
          history.tick(100);
          expect(runsOf(history)).toEqual(one);
        }
      });
    }
  }

  test("when the second comes finished long after the first", () => {
    for (const order of ordersOf([ended(harness), ended(inner)])) {
      const history = play(order, 60);
      history.tick(200);
      expect(runsOf(history)).toEqual(one);
    }
  });

  test("when they start live in two traces", () => {
    for (const order of ordersOf([started(harness), started(apart)])) {
      const history = play([...order, ended(apart), ended(harness)], 0.01);
      history.tick(100);
      expect(runsOf(history)).toEqual(one);
    }
  });

  test("when a relay knows the run first, and that it is in the harness run only after that started", () => {
    const relay = { dialect: "relay" } as const;
    const { parent: _, ...root } = inner;
    const signals = [started(root, relay), started(harness, { ...relay, start: 3 })];
    const history = play([...signals, started(inner, relay), ended(inner, relay)], 1);
    expect(runsOf(history)).toEqual({ ...one, ended: 0, open: 1 });
    history.arrive(20, ended(harness, relay));
    expect(runsOf(history)).toEqual(one);
  });

  test("that is open as long as either is", () => {
    const history = play([started(harness), started(inner), ended(harness)], 1);
    expect(runsOf(history)).toEqual({ ...one, ended: 0, open: 1 });
    expect(history.activity.view.oldestAgesMs(20_000)[1]).toBeGreaterThan(0);
    history.arrive(20, ended(inner));
    expect(runsOf(history)).toEqual(one);
    expect(history.activity.view.oldestAgesMs(30_000)).toEqual([0, 0, 0, 0]);
  });

  test("that is evicted when the last of the two is, and reconciled once", () => {
    const history = new History({ maxAgeMs: 100_000 });
    history.arrive(0, started(harness), started(inner));
    history.tick(500);
    expect(runsOf(history)).toEqual({ ...one, ended: 0, evicted: 1 });
    history.arrive(501, ended(inner), ended(harness));
    expect(history.activity.counters.reconciled[1]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("that has ended when the one ended and the other was evicted before", () => {
    const history = new History({ maxAgeMs: 100_000 });
    history.arrive(0, started(inner));
    history.arrive(50, started(harness));
    history.tick(120);
    expect(runsOf(history)).toEqual({ ...one, ended: 0, open: 1 });
    history.arrive(121, ended(harness));
    expect(runsOf(history)).toEqual(one);
    expect(history.imbalance()).toEqual([]);
  });

  test("that is started anew, once, when both turn out to live on", () => {
    const beat = { dialect: "partialLog", interval: 10 } as const;
    const history = new History();
    history.arrive(0, started(harness, { ...beat, sent: 0 }), started(inner, { ...beat, sent: 0 }));
    for (let at = 5; at <= 60; at += 5) {
      history.arrive(at, { type: "alive", kind: "other", span: 0, start: 0, process: 2 });
    }
    expect(runsOf(history)).toEqual({ ...one, ended: 0, evicted: 1 });
    history.arrive(
      61,
      started(inner, { ...beat, sent: 61 }),
      started(harness, { ...beat, sent: 61 }),
    );
    expect(runsOf(history)).toEqual({ ...one, started: 2, ended: 0, evicted: 1, open: 1 });
    expect(history.activity.counters.reconciled[1]).toBe(1);
    history.arrive(62, ended(inner), ended(harness));
    expect(runsOf(history)).toEqual({ ...one, started: 2, evicted: 1 });
    expect(history.imbalance()).toEqual([]);
  });

  test("that is untracked where there is no room for it", () => {
    const history = new History({ maxOpenWork: 1 });
    history.arrive(0, started({ kind: "run", span: 9, start: 0 }));
    history.arrive(1, started(harness), started(inner));
    expect(runsOf(history)).toEqual({ ...one, started: 2, ended: 0, open: 1, untracked: 1 });
    expect(history.imbalance()).toEqual([]);
  });

  test("also by an engine that was saved between the two", () => {
    for (const [first, second] of ordersOf([ended(harness), ended(apart)])) {
      const saved = new History();
      saved.arrive(10, first ?? ended(harness));
      const writer = new EngineSnapshotWriter();
      saved.activity.snapshot(writer);
      const history = new History();
      history.activity.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
      history.arrive(12, second ?? ended(harness));
      history.tick(100);
      expect(runsOf(history)).toEqual(one);
    }
  });
});

describe("a run of its own is", () => {
  test("a harness run without a run in it", () => {
    const history = new History();
    history.arrive(10, ended(harness));
    history.tick(100);
    expect(runsOf(history)).toEqual(one);
    const live = play([started(harness), ended(harness)], 1);
    expect(runsOf(live)).toEqual(one);
  });

  test("each of the runs that begin together in one process", () => {
    const turn = (at: number) => [
      ended({ ...harness, span: 10 + at, trace: 10 + at, start: at / 1000 }),
      ended({ ...apart, span: 20 + at, trace: 20 + at, start: 0.002 + at / 1000 }),
    ];
    const history = new History();
    history.arrive(10, ...[0, 5, 10].flatMap(turn));
    history.tick(100);
    expect(runsOf(history)).toEqual({ ...one, started: 3, ended: 3 });
  });

  test("a run that has the start of no harness run near", () => {
    const history = new History();
    history.arrive(10, ended(harness), ended({ ...apart, start: 2 }));
    history.tick(100);
    expect(runsOf(history)).toEqual({ ...one, started: 2, ended: 2 });
  });

  test("a run without times", () => {
    const history = new History();
    history.arrive(10, ended(harness, { unset: true }), ended(apart, { unset: true }));
    history.tick(100);
    expect(runsOf(history)).toEqual({ ...one, started: 2, ended: 2 });
  });

  test("a harness run of a sub-agent below a tool of a run that has no harness run", () => {
    const { parent: _, ...root } = inner;
    const tool = { kind: "tool", span: 5, parent: 2, start: 1 } as const;
    const nested = { ...harness, span: 6, parent: 5, start: 1.5 } as const;
    for (const dialect of ["relay", "liveSpan"] as const) {
      const signals = [started(root), started(tool), started(nested)];
      const history = play(
        signals.map((signal) => ({ ...signal, dialect })),
        0,
      );
      expect(runsOf(history)).toEqual({ ...one, started: 2, ended: 0, open: 2 });
    }
  });

  test("a harness run directly below another one that began before it", () => {
    const nested = { ...harness, span: 3, parent: 1, start: 1, end: 2 } as const;
    const history = new History();
    history.arrive(10, ended(nested), ended({ ...inner, span: 4, parent: 3, start: 1 }));
    history.arrive(11, ended(harness), ended(inner));
    history.tick(100);
    expect(runsOf(history)).toEqual({ ...one, started: 2, ended: 2 });
  });
});

/** OpenClaw 2026.4.30 ends the span that it started when it stops, and makes a complete one below that in time. */
describe("a harness run that is exported twice is one run", () => {
  const complete = { ...harness, span: 3, parent: 1, start: 0.002 } as const;

  for (const [when, endS] of [
    ["soon", 20],
    ["in a quarter of an hour", 800],
    ["hours later, when the complete one is forgotten", 50_000],
  ] as const) {
    test(`when the gateway stops ${when}`, () => {
      for (const order of ordersOf([ended(apart), ended(complete)])) {
        const history = play(order, 0);
        history.arrive(endS, ended({ ...harness, end: endS }, { noOutcome: true }));
        history.tick(endS + limits.allowedLatenessMs / 1000);
        expect(runsOf(history)).toEqual(one);
        expect(history.imbalance()).toEqual([]);
      }
    });
  }

  test("when both come at once, in either order", () => {
    for (const order of ordersOf([ended(complete), ended(harness)])) {
      const history = play(order, 0);
      history.tick(100);
      expect(runsOf(history)).toEqual(one);
    }
  });

  test("when the one that it started is reported live", () => {
    const history = play([started(harness), started(apart), ended(apart), ended(complete)], 0.1);
    history.arrive(11, ended(harness));
    history.tick(100);
    expect(runsOf(history)).toEqual(one);
  });
});
