import { describe, expect, test } from "vitest";
import type { ArrivalTimes } from "../../../bench/accuracy/arrival-times.ts";
import { Deadlines, type Rules } from "../../../bench/accuracy/deadlines.ts";
import type { DerivedEvents, NamedEviction } from "../../../bench/accuracy/derived-events.ts";
import {
  type EvictionScore,
  percentile,
  scoreEvictions,
} from "../../../bench/accuracy/eviction-score.ts";
import { Owners } from "../../../bench/accuracy/owners.ts";
import type { Work } from "../../../bench/accuracy/story.ts";
import { missesOf } from "../../../bench/accuracy/trial.ts";
import { HandMadeWorld, process } from "./hand-made-world.ts";

const never = Number.POSITIVE_INFINITY;
const mode = "relay";
const rules = {
  mode,
  allowedLatenessMs: 10_000,
  stalledAfterMs: 120_000,
  longRunningAfterMs: 300_000,
  showsAnswers: false,
  longestDelayMs: 0,
} as const;

/** A turn that ends at 100 s, with a tool that ended in it, one that never did and one that ended just after it. */
function turn({ isAwaited = true } = {}) {
  const world = new HandMadeWorld();
  const run = world.turn(0, 100);
  const ended = world.tool(run, 1, 50);
  const hung = world.tool(run, 2, never);
  const late = world.tool(run, 3, 100.05);
  if (isAwaited) {
    world.pause(ended, 5, 40);
  }
  return { world, ended, hung, late };
}

const evicted = (
  work: Pick<Work, "spanId">,
  atMs: number,
  confidence = "probable",
): NamedEviction => ({
  atMs,
  reason: "orphaned_no_owner",
  confidence,
  spanId: work.spanId,
});

/** Scores a collector that evicted `named` and got every signal a second late, except those of `lost`. */
function scoreOf(
  { world }: { readonly world: HandMadeWorld },
  named: readonly NamedEviction[],
  more: Partial<DerivedEvents> & {
    readonly lost?: readonly Work[];
    readonly arrivals?: ArrivalTimes;
    readonly rules?: Rules;
  } = {},
) {
  const { lost = [], arrivals = world.arrivals(1_000, lost), ...also } = more;
  const by = more.rules ?? rules;
  const { story } = world;
  const evictions = named.map((each) => ({ ...each, count: 1 }));
  const events = { evictions, named, stalls: [], answers: [], reconciled: 0, held: 0, ...also };
  const deadlines = new Deadlines(story, { arrivals, owners: new Owners(story, mode), rules: by });
  return scoreEvictions(story, { arrivals, events }, deadlines);
}

const missed = (limits: Parameters<typeof missesOf>[0], score: EvictionScore) =>
  missesOf(limits, { evictions: score, states: undefined });

