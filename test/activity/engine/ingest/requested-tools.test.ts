import { describe, expect, test } from "vitest";
import { dialects } from "../../../../src/activity/model/dialects.ts";
import { History, type Signal } from "../history.ts";

const run = (span: number, start: number, more: Partial<Signal> = {}): Signal => ({
  type: "start",
  kind: "run",
  span,
  start,
  sessions: [3],
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

const harness = ended(run(1, 0, { sessions: [] }), 9);
const failed: Signal = { ...harness, failed: true };
const modelCall = (span: number, end: number, more: Partial<Signal> = {}): Signal =>
  ended({ ...tool(span, 1, end - 1), kind: "model_call" }, end, more);
const request = (modelCallSpan: number, key: number, name: number): Signal => ({
  type: "request",
  kind: "other",
  span: modelCallSpan,
  start: 0,
  key,
  name,
});
const answer = (modelCallSpan: number, key: number): Signal => ({
  ...request(modelCallSpan, key, 0),
  type: "answer",
});
const inTrace = (trace: number, ...signals: readonly Signal[]): readonly Signal[] =>
  signals.map((signal) => ({ ...signal, trace }));

/** A turn in another trace whose tool 5 reports the call that was asked for. */
const known = inTrace(
  2,
  modelCall(2, 1),
  request(2, 100, 5),
  ended(tool(3, 1, 1, { key: 100, name: 5 }), 2),
  harness,
);

/** A response that asks for two tools, of which one ran. */
const half = [
  modelCall(2, 5),
  request(2, 101, 5),
  request(2, 102, 5),
  ended(tool(3, 1, 5, { key: 102, name: 5 }), 6),
] as const;
const [asking, lost, other, sibling] = half;

/** What became of histories that go on after `known`. Each argument is what arrives at a second. */
function evictedOf(...arrivals: readonly (readonly [number, ...Signal[]])[]): number {
  const history = new History();
  history.arrive(0, ...known);
  for (const [at, ...signals] of arrivals) {
    history.arrive(at, ...signals);
  }
  history.tick(1000);
  expect(history.imbalance()).toEqual([]);
  expect(history.evicted).toBe(history.activity.counters.evictedOf(2));
  return history.evicted;
}

/** How often what a model asked for had a result. */
function counted(
  history: History,
  result: "requested" | "answered" | "repeated" | "unmatched" | "untracked",
): number {
  return history.activity.counters.signals.get(result)?.[dialects.requestedTool.storedId] ?? 0;
}

describe("tools that a model asked for (I2)", () => {
  test("one that never came is an orphan, if another call of its response ran and the run went on or failed", () => {
    for (const [last, want] of [
      [[harness, modelCall(8, 8)], 1],
      [[failed], 1],
      [[harness], 0],
    ] as const) {
      const history = new History();
      history.arrive(0, ...known);
      history.arrive(6, ...half);
      history.arrive(9, ...last);
      history.tick(100);
      expect(history.evictions).toEqual(want === 0 ? [] : [["orphaned_no_owner", 19, 1, 0]]);
      expect(history.events).toMatchObject(want === 0 ? [] : [{ confidence: "presumed", name: 5 }]);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("one that may outlive its run proves nothing by not coming, once a tool of its name was seen to", () => {
    const background = inTrace(
      3,
      ended(tool(3, 1, 1, { key: 103, name: 5, isDetached: true }), 2),
      harness,
    );
    const lastTwo = [[6, ...half] as const, [9, failed] as const] as const;
    expect(evictedOf(...lastTwo)).toBe(1);
    expect(evictedOf([3, ...background], ...lastTwo)).toBe(0);
  });

  test("one whose name only a tool had that no model requested is none: its spans may have another name", () => {
    const named = known.filter(({ type }) => type !== "request");
    for (const [before, want] of [
      [named, 0],
      [known, 1],
    ] as const) {
      const history = new History();
      history.arrive(0, ...before);
      history.arrive(
        6,
        ...half.map((signal) => ({ ...signal, ...(signal === sibling && { name: 6 }) })),
      );
      history.arrive(9, failed);
      history.tick(100);
      expect(history.evicted).toBe(want);
    }
  });

  test("so it is when the model call that shows that the run went on arrived before the run", () => {
    expect(evictedOf([6, ...half], [9, modelCall(8, 8), harness])).toBe(1);
  });

  test("one of a response of which nothing ran proves nothing: it may have been thrown away", () => {
    expect(evictedOf([5, asking, lost, modelCall(8, 8)], [9, failed])).toBe(0);
  });

  test("one of a response that broke off proves nothing, though a call of it ran meanwhile", () => {
    expect(evictedOf([6, { ...asking, failed: true }, lost, other, sibling], [9, failed])).toBe(0);
  });

  test("one that came is none, in whatever order", () => {
    const call = ended(tool(7, 1, 5, { key: 101, name: 5 }), 6);
    for (const signals of [
      [...half, call],
      [call, ...half],
    ]) {
      expect(evictedOf([6, ...signals], [9, failed])).toBe(0);
    }
  });

  test("one whose result a model was handed is none, in whatever order", () => {
    expect(evictedOf([6, ...half, answer(4, 101)], [9, failed])).toBe(0);
    expect(evictedOf([5, answer(4, 101)], [6, ...half], [9, failed])).toBe(0);
  });

  test("one that the next model call was not handed was dropped or waits, if that one's input is known", () => {
    const next = modelCall(8, 8, { prompted: true });
    for (const last of [harness, failed, { ...harness, brokenOff: true }]) {
      expect(evictedOf([6, ...half], [9, next, answer(8, 102), last])).toBe(0);
    }
  });

  test("what a tool of the run asked a model inside does not mean that the run went on", () => {
    const inner = { ...modelCall(8, 8), parent: 3 };
    expect(evictedOf([6, ...half], [9, inner, harness])).toBe(0);
    expect(evictedOf([6, ...half], [9, inner, failed])).toBe(1);
  });

  test("a model call is not the one that came after itself, however short it was", () => {
    const short = { ...asking, start: 5, end: 5 };
    expect(evictedOf([6, short, lost, other, sibling], [9, harness])).toBe(0);
  });

  test("where a clock is not set nobody knows which model call came first", () => {
    const unset = { ...modelCall(8, 8), unset: true };
    expect(evictedOf([6, ...half], [9, unset, harness])).toBe(0);
    expect(evictedOf([6, ...half], [9, unset, failed])).toBe(0);
  });

  test("one beside a call that failed, or that was cut off with its run, may not have begun", () => {
    const failing: Signal = { ...sibling, failed: true };
    const cutOff: Signal = { ...sibling, end: 8.95 };
    const inTime: Signal = { ...sibling, end: 8.9 };
    expect(evictedOf([6, asking, lost, other, failing], [9, failed])).toBe(0);
    expect(evictedOf([6, asking, lost, other, cutOff], [9, failed])).toBe(0);
    expect(evictedOf([6, asking, lost, other, inTime], [9, failed])).toBe(1);
  });

  test("one for a tool that never reports calls says nothing, unless its run was broken off", () => {
    const unknown = request(2, 101, 6);
    expect(evictedOf([6, asking, unknown, other, sibling], [9, failed])).toBe(0);
    expect(evictedOf([6, asking, unknown, other, sibling], [9, harness, modelCall(8, 8)])).toBe(0);
    expect(
      evictedOf([6, asking, unknown, other, sibling], [9, { ...harness, brokenOff: true }]),
    ).toBe(1);
  });

  test("one of which the name is no name says nothing", () => {
    const nameless = request(2, 101, 0);
    expect(
      evictedOf([6, asking, nameless, other, sibling], [9, { ...harness, brokenOff: true }]),
    ).toBe(0);
  });

  test("one of another run in the same trace is that run's", () => {
    const history = new History();
    history.arrive(0, ...known);
    const inner: Signal = { ...run(8, 3, { sessions: [], parent: 1 }) };
    const ofInner = half.map((signal) => (signal.parent === 1 ? { ...signal, parent: 8 } : signal));
    history.arrive(6, ...ofInner, inner);
    history.arrive(9, failed);
    history.tick(100);
    expect(history.evicted).toBe(0);
    history.arrive(101, ended({ ...inner, failed: true }, 101));
    history.tick(200);
    expect(history.evictions).toEqual([["orphaned_no_owner", 111, 1, 0]]);
  });

  test("where starts are reported nothing is inferred", () => {
    const history = new History();
    history.arrive(0, ...known, tool(20, 1, 0, { trace: 7 }));
    history.arrive(6, ...half);
    history.arrive(9, failed);
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("one in whose trace or session a person was waited for is none", () => {
    const pause = { type: "pause", kind: "other", start: 0, key: 7 } as const;
    const mine = ended(run(1, 0), 9, { failed: true });
    for (const [wait, want] of [
      [{ ...pause, span: 3 }, 0],
      [{ ...pause, span: 1, type: "resume" }, 0],
      [{ ...pause, span: 0, sessions: [3] }, 0],
      [{ ...pause, span: 3, trace: 9 }, 1],
      [{ ...pause, span: 0, sessions: [4] }, 1],
      [{ ...pause, span: 3, process: 2 }, 1],
    ] as const) {
      expect(evictedOf([6, ...half], [7, wait], [9, mine]), JSON.stringify(wait)).toBe(want);
    }
  });

  test("a wait that was over long before the model was called says nothing", () => {
    const resume = { type: "resume", kind: "other", start: 0, key: 7, span: 3 } as const;
    expect(evictedOf([1, resume], [30, ...half], [33, failed])).toBe(1);
    expect(evictedOf([21, resume], [30, ...half], [33, failed])).toBe(0);
  });
});

describe("tools without a call id", () => {
  const ok = { brokenOff: true };
  const asksFor = (...names: readonly number[]) => [
    modelCall(2, 5),
    ...names.map((name, at) => request(2, 101 + at, name)),
  ];
  const came = (span: number, name: number, start: number, more: Partial<Signal> = {}) =>
    ended(tool(span, 1, start, { name }), start + 1, more);

  test("answer the calls of their name", () => {
    for (const [tools, want] of [
      [[came(3, 5, 5)], 1],
      [[came(3, 6, 5)], 1],
      [[came(3, 5, 5), came(4, 6, 5)], 0],
      [[], 0],
      [[came(3, 5, 5, { failed: true })], 0],
    ] as const) {
      expect(evictedOf([6, ...asksFor(5, 6), ...tools], [9, { ...harness, ...ok }])).toBe(want);
    }
  });

  test("that nobody asked for may be those that are missed, by other names", () => {
    expect(
      evictedOf([6, ...asksFor(5, 6), came(3, 5, 5), came(4, 7, 5)], [9, { ...harness, ...ok }]),
    ).toBe(0);
  });

  test("inside another tool answer nothing", () => {
    const inside = { ...came(4, 6, 5), parent: 3 };
    expect(
      evictedOf([6, ...asksFor(5, 6), came(3, 5, 5), inside], [9, { ...harness, ...ok }]),
    ).toBe(1);
  });

  test("of two of one name as many are missed as did not come", () => {
    expect(evictedOf([6, ...asksFor(5, 5), came(3, 5, 5)], [9, { ...harness, ...ok }])).toBe(1);
  });

  test("answer a call that was made before them", () => {
    const first = asksFor(5, 6);
    const second = [modelCall(12, 7.5), request(12, 111, 5), request(12, 112, 6)];
    const tools = [came(3, 5, 5), came(4, 6, 5.5), came(13, 6, 7.6)];
    const last = ended(run(1, 0, { sessions: [] }), 9, { failed: true });
    const brokenOff = { ...last, failed: false, brokenOff: true };
    // Of the second response tool 6 ran and tool 5 is missed; the first one is complete.
    expect(evictedOf([8, ...first, ...second, ...tools], [9, brokenOff])).toBe(1);
  });

  test("are known by name once they came when they were asked for", () => {
    const again = (span: number) =>
      inTrace(4, ...asksFor(5, 6), came(3, 5, 5)).map((signal) => ({
        ...signal,
        key: (signal.key ?? 0) > 0 ? (signal.key ?? 0) + span : 0,
      }));
    const learn = inTrace(3, ...asksFor(5, 6), came(3, 5, 5), came(4, 6, 5), harness);
    expect(evictedOf([6, ...again(20)], [9, { ...failed, trace: 4 }])).toBe(0);
    expect(evictedOf([3, ...learn], [26, ...again(20)], [29, { ...failed, trace: 4 }])).toBe(1);
  });

  test("are not looked for any more once their process reports starts", () => {
    const live = tool(20, 1, 0, { trace: 7 });
    expect(
      evictedOf(
        [6, ...asksFor(5, 6), came(3, 5, 5)],
        [7, live, ended(live, 7)],
        [9, { ...harness, ...ok }],
      ),
    ).toBe(0);
  });
});

describe("a tool that comes after it was evicted because it was asked for", () => {
  const late = (more: Partial<Signal> = {}) =>
    ended(tool(7, 6, 3000, { key: 101, name: 5, trace: 9, ...more }), 3001);
  const nextTurn = (trace: number) => ended(run(6, 2999, { trace }), 3002);

  function evicted(): History {
    const history = new History();
    history.arrive(0, ...known);
    history.arrive(6, ...half);
    history.arrive(9, failed);
    history.tick(100);
    expect(history.evicted).toBe(1);
    return history;
  }

  test("is the same tool: started and evicted once, and reconciled, also in another trace", () => {
    for (const trace of [9, 1]) {
      const history = evicted();
      history.arrive(3003, late({ trace, parent: trace === 9 ? 6 : 1 }), nextTurn(9));
      history.tick(4000);
      const { counters } = history.activity;
      // `known` and `half` have a tool each.
      expect(counters.started[2]).toBe(3);
      expect(counters.ended[2]).toBe(2);
      expect(counters.reconciled).toEqual([0, 0, 1, 0]);
      expect(history.events.filter(({ type }) => type === "reconciled")).toEqual([
        { type: "reconciled", kind: 2, lateByMs: (3003 - 19) * 1000 },
      ]);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("is that tool once: another one with the same call id is another one", () => {
    const history = evicted();
    history.arrive(3003, late(), late({ span: 8 }), nextTurn(9));
    history.tick(4000);
    const { counters } = history.activity;
    expect([counters.started[2], counters.ended[2], counters.reconciled[2]]).toEqual([4, 3, 1]);
    expect(history.imbalance()).toEqual([]);
  });

  test("counts as started anew when it is reported as it starts, like all that is revived", () => {
    const history = evicted();
    history.arrive(3000, run(6, 2999, { trace: 9 }), { ...late(), type: "start" });
    expect(history.activity.counters.reconciled).toEqual([0, 0, 1, 0]);
    history.arrive(3003, late(), nextTurn(9));
    history.tick(4000);
    const { counters } = history.activity;
    expect([counters.started[2], counters.ended[2], counters.reconciled[2]]).toEqual([4, 3, 1]);
    expect(history.imbalance()).toEqual([]);
  });

  test("was one if somebody else closed it", () => {
    const history = evicted();
    const own = late({ trace: 1, parent: 1, start: 5 });
    const others = ended(tool(40, 1, 5), 3001);
    history.arrive(3003, own, others);
    history.tick(4000);
    expect(history.activity.counters.reconciled).toEqual([0, 0, 0, 0]);
    expect(history.evicted).toBe(2);
    expect(history.imbalance()).toEqual([]);
  });

  test("takes nothing from what its run left without a name", () => {
    const history = evicted();
    history.arrive(3003, late(), nextTurn(9));
    // Outlives the run that asked: it would be the one without a name, if there were one left.
    history.arrive(3004, ended(tool(41, 1, 5), 3004));
    history.tick(4000);
    expect(history.activity.counters.reconciled).toEqual([0, 0, 1, 0]);
    expect(history.imbalance()).toEqual([]);
  });

  test("is new after max_age", () => {
    const history = evicted();
    const at = 43_200 + 20;
    history.arrive(at, ended(tool(7, 6, at - 1, { key: 101, name: 5, trace: 9 }), at));
    history.tick(at + 100);
    const { counters } = history.activity;
    expect([counters.started[2], counters.ended[2], counters.reconciled[2]]).toEqual([4, 3, 0]);
  });

  test("is asked for once, also when its model call is sent again", () => {
    const history = evicted();
    history.arrive(101, ...half, failed);
    history.tick(200);
    expect(history.evicted).toBe(1);
    expect(counted(history, "repeated")).toBe(1);
  });
});

describe("bounds of what models ask for", () => {
  const most = 100_000;
  const many = (signal: (at: number) => Signal) =>
    Array.from({ length: most }, (_, at) => signal(at));

  test("beyond 100 000 open calls new ones are untracked, and no orphans", () => {
    const history = new History({ maxTombstones: 1_000_000 });
    history.arrive(0, ...known, { ...modelCall(2, 5), trace: 8 });
    history.arrive(1, ...many((at) => ({ ...request(2, 1000 + at, 6), trace: 8 })));
    history.arrive(6, ...half);
    expect(counted(history, "untracked")).toBe(3);
    history.arrive(9, failed);
    history.tickInParts(60);
    expect(history.evicted).toBe(0);
  });

  test("when more than 100 000 tools come before their requests, no requests count for a lateness", () => {
    const tools = many((at) =>
      ended(tool(50 + at, 1, 5, { key: 1000 + at, name: 6, trace: 8 }), 6),
    );
    for (const [toolsAt, at, count, want] of [
      [4, 4, most, 0],
      [4, 4, most - 2, 1],
      [4, 40, most, 1],
      // What is forgotten came more than a lateness before.
      [30, 31, most, 1],
    ] as const) {
      const history = new History({ maxTombstones: 1_000_000 });
      history.arrive(0, ...known);
      history.arrive(3, ended(tool(7, 1, 5, { key: 101, name: 6, trace: 8 }), 6));
      history.arrive(toolsAt, ...tools.slice(0, count));
      history.arrive(at, ...half.map((signal) => (signal === lost ? request(2, 150, 5) : signal)));
      history.arrive(at + 2, failed);
      history.tickInParts(at + 100);
      expect(history.evicted, `${count} at ${toolsAt}, ${at}`).toBe(want);
    }
  });

  test("of more than 100 000 answers without a request the oldest are forgotten, and no requests count for a lateness", () => {
    for (const [count, want] of [
      [most, 0],
      [most - 1, 0],
    ] as const) {
      const history = new History({ maxTombstones: 1_000_000 });
      history.arrive(0, ...known);
      history.arrive(5, answer(2, 101));
      history.arrive(5, ...many((at) => answer(2, 1000 + at)).slice(0, count));
      history.arrive(6, ...half);
      history.arrive(9, failed);
      history.tickInParts(60);
      expect(history.evicted).toBe(want);
      expect(counted(history, "answered")).toBe(count === most ? 0 : 1);
    }
  });

  test("of more than 1000 waits for a person the oldest are forgotten, and no requests from before count", () => {
    const pause = { type: "pause", kind: "other", start: 0, span: 3 } as const;
    for (const [count, want] of [
      [1000, 0],
      [999, 1],
    ] as const) {
      const waits = Array.from({ length: count }, (_, at) => ({
        ...pause,
        key: at + 1,
        trace: 100 + at,
      }));
      const first = { ...pause, key: 9999, trace: 99 };
      expect(evictedOf([6, ...half], [7, first, ...waits], [9, failed])).toBe(want);
    }
  });

  test("of more than 100 000 evicted calls the oldest are forgotten: their tools count as new", () => {
    const history = new History({ maxTombstones: 1_000_000 });
    history.arrive(0, ...known);
    history.arrive(6, ...half);
    history.arrive(9, failed);
    history.tickInParts(100);
    for (let turn = 0; turn < 2; turn++) {
      const trace = 20 + turn;
      const at = 200 + turn * 100;
      history.arrive(
        at,
        ...inTrace(
          trace,
          asking,
          request(2, 500 + turn, 5),
          ended(tool(3, 1, 5, { key: 500 + turn, name: 5 }), 6),
        ),
      );
      history.arrive(
        at,
        ...inTrace(
          trace,
          ...many((at) => request(2, 1000 + turn * most + at, 5)).slice(0, most / 2),
        ),
      );
      history.arrive(at + 1, { ...failed, trace });
      history.tickInParts(at + 50);
    }
    expect(history.evicted).toBe(most + 1);
    history.arrive(3003, ended(tool(7, 6, 3000, { key: 101, name: 5, trace: 9 }), 3001));
    history.tick(4000);
    expect(history.activity.counters.reconciled[2]).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });
});
