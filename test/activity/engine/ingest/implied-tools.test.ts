import { describe, expect, test } from "vitest";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { dialects } from "../../../../src/activity/model/dialects.ts";
import { History, type Signal } from "../history.ts";

const run = (span: number, start: number, rest: Partial<Signal> = {}): Signal => ({
  type: "start",
  kind: "run",
  span,
  start,
  ...rest,
});
const tool = (span: number, parent: number, start: number): Signal => ({
  type: "start",
  kind: "tool",
  span,
  parent,
  start,
});
const ended = (signal: Signal, end: number): Signal => ({ ...signal, type: "end", end });
const link = (span: number, parent: number, start: number, end: number): Signal => ({
  type: "end",
  kind: "other",
  span,
  parent,
  start,
  end,
});
/** A span that is always inside a tool, and what it says of its parent. */
const part = (span: number, parent: number, start: number, end: number): readonly Signal[] => [
  link(span, parent, start, end),
  { type: "start", dialect: "impliedParent", kind: "tool", span: parent, start },
];

const impliedAt = (history: History, at: number) => history.activity.view.impliedWork(at * 1000);
const impliedSignals = (history: History, result: "implied" | "evicted" | "forgotten") =>
  history.activity.counters.signals.get(result)?.[dialects.impliedParent.storedId];

describe("a parent that does not arrive", () => {
  test("is open for a lateness after the last that named it", () => {
    const history = new History();
    history.arrive(0, link(2, 1, 0, 1));
    expect(impliedAt(history, 9.9)).toBe(1);
    expect(impliedAt(history, 10)).toBe(0);
    history.arrive(60, ended(tool(3, 1, 59), 60));
    expect(impliedAt(history, 69.9)).toBe(1);
    expect(impliedAt(history, 70)).toBe(0);
  });

  test("is open as long as something below it is, and a lateness longer", () => {
    const history = new History();
    history.arrive(0, run(3, 0, { parent: 1 }), tool(2, 3, 0));
    history.tick(5000);
    expect(impliedAt(history, 5000)).toBe(1);
    history.arrive(5000, ended({ ...run(3, 0), parent: 1 }, 5000), ended(tool(2, 3, 0), 5000));
    expect(impliedAt(history, 5009.9)).toBe(1);
    expect(impliedAt(history, 5010)).toBe(0);
  });

  test("is forgotten after tombstone_ttl without being named, counted, and evicts nothing", () => {
    const history = new History();
    history.arrive(0, link(2, 1, 0, 1));
    history.arrive(800, link(3, 1, 799, 800));
    history.tick(1699);
    expect(impliedSignals(history, "forgotten")).toBe(0);
    history.tick(1700);
    expect(impliedSignals(history, "forgotten")).toBe(1);
    expect(history.activity.view.sizes()).toMatchObject({ implied: 0, spans: 0 });
    expect(history.evicted).toBe(0);
  });

  test("counts as usual when it arrives after hours", () => {
    const history = new History();
    history.arrive(0, ended(tool(2, 1, 0), 1));
    history.arrive(18_000, ended(run(1, 0), 18_000));
    history.tick(18_100);
    expect(history.activity.counters.ended).toEqual([0, 1, 1, 0]);
    expect(history.evicted).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });
});

