import { describe, expect, test } from "vitest";
import { Chance } from "../../../bench/accuracy/chance.ts";
import { writeStory } from "../../../bench/accuracy/gateway.ts";
import { Owners } from "../../../bench/accuracy/owners.ts";
import { scenariosOf } from "../../../bench/accuracy/scenarios.ts";
import type { Mode } from "../../../bench/accuracy/sender-dialect.ts";
import { type GatewayProcess, isOrphan, type Work } from "../../../bench/accuracy/story.ts";
import { DeliveredView } from "../../../bench/accuracy/views.ts";
import { HandMadeWorld, process } from "./hand-made-world.ts";

const never = Number.POSITIVE_INFINITY;
const { habits } = scenariosOf("quick").find(({ name }) => name === "siblings")!.world;
const story = writeStory(habits, new Chance(1));
const pairs = story.processes.flatMap((one) =>
  story.processes.filter((other) => other !== one && other.host === one.host).map((o) => [one, o]),
) as [GatewayProcess, GatewayProcess][];
const liveAtOnce = ([one, other]: [GatewayProcess, GatewayProcess]) =>
  one.bornMs < other.diesMs && other.bornMs < one.diesMs;

describe("siblings on one host", () => {
  test("live at once, and a successor before its predecessor has stopped", () => {
    expect(pairs.filter(liveAtOnce).length).toBeGreaterThan(50);
    const overlaps = pairs.filter(
      ([one, other]) =>
        one.death === "stops" && other.bornMs < one.diesMs && other.bornMs > one.diesMs - 121_000,
    );
    expect(overlaps.length).toBeGreaterThan(5);
  });

  test("in containers have one host name and pid and differ by their instance id, forks not even by that", () => {
    const samePid = pairs.filter(
      ([one, other]) => one.pid === other.pid && liveAtOnce([one, other]),
    );
    const isFork = ([one, other]: [GatewayProcess, GatewayProcess]) => one.isFork || other.isFork;
    const containers = samePid.filter((pair) => !isFork(pair));
    expect(containers.length).toBeGreaterThan(5);
    expect(containers.filter(([one, other]) => one.instance === other.instance)).toEqual([]);
    const forks = story.processes.filter((each) => each.isFork);
    expect(forks.length).toBeGreaterThan(5);
    for (const fork of forks) {
      const parents = story.processes.filter(
        (each) => !each.isFork && each.pid === fork.pid && each.instance === fork.instance,
      );
      expect(
        parents.some(({ bornMs, diesMs }) => bornMs < fork.bornMs && diesMs > fork.diesMs),
      ).toBe(true);
    }
  });

  test("without an instance id differ by their pid", () => {
    const unnamed = story.processes.filter((each) => each.instance === "" && !each.isFork);
    const slots = unnamed.map(({ host, pid }) => `${host} ${pid}`);
    expect([slots.length > 5, new Set(slots).size]).toEqual([true, slots.length]);
  });

  test("use the same session names, each its own session", () => {
    const processesOf = new Map<string, Set<number>>();
    for (const { session } of story.works) {
      const known = processesOf.get(session.name) ?? new Set();
      processesOf.set(session.name, known.add(session.index));
    }
    const twins = [...processesOf].filter(([, sessions]) => sessions.size > 1);
    expect(twins.length).toBeGreaterThan(5);
    const owners = new Owners(story, "relay");
    for (const [name, sessions] of twins) {
      expect([name, sessions.size]).toEqual([name, 2]);
      const works = story.works.filter((work) => work.session.name === name);
      const keyed = new Map(works.map((work) => [owners.sessionOf(work), work.process]));
      expect(keyed.size).toBe(new Set(works.map(({ process: by }) => by.index)).size);
    }
  });

  test("take no new turn once their successor is there", () => {
    const slots = story.processes.filter(({ isFork }) => !isFork);
    for (const one of slots.filter(({ death, diesMs }) => death === "stops" && diesMs < never)) {
      const turns = story.works.filter(
        (work) => work.process === one && work.kind === "harness" && work.parent === undefined,
      );
      expect(turns.filter(({ startMs }) => startMs > one.diesMs - 4_000)).toEqual([]);
    }
  });
});

test("a session ends only while nothing of it is open in its process but what never ends, and nothing begins soon after", () => {
  expect(story.sessionEnds.length).toBeGreaterThan(20);
  for (const { session, process: by, atMs } of story.sessionEnds) {
    const own = story.works.filter((work) => work.session === session && work.process === by);
    const overMs = (work: Work) =>
      Math.min(isOrphan(work) ? work.orphanedMs : work.endMs, by.diesMs);
    expect(own.filter((work) => work.startMs < atMs && atMs < overMs(work))).toEqual([]);
    expect(own.filter(({ startMs }) => atMs <= startMs && startMs < atMs + 20_000)).toEqual([]);
  }
  const beside = story.sessionEnds.filter(({ session, atMs }) =>
    story.works.some(
      (work) =>
        work.session.name === session.name &&
        work.session !== session &&
        work.startMs < atMs &&
        atMs < work.endMs,
    ),
  );
  expect(beside.length).toBeGreaterThan(0);
});

for (const [what, mode, more, endS] of [
  ["that promised heartbeats", "live", { beatMs: 10_000 }, 50],
  ["without heartbeats", "live", { beatMs: 0 }, never],
  ["that was forked, whose parent lives on", "live", { beatMs: 0, isFork: true }, never],
  ["whose spans promise heartbeats", "partial_logs", { beatMs: 0 }, 50],
  ["with the relay", "relay", { beatMs: 0 }, 50],
] as const) {
  test(`the run of a killed process ${what} is over for those who receive it: ${endS} s`, () => {
    const world = new HandMadeWorld();
    const killed = { ...process, ...more, diesMs: 50_000, death: "killed" as const };
    const run = world.turn(0, never, { by: killed });
    const owners = new Owners(world.story, mode as Mode);
    const view = new DeliveredView(world.story, world.arrivals(), { mode, owners });
    expect(view.endMs(run) / 1_000).toBe(endS);
  });
}
