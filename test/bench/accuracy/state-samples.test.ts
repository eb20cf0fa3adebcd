import { describe, expect, test } from "vitest";
import { countAlerts } from "../../../bench/accuracy/alerts.ts";
import { ArrivalTimes } from "../../../bench/accuracy/arrival-times.ts";
import { Chance } from "../../../bench/accuracy/chance.ts";
import { type ClaimAnswer, scoreClaims } from "../../../bench/accuracy/claim-score.ts";
import { type Habits, writeStory } from "../../../bench/accuracy/gateway.ts";
import { Owners } from "../../../bench/accuracy/owners.ts";
import { scenariosOf } from "../../../bench/accuracy/scenarios.ts";
import { scoreSiblings } from "../../../bench/accuracy/sibling-score.ts";
import { type RunReading, readStates } from "../../../bench/accuracy/state-reading.ts";
import { StateTruth, scoreStates, shareRight } from "../../../bench/accuracy/state-samples.ts";
import type { GatewayClaim, Story, Work } from "../../../bench/accuracy/story.ts";
import { DeliveredView } from "../../../bench/accuracy/views.ts";
import { HandMadeWorld, process, session } from "./hand-made-world.ts";

const never = Number.POSITIVE_INFINITY;
const limits = { stalledAfterMs: 120_000, longRunningAfterMs: 300_000 };

function truthOf(story: Story, arrivals: ArrivalTimes) {
  const owners = new Owners(story, "relay");
  const delivered = new DeliveredView(story, arrivals, { mode: "relay", owners });
  const truth = new StateTruth(story, { owners, delivered, limits, settlingMs: 11_500 });
  return { owners, truth, works: new Map(story.works.map((work) => [work.spanId, work])) };
}

/** A tool of the first turn never ends; the model call of the second is silent. */
function staleNextTurn() {
  const world = new HandMadeWorld();
  const first = world.turn(0, 5);
  const hung = world.tool(first, 1, never);
  const second = world.turn(6, 600);
  world.modelCall(second, 7, 600);
  return { world, hung, owner: second.parent!.spanId };
}

const blocked = { state: "stalled", blockedBy: "model_call", verdict: "silent_model_call" };

