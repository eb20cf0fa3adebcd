import { describe, expect, test } from "vitest";
import { Chance } from "../../../bench/accuracy/chance.ts";
import { writeStory } from "../../../bench/accuracy/gateway.ts";
import { PlainEvidence } from "../../../bench/accuracy/plain-evidence.ts";
import { scenariosOf } from "../../../bench/accuracy/scenarios.ts";
import { isOrphan, ownerOf, type Work } from "../../../bench/accuracy/story.ts";
import { HandMadeWorld, process } from "./hand-made-world.ts";

const never = Number.POSITIVE_INFINITY;

describe("the calls that models request", () => {
  const { habits } = scenariosOf("quick").find(({ name }) => name === "requests")!.world;
  const { works } = writeStory(habits, new Chance(1));
  const calls = works.filter(({ kind }) => kind === "model_call");
  const tools = works.filter(({ kind }) => kind === "tool");
  const requested = calls.flatMap((call) => call.requested.map((each) => ({ ...each, call })));

  test("and did not run in its turn is no work, but for what was approved and runs in a later turn", () => {
    const later = tools.filter(({ callId, spanId }) => callId !== spanId);
    expect(later.length).toBeGreaterThan(10);
    for (const tool of later) {
      const request = requested.find(({ id }) => id === tool.callId);
      expect(request?.name).toBe(tool.tool);
      expect(request!.call.session).toBe(tool.session);
      expect(ownerOf(request!.call)).not.toBe(ownerOf(tool));
      expect(tool.startMs).toBeGreaterThan(ownerOf(request!.call).endMs);
    }
    expect(later.filter(isOrphan)).toEqual([]);
  });

  test("is thrown away, refused and answered, left without an answer, or stands beside a final answer", () => {
    const answered = new Set(calls.flatMap((call) => call.answered ?? []));
    const withRunning = (call: Work) => tools.some(({ requestedBy }) => requestedBy === call);
    const refused = requested.filter(({ id, call }) => answered.has(id) && withRunning(call));
    const discarded = requested.filter(({ id, call }) => !answered.has(id) && !withRunning(call));
    const final = requested.filter(({ name }) => name === "final_result");
    expect(refused.length).toBeGreaterThan(20);
    expect(discarded.length).toBeGreaterThan(20);
    expect(final.length).toBeGreaterThan(20);
    expect(final.filter(({ id }) => answered.has(id))).toEqual([]);
  });

  test("and never ends is cancelled with its run, or the run continues and is its answer itself", () => {
    const hung = tools.filter((tool) => isOrphan(tool) && tool.requestedBy !== undefined);
    const cancelled = hung.filter((tool) => ownerOf(tool).isFailed);
    expect(cancelled.length).toBeGreaterThan(20);
    expect(hung.length).toBeGreaterThan(cancelled.length + 20);
  });
});

/** When it is known that `hung` never ends, in seconds; all arrives a second late, and each of `names` was reported before. */
function knownS(
  world: HandMadeWorld,
  hung: Work,
  {
    names = ["exec"],
    showsAnswers = true,
  }: { names?: readonly string[]; showsAnswers?: boolean } = {},
) {
  const before = world.turn(0, 5);
  for (const tool of names) {
    world.tool(before, 2, 3, { tool, requestedBy: world.modelCall(before, 1, 2) });
  }
  const evidence = new PlainEvidence(world.story, { arrivals: world.arrivals(), showsAnswers });
  return evidence.arrivalMs(hung) / 1_000;
}

/** A turn whose model call requests two tools, one of which never ends. */
function requestingTurn(more: { readonly isFailed?: boolean; readonly siblingEndS?: number } = {}) {
  const { isFailed = true, siblingEndS = 20 } = more;
  const world = new HandMadeWorld();
  const run = world.turn(10, 60, { isFailed });
  const call = world.modelCall(run, 11, 12);
  const hung = world.tool(run, 12, never, { requestedBy: call });
  if (siblingEndS > 0) {
    world.tool(run, 12, siblingEndS, { tool: "beside", requestedBy: call });
  }
  return { world, run, hung };
}

