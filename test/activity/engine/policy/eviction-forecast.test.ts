import { describe, expect, test } from "vitest";
import { DueQueue, timerRanks } from "../../../../src/activity/engine/schedule/due-queue.ts";
import { ownerFlags } from "../../../../src/activity/engine/store/owner-table.ts";
import type { Signal } from "../history.ts";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

const emptyQueue = () => new DueQueue([]);

describe("a decision about an owner evicts", () => {
  const steps = {
    open: [[0, run(1), tool(2, 1), tool(3, 1)]],
    ended: [
      [0, run(1), tool(2, 1), tool(3, 1)],
      [5, ended(run(1), 5)],
    ],
    detached: [
      [0, run(1), tool(2, 1, { isDetached: true }), tool(3, 1)],
      [5, ended(run(1), 5)],
    ],
  } satisfies Record<string, readonly (readonly [number, ...Signal[]])[]>;

  for (const [what, history, atS, markers] of [
    ["the markers that it left, a lateness after its end", "ended", 15, 2],
    ["none before", "ended", 14.9, 0],
    ["none while its run is open", "open", 100, 0],
    ["only those that may not outlive it", "detached", 15, 1],
  ] as const) {
    test(what, () => {
      const fixture = new EngineFixture();
      for (const [at, ...signals] of steps[history]) {
        fixture.arrive(at as number, ...(signals as Signal[]));
      }
      expect(fixture.parts.forecast.markersOf(fixture.owner(1), atS * 1000)).toBe(markers);
    });
  }

  describe("markers whose run is in another process", () => {
    const own = run(4, { process: 2, sessions: [1] });
    const retry = run(6, { process: 2, sessions: [1] });
    const end = [5, ended(own, 5)] as const;
    for (const [what, steps, atS, markers] of [
      ["a lateness after its end", [end], 15, 1],
      ["not before", [end], 14.9, 0],
      ["not while it is open", [], 100, 0],
      ["not while a run holds them that was open at the same time", [[1, retry], end], 15, 0],
    ] as const) {
      test(what, () => {
        const fixture = new EngineFixture();
        for (const [at, signal] of [[0, own], [0, tool(5, 4)], ...steps] as const) {
          fixture.arrive(at, signal);
        }
        expect(fixture.parts.forecast.markersOf(fixture.owner(5), atS * 1000)).toBe(markers);
      });
    }
  });

  test("none of a run that is not watched any more", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), tool(2, 1));
    fixture.arrive(5, ended(run(1), 5));
    fixture.parts.store.owners.setFlag(fixture.owner(1), ownerFlags.unwatched);
    expect(fixture.parts.forecast.markersOf(fixture.owner(1), 15_000)).toBe(0);
  });
});

test("owners that end together are counted with the one that is decided, and those of one session apart", () => {
  const fixture = new EngineFixture();
  for (const [trace, session, tools] of [
    [1, 1, 2],
    [2, 2, 3],
    [3, 3, 1],
  ] as const) {
    const each = run(1, { trace, sessions: [session] });
    const rest = Array.from({ length: tools }, (_, at) => tool(2 + at, 1, { trace }));
    fixture.arrive(trace, each, ...rest);
    fixture.arrive(trace, ended(each, trace));
  }
  const { forecast } = fixture.parts;
  const decided = fixture.owner(1);
  fixture.parts.ownerTimers.cancel(decided);
  const due = (untilMs: number) =>
    forecast.byOwners(decided, timerRanks.owner, emptyQueue(), untilMs);
  expect(due(11_000)).toEqual({ total: 2, largest: 2 });
  expect(due(13_000)).toEqual({ total: 6, largest: 3 });
});

test("the end of a session evicts its open markers", () => {
  const fixture = new EngineFixture();
  const s1 = { sessions: [1] };
  fixture.arrive(0, run(1, s1), tool(2, 1), tool(3, 1));
  const { forecast } = fixture.parts;
  expect(forecast.markersOfSession(fixture.group(1))).toBe(0);
  fixture.arrive(5, { type: "sessionEnd", kind: "other", span: 0, start: 5, end: 5, ...s1 });
  expect(forecast.markersOfSession(fixture.group(1))).toBe(2);
});

test("of a silent process each marker counts once, also where it is silent itself", () => {
  const fixture = new EngineFixture();
  const alive: Signal = { type: "alive", kind: "other", span: 0, start: 0, interval: 10 };
  fixture.arrive(0, run(1), tool(2, 1, { interval: 10 }), tool(3, 1), alive);
  fixture.arrive(0, run(1, { process: 2 }), tool(2, 1, { process: 2, interval: 10 }));
  const due = (untilMs: number) =>
    fixture.parts.forecast.byExpiry(1, timerRanks.process, emptyQueue(), untilMs);
  expect(due(29_999)).toEqual({ total: 0, largest: 0 });
  expect(due(30_000)).toEqual({ total: 3, largest: 0 });
});