describe("states of a collector", () => {
  /** The score of a collector that reports `readingAt` for the second turn at some seconds. */
  function scoreOf(
    readingAt: (atS: number) => Omit<RunReading, "spanId"> | undefined,
    atS: number[],
  ) {
    const { world, owner } = staleNextTurn();
    const { truth, works } = truthOf(world.story, world.arrivals());
    const samples = atS.map((seconds) => {
      const reading = readingAt(seconds);
      return {
        atMs: seconds * 1_000,
        runs: reading === undefined ? [] : [{ ...reading, spanId: owner }],
      };
    });
    return scoreStates(samples, truth, works);
  }

  test("are right when they name what truly blocks the session", () => {
    const score = scoreOf(() => blocked, [200, 300, 500]);
    expect(score).toMatchObject({ settled: 3, settledRight: 3, changing: 0, wrong: [] });
  });

  for (const [name, wrong] of [
    [
      "blame the tool of a turn that has ended",
      { ...blocked, state: "blocked_tool_call", blockedBy: "tool", verdict: "silent_tool" },
    ],
    ["have the right state and the wrong verdict", { ...blocked, verdict: "wedged_run" }],
    ["have the right verdict and the wrong state", { ...blocked, state: "active" }],
    ["have no open run where there is one", undefined],
  ] as const) {
    test(`are wrong when they ${name}`, () => {
      const score = scoreOf((atS) => (atS === 300 ? wrong : blocked), [200, 300]);
      expect([score.settled, score.settledRight, shareRight(score)]).toEqual([2, 1, 0.5]);
      expect(score.wrong[0]?.truth).toContain("stalled, blocked by model_call");
    });
  }

  test("are wrong when they have an open run where there is none", () => {
    const score = scoreOf(() => blocked, [700]);
    expect([score.settled, score.settledRight]).toEqual([1, 0]);
  });

  test("are counted apart within the lateness and the delay of delivery after a change", () => {
    const score = scoreOf(() => blocked, [130, 605, 612]);
    expect([score.changing, score.changingRight, score.settled]).toEqual([2, 1, 1]);
  });

  test("are counted apart until the heartbeats of a process that was killed are missed", () => {
    const world = new HandMadeWorld();
    const killed = { ...process, diesMs: 50_000 };
    world.turn(0, never);
    const [harness, run] = world.works.map((work) => ({ ...work, process: killed }));
    world.works.splice(0, 2, harness!, { ...run!, parent: harness });
    const { truth, works } = truthOf(world.story, world.arrivals());
    const runs = [{ ...blocked, spanId: world.works[0]!.spanId }];
    const samples = [
      { atMs: 100_000, runs },
      { atMs: 130_000, runs },
    ];
    expect(scoreStates(samples, truth, works)).toMatchObject({ changing: 1, settled: 1 });
  });

  test("are counted apart where it can't be known what the session does", () => {
    const world = new HandMadeWorld();
    const run = world.turn(0, 600);
    world.pause(world.tool(run, 1, 600), 2, 600, false);
    const { truth, works } = truthOf(world.story, world.arrivals());
    const silent = { state: "blocked_tool_call", blockedBy: "tool", verdict: "silent_tool" };
    const samples = [{ atMs: 300_000, runs: [{ ...silent, spanId: run.parent!.spanId }] }];
    expect(scoreStates(samples, truth, works)).toMatchObject({
      settled: 0,
      unknowable: 1,
      unknowableAsDelivered: 1,
    });
    const stalls = [{ atMs: 130_000, spanId: run.spanId }];
    expect(countAlerts(stalls, truth, works)).toEqual({ stalls: 1, unknowable: 1, wrong: 0 });
  });
});

test("a stall that is reported of a session which makes progress is found out", () => {
  const world = new HandMadeWorld();
  const run = world.turn(0, 600);
  for (let at = 0; at < 600; at += 50) {
    world.tool(run, at, at + 45);
  }
  const { truth, works } = truthOf(world.story, world.arrivals());
  const stalls = [
    { atMs: 200_000, spanId: run.spanId },
    { atMs: 1, spanId: "ff" },
  ];
  expect(countAlerts(stalls, truth, works)).toEqual({ stalls: 2, unknowable: 0, wrong: 2 });
});

describe("an answer to what a gateway complains of", () => {
  const claimOf = (work: Work | undefined, atS: number, queueDepth = 0): GatewayClaim => {
    const about = { session, process, work, queueDepth, first: undefined };
    return { index: 0, type: "stalled", atMs: atS * 1_000, ...about };
  };
  const scoreOf = (pick: (hung: Work) => GatewayClaim, answers: readonly ClaimAnswer[]) => {
    const { world, hung } = staleNextTurn();
    const claim = pick(hung);
    const story = { ...world.story, claims: [claim] };
    const arrivals = world.arrivals();
    arrivals.record({ what: "claim", claim, atMs: claim.atMs, seq: 1 }, claim.atMs + 500);
    return scoreClaims(story, { arrivals, truth: truthOf(story, arrivals).truth, answers });
  };
  const answer = (atS: number, verdict: string) => [
    { atMs: atS * 1_000 + 500, claim: "stalled", verdict, spanId: "" },
  ];

  test("is right when it is what was so as the complaint arrived", () => {
    for (const [claim, verdict] of [
      [(hung: Work) => claimOf(hung, 300), "stale_marker"],
      [() => claimOf(undefined, 300), "silent_model_call"],
      [() => claimOf(undefined, 60), "progressing"],
      [() => claimOf(undefined, 700, 2), "queued_only"],
      [() => claimOf(undefined, 700), "unknown"],
    ] as const) {
      const { atMs } = claim({} as Work);
      expect(scoreOf(claim, answer(atMs / 1_000, verdict))).toMatchObject({ claims: 1, right: 1 });
    }
  });

  test("is wrong when it is another one, comes later, or never", () => {
    const claim = (hung: Work) => claimOf(hung, 300);
    for (const answers of [answer(300, "silent_tool"), answer(310, "stale_marker"), []]) {
      expect(scoreOf(claim, answers)).toMatchObject({ claims: 1, right: 0 });
    }
  });
});