describe("a tool that was requested and never ends, where only finished spans arrive", () => {
  test("is known when its run has failed after a call beside it ran", () => {
    const { world, hung } = requestingTurn();
    expect(knownS(world, hung)).toBe(61);
  });

  test("is not known without a call beside it, nor if that ended with the run", () => {
    for (const siblingEndS of [0, 59.95]) {
      const { world, hung } = requestingTurn({ siblingEndS });
      expect([siblingEndS, knownS(world, hung)]).toEqual([siblingEndS, never]);
    }
  });

  test("is not known under a name that its process has not reported", () => {
    const { world, hung } = requestingTurn();
    expect(knownS(world, hung, { names: ["other"] })).toBe(never);
  });

  test("is not known when the run ends well, unless it called a model again whose input is not shown", () => {
    for (const [showsAnswers, callsAgain, wantS] of [
      [true, false, never],
      [true, true, never],
      [false, false, never],
      [false, true, 61],
    ] as const) {
      const { world, run, hung } = requestingTurn({ isFailed: false });
      if (callsAgain) {
        world.modelCall(run, 40, 50, showsAnswers ? { answered: [hung.callId] } : {});
      }
      expect([showsAnswers, callsAgain, knownS(world, hung, { showsAnswers })]).toEqual([
        showsAnswers,
        callsAgain,
        wantS,
      ]);
    }
  });

  test("is not known when its run ends longer after the request than that is remembered", () => {
    const world = new HandMadeWorld();
    const run = world.turn(10, 1_000, { isFailed: true });
    const call = world.modelCall(run, 11, 12);
    const hung = world.tool(run, 12, never, { requestedBy: call });
    world.tool(run, 12, 20, { requestedBy: call });
    expect(knownS(world, hung)).toBe(never);
  });

  test("looks like a call beside it that was refused, if the run breaks off before that is reported", () => {
    const { world, run } = requestingTurn();
    const call = world.works.find(({ kind }) => kind === "model_call")!;
    call.requested = [{ id: "refused", name: "exec" }];
    const evidence = (of: HandMadeWorld) =>
      new PlainEvidence(of.story, { arrivals: of.arrivals(), showsAnswers: true });
    expect(evidence(world).lookAlikesIn(run)).toBe(1);
    world.modelCall(run, 40, 50, { answered: ["refused"] });
    expect(evidence(world).lookAlikesIn(run)).toBe(0);
  });
});

describe("an orphan whose span its process closes as it stops", () => {
  const stopping = { ...process, diesMs: 500_000, death: "stops" as const };
  const closed = (world: HandMadeWorld, run: Work, more: Partial<Work> = {}) =>
    world.tool(run, 2, never, { closedMs: 500_000, ...more });

  test("is known if another one is closed with it, and not alone, nor with the one that it stands below", () => {
    const world = new HandMadeWorld();
    const run = world.turn(0, 60, { by: stopping });
    const hung = closed(world, run);
    expect(knownS(world, hung)).toBe(never);
    closed(world, run, { parent: hung });
    expect(knownS(world, hung)).toBe(never);
    closed(world, world.turn(70, 90, { by: stopping }));
    expect(knownS(world, hung)).toBe(501);
  });

  test("is known alone where it is OpenClaw that stops", () => {
    const world = new HandMadeWorld();
    const run = world.turn(0, 60, { by: { ...stopping, index: 1 } });
    // Two items that the harness run counts as open may be one tool.
    const [one, other] = [closed(world, run), closed(world, run)];
    expect([knownS(world, one), knownS(world, other)]).toEqual([61, 501]);
  });

  test("is not known if the clock was put back meanwhile, or a time is nonsense", () => {
    const clock = { driftPpm: 0, steps: [{ atMs: 100_000, offMs: -600_000 }] };
    for (const [by, stamp] of [
      [{ ...stopping, clock }, "right"],
      [stopping, "no start"],
    ] as const) {
      const world = new HandMadeWorld();
      const run = world.turn(0, 60, { by });
      closed(world, run, { stamp });
      expect([stamp, knownS(world, closed(world, run, { stamp }))]).toEqual([stamp, never]);
    }
  });
});

test("a harness run of OpenClaw counts what never ends, less the model calls that end after it", () => {
  const world = new HandMadeWorld();
  const run = world.turn(10, 60, { by: { ...process, index: 1 } });
  const [first, second] = [world.tool(run, 12, never), world.tool(run, 13, never)];
  world.modelCall(run, 59.9, 60.1);
  expect([knownS(world, first), knownS(world, second)]).toEqual([61, never]);
});