describe("the score of a collector", () => {
  test("that evicts the orphan and nothing else is perfect", () => {
    const world = turn();
    const score = scoreOf(world, [evicted(world.hung, 111_200)]);
    expect(score).toMatchObject({
      markers: 3,
      orphans: 1,
      unknowable: 0,
      precision: 1,
      recall: 1,
      falseEvictionRate: 0,
      cases: [],
    });
    // A lateness and 0.2 s after the end of the run arrived.
    expect(score.lateMs).toEqual([200]);
  });

  test("that evicts what goes on loses precision", () => {
    const world = turn({ isAwaited: false });
    const named = [evicted(world.ended, 30_000), evicted(world.hung, 111_000)];
    const score = scoreOf(world, named);
    expect(score).toMatchObject({ precision: 0.5, recall: 1, falseEvictionRate: 0.5, wrong: 1 });
  });

  test("that evicts an orphan before it is one, again, or unknown work loses precision", () => {
    const world = turn();
    for (const wrong of [
      evicted(world.hung, 99_000),
      evicted(world.hung, 112_000),
      evicted({ spanId: "ff" }, 111_000),
    ]) {
      const score = scoreOf(world, [evicted(world.hung, 111_000), wrong]);
      expect([wrong, score.precision, score.recall]).toEqual([wrong, 0.5, 1]);
    }
  });

  test("that misses an orphan loses recall", () => {
    expect(scoreOf(turn(), [])).toMatchObject({ precision: 1, recall: 0, found: 0 });
  });

  test("does not count what could not be known", () => {
    const world = turn();
    const { hung, late } = world;
    const missed = scoreOf(world, [], { lost: [hung] });
    expect(missed).toMatchObject({ orphans: 0, unknowable: 1, unknowableOrphans: 1, recall: 1 });
    const evictedBlindly = scoreOf(world, [evicted(late, 112_000), evicted(hung, 112_000)], {
      lost: [late],
    });
    expect(evictedBlindly).toMatchObject({ precision: 1, recall: 1, undecided: 1, unknowable: 1 });
  });

  test("does not count an eviction while a run holds of which nothing has arrived, and counts it as wrong else", () => {
    const { world, hung } = turn({ isAwaited: false });
    const overlapping = world.turn(95, 300);
    world.tool(overlapping, 96, 180);
    const named = [evicted(hung, 111_000)];
    expect(scoreOf({ world }, named)).toMatchObject({ wrong: 1, undecided: 0 });
    const lost = [overlapping, overlapping.parent!];
    expect(scoreOf({ world }, named, { lost })).toMatchObject({
      wrong: 0,
      undecided: 1,
      recall: 1,
    });
  });

  test("does not count an eviction while a run holds whose progress never arrived", () => {
    const { world, hung } = turn({ isAwaited: false });
    const overlapping = world.turn(95, 600);
    const call = world.modelCall(overlapping, 96, 590, { progressMs: [150_000, 250_000, 350_000] });
    const named = [evicted(hung, 260_000)];
    expect(scoreOf({ world }, named)).toMatchObject({ wrong: 1, undecided: 0 });
    const arrivals = world.arrivals();
    arrivals.progressOf = () => [];
    expect(call.progressMs.length).toBe(3);
    expect(scoreOf({ world }, named, { arrivals })).toMatchObject({ wrong: 0, undecided: 1 });
  });

  test("takes what an event counts beyond the markers it names for orphans of the session", () => {
    const world = turn();
    const { spanId } = world.hung;
    const byNumber = { ...evicted({ spanId }, 111_000), count: 1 };
    expect(scoreOf(world, [], { evictions: [byNumber] })).toMatchObject({ right: 1, recall: 1 });
    const tooMany = { ...byNumber, count: 2 };
    expect(scoreOf(world, [], { evictions: [tooMany] })).toMatchObject({ right: 1, wrong: 1 });
  });

  test("that reports one without a name means an orphan of that run before others of its session", () => {
    const { world, hung } = turn({ isAwaited: false });
    const later = world.tool(world.turn(101, 105), 102, never);
    const byNumber = { ...evicted(later, 117_000), count: 1 };
    const first = { ...evicted(hung, 150_000), count: 1 };
    const found = scoreOf({ world }, [evicted(hung, 150_000)], { evictions: [byNumber, first] });
    expect(found).toMatchObject({ right: 2, wrong: 0, recall: 1 });
  });

  test("that names an orphan of a run of which it had counted another one means both, and once too often is wrong", () => {
    const { world, hung } = turn({ isAwaited: false });
    const other = world.tool(hung.parent!, 4, never);
    const byNumber = { ...evicted(hung, 111_000), count: 1 };
    const named = [evicted(hung, 150_000)];
    const evictions = [byNumber, { ...named[0]!, count: 1 }];
    expect(other.orphanedMs).toBe(hung.orphanedMs);
    expect(scoreOf({ world }, named, { evictions })).toMatchObject({
      right: 2,
      wrong: 0,
      recall: 1,
    });
    const thrice = [evicted(hung, 150_000), evicted(other, 160_000), evicted(hung, 170_000)];
    const all = [byNumber, ...thrice.map((each) => ({ ...each, count: 1 }))];
    expect(scoreOf({ world }, thrice, { evictions: all })).toMatchObject({ right: 2, wrong: 2 });
  });

  test("that calls an eviction confirmed which nothing has reported is overconfident, however right it is", () => {
    const killed = { ...process, diesMs: 50_000, death: "killed" as const };
    const world = new HandMadeWorld();
    const run = world.turn(0, never, { by: killed });
    const tool = world.tool(run, 10, never, { orphanedMs: 50_000 });
    const sure = (confidence: string) =>
      scoreOf({ world }, [evicted(tool, 111_000, confidence)]).overconfident;
    expect([sure("probable"), sure("confirmed")]).toEqual([0, 1]);
    world.sessionEnd(40);
    const over = scoreOf({ world }, [evicted(tool, 111_000, "confirmed")]);
    expect([over.right, over.overconfident]).toEqual([1, 1]);
    const ended = turn();
    expect(scoreOf(ended, [evicted(ended.hung, 111_200, "confirmed")]).overconfident).toBe(0);
    const wrong = scoreOf(ended, [evicted(ended.ended, 45_000, "confirmed")]);
    expect([wrong.wrong, wrong.overconfident]).toEqual([1, 1]);
  });

  test("does not count an eviction whose only fault is that a request took longer than the lateness", () => {
    const { world, hung, late } = turn({ isAwaited: false });
    const arrivals = world.arrivals();
    const endOf = arrivals.endOf.bind(arrivals);
    arrivals.endOf = (work) => (work === late ? 130_000 : endOf(work));
    const named = [evicted(hung, 111_200), evicted(late, 111_200)];
    expect(scoreOf({ world }, named, { arrivals })).toMatchObject({ wrong: 1, undecided: 0 });
    const slow = { ...rules, longestDelayMs: 60_000 };
    expect(scoreOf({ world }, named, { arrivals, rules: slow })).toMatchObject({
      right: 1,
      wrong: 0,
      undecided: 1,
    });
    // Not while its run is open by what has arrived.
    const early = [evicted(hung, 111_200), evicted(late, 105_000)];
    expect(scoreOf({ world }, early, { arrivals, rules: slow })).toMatchObject({ wrong: 1 });
  });

  test("that keeps an orphan while later turns go on is late, and one that does not wait is early", () => {
    const { world, hung } = turn({ isAwaited: false });
    for (let next = 0; next < 20; next++) {
      world.turn(100.05 + next * 10, 110 + next * 10);
    }
    const limits = { target: { delayMs: 1_500, early: 0 }, allowedLatenessMs: 10_000 };
    const kept = scoreOf({ world }, [evicted(hung, 311_000)]);
    expect([kept.lateMs, missed(limits, kept).length]).toEqual([[200_000], 1]);
    const hasty = scoreOf({ world }, [evicted(hung, 101_000)]);
    expect([hasty.precision, hasty.early, missed(limits, hasty).length]).toEqual([1, 1, 1]);
  });

  test("counts an eviction after the end had arrived, and one while a person was awaited", () => {
    const world = turn();
    const perfect = { target: {}, allowedLatenessMs: 10_000 };
    const afterEnd = scoreOf(world, [evicted(world.late, 111_000)]);
    expect([afterEnd.afterEnd, missed(perfect, afterEnd).length]).toEqual([1, 1]);
    const stalled = { stalls: [{ atMs: 30_000, spanId: world.ended.spanId }] };
    const awaited = scoreOf(world, [], stalled);
    expect([awaited.whileAwaited, missed(perfect, awaited).length]).toEqual([1, 1]);
  });
});

test("a target that is missed is named, one that is met is not", () => {
  const world = turn();
  const target = { precision: 1, recall: 1, delayMs: 1_500 };
  const limits = { target, allowedLatenessMs: 10_000 };
  expect(missed(limits, scoreOf(world, [evicted(world.hung, 111_000)]))).toEqual([]);
  expect(missed(limits, scoreOf(world, []))).toEqual(["recall is 0, not 1"]);
  expect(missed(limits, scoreOf(world, [evicted(world.hung, 120_000)]))).toEqual([
    "detection delay p99 in ms: 19000, not 11500",
  ]);
});

test("a percentile is a value that was there", () => {
  const values = Array.from({ length: 200 }, (_, index) => index + 1);
  expect([percentile(values, 0.5), percentile(values, 0.99), percentile([], 0.5)]).toEqual([
    100, 198, 0,
  ]);
});