describe("a tool that is silent beside others", () => {
  const world = new HandMadeWorld();
  const run = world.turn(0, 600);
  const silent = world.tool(run, 1, 590);
  for (let at = 2; at < 300; at += 20) {
    world.tool(run, at, at + 15);
  }
  const { truth } = truthOf(world.story, world.arrivals());
  const report = (spanId: string) => ({
    atMs: 122_000,
    claim: "none",
    verdict: "silent_tool",
    spanId,
  });

  test("is to be reported once", () => {
    for (const [reports, reported, wrong] of [
      [[report(silent.spanId)], 1, 0],
      [[], 0, 0],
      [[report(silent.spanId), report(silent.spanId)], 1, 1],
      [[report(run.spanId)], 0, 1],
    ] as const) {
      const score = scoreSiblings(world.story, truth, reports);
      expect(score).toEqual({ silences: 1, reported, wrong });
    }
  });

  test("is not when it waits for a person, or when all is silent", () => {
    world.pause(silent, 10, 580);
    const waiting = truthOf(world.story, world.arrivals());
    expect(scoreSiblings(world.story, waiting.truth, []).silences).toBe(0);
    const alone = new HandMadeWorld();
    alone.tool(alone.turn(0, 600), 1, 590);
    const { truth: ofAlone } = truthOf(alone.story, alone.arrivals());
    expect(scoreSiblings(alone.story, ofAlone, []).silences).toBe(0);
  });
});

test("a collector that reports at any moment the state of a second before is never wrong", () => {
  const scenario = scenariosOf("quick").find(({ name }) => name === "streaming")!;
  const habits: Habits = { ...scenario.world.habits, sessions: 30, lastsMs: 3_600_000 };
  const story = writeStory(habits, new Chance(5));
  const arrivals = new ArrivalTimes(story);
  for (const work of story.works) {
    arrivals.record({ what: "start", work, atMs: work.startMs, seq: 1 }, work.startMs);
    for (const atMs of work.progressMs) {
      arrivals.record({ what: "progress", work, atMs, seq: 1 }, atMs);
    }
    if (Number.isFinite(work.endMs)) {
      arrivals.record({ what: "end", work, atMs: work.endMs, seq: 1 }, work.endMs);
    }
  }
  const { owners, truth, works } = truthOf(story, arrivals);
  const sessions = [...new Set(owners.all.map((owner) => owners.sessionOf(owner)))];
  const samples = Array.from({ length: 200 }, (_, index) => {
    const atMs = index * 17_300;
    const runs = sessions.flatMap((each) => {
      const seen = truth.seen(each, atMs - 1_000);
      return [...(seen?.verdicts ?? [])].map(([spanId, verdict]) => ({
        spanId,
        state: seen?.state ?? "",
        blockedBy: seen?.blockedBy ?? "",
        verdict,
      }));
    });
    return { atMs, runs };
  });
  const score = scoreStates(samples, truth, works);
  expect(score.settled).toBeGreaterThan(300);
  expect([score.wrong, score.settledRight, score.unknowable]).toEqual([[], score.settled, 0]);
});

test("a collector that can't report states gives none", () => {
  expect(readStates({})).toBeUndefined();
  const diagnosis = { spanId: Uint8Array.of(10, 11), ...blocked };
  expect(readStates({ diagnose: () => [diagnosis] })).toEqual([{ ...blocked, spanId: "0a0b" }]);
});
