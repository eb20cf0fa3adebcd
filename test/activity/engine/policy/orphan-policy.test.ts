import { describe, expect, test } from "vitest";
import type { ActivityEvent } from "../../../../src/activity/model/events.ts";
import type { Signal } from "../history.ts";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

const none = () => ({ total: 0, largest: 0 });
const mass = () => ({ total: 100, largest: 0 });

/** Evictions as [second, reason, confidence, how many]. */
const evictionsOf = (events: readonly ActivityEvent[]) =>
  events.flatMap((event) =>
    event.type === "evicted"
      ? [[event.atMs / 1000, event.confidence, event.tools + event.modelCalls]]
      : [],
  );

const unwatched = (process: number): Signal => ({
  ...{ type: "unwatched", kind: "other", dialect: "liveSpan" },
  ...{ span: 0, start: 2, process },
});

/** What a decision about the owner of the run 1 at `atS` evicts, without waiting for its deadline. */
function decided(atS: number, ...steps: readonly (readonly [number, ...Signal[]])[]) {
  const fixture = new EngineFixture({ stalledAfterMs: 60_000 });
  for (const [at, ...signals] of steps) {
    fixture.arrive(at, ...signals);
  }
  fixture.parts.orphanPolicy.decide(fixture.owner(1), atS * 1000, none);
  return evictionsOf([...fixture.events, ...fixture.parts.events]);
}

describe("a marker of a run that ended at 5 s", () => {
  const start: readonly [number, ...Signal[]] = [0, run(1), tool(2, 1)];
  const end: readonly [number, ...Signal[]] = [5, ended(run(1), 5)];

  for (const [what, atS, steps, evicted] of [
    ["is an orphan a lateness later", 15, [start, end], [[15, "confirmed", 1]]],
    ["is none before", 14.9, [start, end], []],
    ["is none while its run is open", 100, [start], []],
    ["is none after its own end", 15, [start, end, [6, ended(tool(2, 1), 4)]], []],
    [
      "has a lateness of its own if it arrived later",
      15,
      [[0, run(1)], end, [6, tool(2, 1, { start: 4 })]],
      [],
    ],
    [
      "is none while work below it is open",
      15,
      [start, [1, run(3, { parent: 2, sessions: [2] })], end],
      [],
    ],
    [
      "is none if it may outlive its run",
      15,
      [[0, run(1), tool(2, 1, { isDetached: true })], end],
      [],
    ],
  ] as const) {
    test(what, () => {
      expect(decided(atS, ...steps)).toEqual(evicted);
    });
  }
});

describe("a marker whose run is in another process and ended at 5 s", () => {
  const own = run(4, { process: 2, sessions: [1] });
  const retry = run(6, { process: 2, sessions: [1], start: 1 });
  const start = [0, own, run(1), tool(5, 4)] as const;
  const end = [5, ended(own, 5)] as const;
  for (const [what, steps, evicted] of [
    ["is an orphan a lateness later", [start, end], [[15, "presumed", 1]]],
    [
      "waits for a run that was open at the same time, and a lateness longer",
      [start, [1, retry], end, [20, ended(retry, 20)]],
      [[30, "presumed", 1]],
    ],
    [
      "is an orphan when that one has been silent for a minute",
      [start, [1, retry], end],
      [[61, "presumed", 1]],
    ],
    [
      "is no surer to be over than the tool around it, which may outlive the run",
      [
        [0, own, tool(5, 4, { isDetached: true, interval: 5 }), tool(7, 5)],
        [5, ended(own, 5)],
      ],
      [[50, "presumed", 1]],
    ],
    ["is none when its run is no longer watched", [start, [2, unwatched(2)]], []],
  ] as const) {
    test(what, () => {
      const fixture = new EngineFixture({ stalledAfterMs: 60_000 });
      for (const [at, ...signals] of steps) {
        fixture.arrive(at, ...(signals as Signal[]));
      }
      fixture.tick(200);
      const orphans = fixture.events.filter(
        (event) => event.type === "evicted" && event.reason === "orphaned_no_owner",
      );
      expect(evictionsOf(orphans)).toEqual(evicted);
    });
  }
});

describe("an unresolved marker", () => {
  const link: Signal = { type: "end", kind: "other", span: 4, start: 0, end: 1 };
  for (const [what, steps, evicted] of [
    [
      "is a presumed orphan a lateness after the end of the run that held it",
      [
        [0, run(1), tool(5, 4)],
        [5, ended(run(1), 5)],
      ],
      [[15, "presumed", 1]],
    ],
    ["is none while no run is known that it could belong to", [[0, tool(5, 4)]], []],
    ["is none while no run is known, also without a parent", [[0, tool(5, 4), link]], []],
    [
      "is a presumed orphan if no run of its trace was open when it started",
      [
        [0, run(1)],
        [1, ended(run(1), 1)],
        [5, tool(5, 4, { start: 5 }), link],
      ],
      [[15, "presumed", 1]],
    ],
    [
      "is none because of a run that becomes known more than a lateness after it started",
      [
        [0, tool(5, 4), link],
        [12, run(1, { start: 12 })],
        [13, ended(run(1, { start: 12 }), 13)],
      ],
      [],
    ],
    ["is none while its parent may still arrive", [[0, tool(5, 4), run(1, { trace: 2 })]], []],
  ] as const) {
    test(what, () => {
      const fixture = new EngineFixture();
      for (const [at, ...signals] of steps) {
        fixture.arrive(at, ...signals);
      }
      fixture.parts.orphanPolicy.decide(fixture.owner(5), 15_000, none);
      expect(evictionsOf([...fixture.events, ...fixture.parts.events])).toEqual(evicted);
    });
  }
});

test("one of a mass waits for another lateness, once", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1), tool(2, 1));
  fixture.arrive(5, ended(run(1), 5));
  const { orphanPolicy, ownerTimers, events } = fixture.parts;
  const owner = fixture.owner(1);
  orphanPolicy.decide(owner, 15_000, mass);
  expect(evictionsOf(events)).toEqual([]);
  expect(ownerTimers.currentOf(owner)).toBe(25_000);
  orphanPolicy.decide(owner, 25_000, mass);
  expect(evictionsOf(events)).toEqual([[25, "confirmed", 1]]);
});

test("a marker that waited for work below it is due a lateness after that closed, and not before", () => {
  const fixture = new EngineFixture();
  const below = run(3, { parent: 2, sessions: [2] });
  fixture.arrive(0, run(1), tool(2, 1), below);
  fixture.arrive(5, ended(run(1), 5));
  fixture.tick(20);
  fixture.arrive(30, ended(below, 30));
  expect(fixture.parts.ownerTimers.currentOf(fixture.owner(1))).toBe(40_000);
});

test("a marker that its run closed is an orphan at once, and its end was reported", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1), tool(2, 1));
  fixture.arrive(5, { ...ended(tool(2, 1), 5), closedByRun: true });
  expect(evictionsOf(fixture.events)).toEqual([[5, "confirmed", 1]]);
  fixture.arrive(6, ended(tool(2, 1), 5));
  expect(fixture.events.filter(({ type }) => type === "reconciled")).toEqual([]);
});
