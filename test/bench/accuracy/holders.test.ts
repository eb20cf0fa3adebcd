import { describe, expect, test } from "vitest";
import { Deadlines } from "../../../bench/accuracy/deadlines.ts";
import { Owners } from "../../../bench/accuracy/owners.ts";
import type { Mode } from "../../../bench/accuracy/sender-dialect.ts";
import { unwatchedMs, type Work } from "../../../bench/accuracy/story.ts";
import { HandMadeWorld, otherSession, process } from "./hand-made-world.ts";

const never = Number.POSITIVE_INFINITY;

/** When a marker is an orphan, and when it is due if all arrives a second late and the lateness is two. In seconds. */
function timesOf(world: HandMadeWorld, marker: Work, mode: Mode = "relay") {
  const rules = {
    mode,
    allowedLatenessMs: 2_000,
    stalledAfterMs: 120_000,
    longRunningAfterMs: 300_000,
    showsAnswers: false,
    longestDelayMs: 0,
  };
  const { story } = world;
  const owners = new Owners(story, mode);
  const deadlines = new Deadlines(story, { arrivals: world.arrivals(), owners, rules });
  return {
    orphanedS: deadlines.orphanedMs(marker) / 1_000,
    dueS: deadlines.dueMs(marker) / 1_000,
  };
}

describe("a marker that never ends", () => {
  test("is an orphan from the end of its own run, and due the lateness after that arrived", () => {
    const world = new HandMadeWorld();
    const hung = world.tool(world.turn(0, 5), 1, never);
    expect(timesOf(world, hung)).toEqual({ orphanedS: 5, dueS: 8 });
  });

  test("is not held by the turns that begin after its run has ended, however soon and however many", () => {
    const world = new HandMadeWorld();
    const hung = world.tool(world.turn(0, 5), 1, never);
    for (let turn = 0; turn < 119; turn++) {
      world.turn(5.05 + turn, 6 + turn);
    }
    world.modelCall(world.turn(124.05, 500), 125, 500);
    expect(timesOf(world, hung)).toEqual({ orphanedS: 5, dueS: 8 });
  });

  test("is held by a run of its session that was open at the same time, but not by one that only that overlaps", () => {
    const world = new HandMadeWorld();
    const hung = world.tool(world.turn(0, 3), 1, never);
    world.turn(2, 5);
    world.turn(4, 60);
    expect(timesOf(world, hung)).toEqual({ orphanedS: 5, dueS: 8 });
  });

  test("is let go by an overlapping run that has made no progress for two minutes", () => {
    const world = new HandMadeWorld();
    const hung = world.tool(world.turn(0, 3), 1, never);
    world.modelCall(world.turn(2, 900), 10, 900);
    expect(timesOf(world, hung)).toEqual({ orphanedS: 130, dueS: 130 });
  });

  test("is held by the run directly above its own", () => {
    const world = new HandMadeWorld();
    const outer = world.turn(0, 3);
    const hung = world.tool(world.turn(0.2, 1, { above: outer }), 0.5, never);
    expect(timesOf(world, hung)).toEqual({ orphanedS: 3, dueS: 6 });
  });

  test("in a sub-agent is not held by anything above the tool that started it", () => {
    const world = new HandMadeWorld();
    const outer = world.turn(0, 3);
    const spawning = world.tool(outer, 0.1, never);
    const hung = world.tool(world.turn(0.2, 1, { above: spawning }), 0.5, never);
    expect(timesOf(world, hung)).toEqual({ orphanedS: 1, dueS: 4 });
    expect(timesOf(world, spawning)).toEqual({ orphanedS: 3, dueS: 6 });
  });

  test("is held by a sub-agent below itself, but not by one below another tool", () => {
    const world = new HandMadeWorld();
    const run = world.turn(0, 1);
    const hung = world.tool(run, 0.5, never);
    const spawning = world.tool(run, 0.6, never);
    const agent = world.turn(0.7, 90, { above: spawning, of: otherSession });
    world.tool(agent, 1.2, 89);
    expect(timesOf(world, hung)).toEqual({ orphanedS: 1, dueS: 4 });
    expect(timesOf(world, spawning)).toEqual({ orphanedS: 90, dueS: 93 });
  });

  test("is due by the report that its session is idle where the end of its run was lost", () => {
    const world = new HandMadeWorld();
    const hung = world.tool(world.turn(0, 5, { isEndLost: true }), 1, never);
    expect(timesOf(world, hung)).toEqual({ orphanedS: 5, dueS: never });
    world.idle(5.01, 3);
    expect(timesOf(world, hung)).toEqual({ orphanedS: 5, dueS: never });
    world.idle(60);
    expect(timesOf(world, hung)).toEqual({ orphanedS: 5, dueS: 63 });
  });

  test("is an orphan when its process is killed, whatever held it", () => {
    const world = new HandMadeWorld();
    const killed = { ...process, diesMs: 4_000 };
    const hung = world.tool(world.turn(0, 5), 1, never, { process: killed, orphanedMs: 4_000 });
    expect(timesOf(world, hung).orphanedS).toBe(4);
  });

  test("has the tree of its runs for a session where none is named", () => {
    const world = new HandMadeWorld();
    const hung = world.tool(world.turn(0, 3), 1, never);
    world.turn(2, 5);
    const unnaming = world.works.map((work) => ({ ...work, process: { ...process, index: 1 } }));
    world.works.splice(0, world.works.length);
    for (const work of unnaming) {
      const parent = work.parent === undefined ? undefined : world.works[work.parent.index];
      world.works.push({ ...work, parent });
    }
    expect(timesOf(world, world.works[hung.index]!, "live")).toEqual({ orphanedS: 3, dueS: 6 });
  });
});

test("a marker that ends is never an orphan", () => {
  const world = new HandMadeWorld();
  const late = world.tool(world.turn(0, 5), 1, 5.05);
  expect(timesOf(world, late).orphanedS).toBe(never);
});

describe("work that was open when its process was no longer watched", () => {
  const unwatched = [{ fromMs: 50_000, toMs: 90_000 }];
  const knows = (startS: number, endS: number, ownerEndS: number, more: Partial<Work> = {}) => {
    const world = new HandMadeWorld();
    const run = world.turn(Math.min(startS, 10), ownerEndS, { by: { ...process, unwatched } });
    const tool = world.tool(run, startS, endS, more);
    const rules = {
      mode: "relay",
      allowedLatenessMs: 2_000,
      stalledAfterMs: 120_000,
      longRunningAfterMs: 300_000,
      showsAnswers: false,
      longestDelayMs: 0,
    } as const;
    const { story } = world;
    const arrivals = world.arrivals();
    const deadlines = new Deadlines(story, { arrivals, owners: new Owners(story, "relay"), rules });
    return deadlines.isKnowable(tool);
  };

  test("can't be known, nor can what was due only then, or began below it", () => {
    expect(knows(20, never, 60)).toBe(false);
    expect(knows(20, never, 49)).toBe(false);
    expect(knows(95, 120, 130)).toBe(false);
  });

  test("is not what had ended or was due before, or has a run that began when it was watched again", () => {
    expect(knows(20, 45, 60)).toBe(true);
    expect(knows(20, never, 40)).toBe(true);
    expect(unwatchedMs({ ...new HandMadeWorld().turn(95, 120), process })).toBe(never);
  });
});
