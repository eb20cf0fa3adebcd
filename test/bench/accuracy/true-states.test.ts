import { describe, expect, test } from "vitest";
import { Owners } from "../../../bench/accuracy/owners.ts";
import type { Mode } from "../../../bench/accuracy/sender-dialect.ts";
import { TrueStates } from "../../../bench/accuracy/true-states.ts";
import { DeliveredView, realView } from "../../../bench/accuracy/views.ts";
import { HandMadeWorld, otherSession, process, session } from "./hand-made-world.ts";

const never = Number.POSITIVE_INFINITY;
const limits = { stalledAfterMs: 120_000, longRunningAfterMs: 300_000 };

/** What a session does at some moments: its state, what blocks it, and the verdicts on its open runs. */
function truthOf(
  world: HandMadeWorld,
  atS: readonly number[],
  by: { readonly mode?: Mode; readonly isReal?: boolean; readonly of?: { index: number } } = {},
) {
  const { mode = "relay", isReal = false, of = session } = by;
  const { story } = world;
  const owners = new Owners(story, mode);
  const view = isReal
    ? realView(story)
    : new DeliveredView(story, world.arrivals(), { mode, owners });
  const states = new TrueStates(owners, view, limits);
  return atS.map((seconds) => {
    const truth = states.at(`${process.index} ${of.index}`, seconds * 1_000);
    return truth === undefined
      ? "none"
      : [truth.state, truth.blockedBy, ...truth.verdicts.values()].join(" ");
  });
}

describe("a session", () => {
  test("is active, then long running, while something happens in it, and in no state without a run", () => {
    const world = new HandMadeWorld();
    const run = world.turn(0, 400);
    for (let at = 0; at < 400; at += 50) {
      world.tool(run, at, at + 40);
    }
    expect(truthOf(world, [10, 299, 301, 401])).toEqual([
      "active none progressing",
      "active none progressing",
      "long_running none progressing",
      "none",
    ]);
  });

  test("is blocked by a tool that is silent, and not while others come and go beside it", () => {
    const world = new HandMadeWorld();
    const run = world.turn(0, 600);
    world.tool(run, 1, 590);
    for (let at = 2; at < 200; at += 20) {
      world.tool(run, at, at + 15);
    }
    expect(truthOf(world, [150, 250, 400])).toEqual([
      "active none progressing",
      "active none progressing",
      "blocked_tool_call tool silent_tool",
    ]);
  });

  test("is stalled by a model call that is silent, and not by one that streams", () => {
    const world = new HandMadeWorld();
    const run = world.turn(0, 600);
    const progressMs = Array.from({ length: 20 }, (_, index) => index * 10_000);
    world.modelCall(run, 0, 600, { progressMs });
    expect(truthOf(world, [190, 309, 311])).toEqual([
      "active none progressing",
      "long_running none progressing",
      "stalled model_call silent_model_call",
    ]);
  });

  test("does not take a stream for progress where it is not reported", () => {
    const world = new HandMadeWorld();
    const run = world.turn(0, 600);
    const call = world.modelCall(run, 0, 600, { progressMs: [100_000] });
    expect(truthOf(world, [150], { isReal: true })).toEqual(["active none progressing"]);
    call.progressMs = [];
    expect(truthOf(world, [150])).toEqual(["stalled model_call silent_model_call"]);
  });

  test("is never blocked by the tool of a turn that has ended, but by what the next one does", () => {
    const world = new HandMadeWorld();
    world.tool(world.turn(0, 5), 1, never);
    world.modelCall(world.turn(6, 600), 7, 600);
    expect(truthOf(world, [8, 200])).toEqual([
      "active none progressing",
      "stalled model_call silent_model_call",
    ]);
  });

  test("is paused while its only tool waits for a person, as far as the gateway reports that", () => {
    const world = new HandMadeWorld();
    const reported = world.tool(world.turn(0, 600), 1, 600);
    world.pause(reported, 10, 500);
    expect(truthOf(world, [200, 501, 599], { isReal: true })).toEqual([
      "paused none waiting_for_person",
      "long_running none progressing",
      "long_running none progressing",
    ]);
    expect(truthOf(world, [200])).toEqual(["paused none waiting_for_person"]);
    world.pauses[0] = { ...world.pauses[0]!, isSignalled: false };
    expect(truthOf(world, [200])).toEqual(["blocked_tool_call tool silent_tool"]);
  });

  test("makes progress beside a tool that waits, unless the gateway reports that all of it waits", () => {
    const world = new HandMadeWorld();
    const run = world.turn(0, 100);
    world.pause(world.tool(run, 1, 90), 10, 80);
    world.tool(run, 2, 95);
    expect(truthOf(world, [50])).toEqual(["active none progressing"]);
    expect(truthOf(world, [50], { mode: "live" })).toEqual(["paused none waiting_for_person"]);
  });

  test("that waits for a sub-agent makes progress while that does, and has its culprit when it hangs", () => {
    const world = new HandMadeWorld();
    const spawning = world.tool(world.turn(0, 900), 1, 890);
    const agent = world.turn(2, 880, { above: spawning, of: otherSession });
    for (let at = 3; at < 300; at += 60) {
      world.tool(agent, at, at + 30);
    }
    world.modelCall(agent, 350, 870);
    expect(truthOf(world, [250, 500])).toEqual([
      "active none progressing",
      "stalled model_call silent_model_call",
    ]);
    expect(truthOf(world, [500], { of: otherSession })).toEqual([
      "stalled model_call silent_model_call",
    ]);
  });

  test("waits for a person when its sub-agent does, whatever the gateway names", () => {
    for (const mode of ["relay", "live"] as const) {
      const world = new HandMadeWorld();
      const spawning = world.tool(world.turn(0, 900), 1, 890);
      const agent = world.turn(2, 880, { above: spawning, of: otherSession });
      world.pause(world.tool(agent, 3, 870), 4, 860);
      expect(truthOf(world, [500], { mode })).toEqual(["paused none waiting_for_person"]);
    }
  });

  test("distinguishes a run that waits after a failed model call from one that does nothing", () => {
    const world = new HandMadeWorld();
    const run = world.turn(0, 900);
    world.modelCall(run, 1, 10, { isFailed: true });
    world.modelCall(run, 300, 310);
    expect(truthOf(world, [200, 500])).toEqual(["stalled run retrying", "stalled run wedged_run"]);
  });

  test("has a break between two turns of a queue", () => {
    const world = new HandMadeWorld();
    for (const [from, to] of [
      [0, 200],
      [200.05, 400],
    ] as const) {
      const run = world.turn(from, to);
      world.tool(run, from, to, { progressMs: [(from + 100) * 1_000] });
    }
    expect(truthOf(world, [310])).toEqual(["active none progressing"]);
  });
});