describe("a tool that is known from a part of it only", () => {
  test("is an orphan a lateness after its run's end, presumed, and is known by trace and span", () => {
    const history = new History();
    history.arrive(5, ...part(3, 2, 0, 1));
    expect(impliedAt(history, 6)).toBe(1);
    history.arrive(12, ended(run(1, 0), 12));
    history.tick(21.9);
    expect(history.evicted).toBe(0);
    history.tick(22);
    expect(history.evictions).toEqual([["orphaned_no_owner", 22, 1, 0]]);
    const [event] = history.events;
    expect(event).toMatchObject({ confidence: "presumed" });
    expect(event?.type === "evicted" && event.spanId).toEqual(
      new Uint8Array([0, 0, 0, 5, 0, 0, 0, 2]),
    );
    expect(impliedAt(history, 22)).toBe(0);
    expect(impliedSignals(history, "evicted")).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("is an orphan when its run lasted for hours, within which nothing more was said of it", () => {
    const history = new History();
    history.arrive(1, ...part(3, 2, 0, 1));
    history.arrive(18_000, ended(run(1, 0), 18_000));
    history.tick(18_020);
    expect(history.evictions).toEqual([["orphaned_no_owner", 18_010, 1, 0]]);
  });

  test("has ended when it arrives in time, whatever came first", () => {
    for (const order of [
      [0, 1, 2],
      [1, 0, 2],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const history = new History();
      const arrivals = [
        part(3, 2, 1, 2),
        [ended(tool(2, 1, 0), 4)],
        [ended(run(1, 0), 5)],
      ] as const;
      order.forEach((which, at) => {
        history.arrive(5 + at, ...(arrivals[which] ?? []));
      });
      history.tick(100);
      expect(history.evicted).toBe(0);
      expect(history.activity.counters.ended).toEqual([0, 1, 1, 0]);
      expect(history.activity.view.sizes().implied).toBe(0);
    }
  });

  test("is reconciled when its span arrives later, started once and evicted once", () => {
    const history = new History();
    history.arrive(5, ...part(3, 2, 0, 1));
    history.arrive(12, ended(run(1, 0), 12));
    history.arrive(30, ended(tool(2, 1, 0), 29));
    history.arrive(31, ended(tool(2, 1, 0), 29));
    history.tick(100);
    const { counters } = history.activity;
    expect([counters.started[2], counters.ended[2], counters.reconciled[2]]).toEqual([1, 0, 1]);
    expect(history.events.at(-1)).toEqual({ type: "reconciled", kind: 2, lateByMs: 8000 });
    expect(history.imbalance()).toEqual([]);
  });

  test("is tracked again when its start arrives later", () => {
    const history = new History();
    history.arrive(5, ...part(3, 2, 0, 1));
    history.arrive(12, ended(run(1, 0), 12));
    history.arrive(30, { ...tool(2, 1, 0), seq: 0, start: 29 });
    expect(history.activity.counters.reconciled[2]).toBe(1);
    expect(history.activity.counters.open[2]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("is no orphan while another run of its trace is open, which may be its own", () => {
    const history = new History();
    history.arrive(1, run(9, 0));
    history.arrive(5, ...part(3, 2, 1, 2));
    history.arrive(12, ended(run(1, 0), 12));
    history.tick(1000);
    expect(history.evicted).toBe(0);
  });

  for (const [what, ends] of [
    ["a run of another trace", ended(run(1, 0, { trace: 2 }), 12)],
    ["a run that had ended before", ended(run(1, 0), 0.5)],
    ["a run that began after", ended(run(1, 2), 12)],
    ["a run without times", ended(run(1, 0, { unset: true }), 0)],
    ["a run below something that has not arrived", ended(run(1, 0, { parent: 8 }), 12)],
  ] as const) {
    test(`is not judged by the end of ${what}`, () => {
      const history = new History();
      history.arrive(5, ...part(3, 2, 1, 2));
      history.arrive(12, ends);
      history.tick(50_000);
      expect(history.evicted).toBe(0);
      expect(history.imbalance()).toEqual([]);
    });
  }

  test("is not judged when its part has no time", () => {
    const history = new History();
    history.arrive(5, ...part(3, 2, 0, 1).map((signal) => ({ ...signal, unset: true })));
    history.arrive(12, ended(run(1, 0), 12));
    history.tick(1000);
    expect(history.evicted).toBe(0);
  });

  test("is still known after its machine was saved and put back", () => {
    const history = new History();
    history.arrive(5, ...part(3, 2, 0, 1));
    const writer = new EngineSnapshotWriter();
    history.activity.snapshot(writer);
    const later = new History();
    later.activity.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
    later.arrive(12, ended(run(1, 0), 12));
    later.tick(22);
    expect(later.evictions).toEqual([["orphaned_no_owner", 22, 1, 0]]);
  });

  test("waits for what is open below it", () => {
    const history = new History();
    history.arrive(5, ...part(3, 2, 0, 1));
    history.arrive(12, ended(run(1, 0), 12));
    history.arrive(20, { ...tool(4, 2, 19), kind: "model_call" });
    history.tick(29.9);
    expect(history.evicted).toBe(0);
    history.arrive(29.9, ended({ ...tool(4, 2, 19), kind: "model_call" }, 29));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 39.9, 1, 0]]);
  });
});
