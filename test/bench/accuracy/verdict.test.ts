import { describe, expect, test } from "vitest";
import { Deadlines } from "../../../bench/accuracy/deadlines.ts";
import type { NamedEviction, ToldEvents } from "../../../bench/accuracy/derived-events.ts";
import type { Hearing } from "../../../bench/accuracy/hearing.ts";
import { Owners } from "../../../bench/accuracy/owners.ts";
import type { Work } from "../../../bench/accuracy/story.ts";
import { missesOf } from "../../../bench/accuracy/trial.ts";
import { judge, percentile, type Verdict } from "../../../bench/accuracy/verdict.ts";
import { HandMadeWorld } from "./hand-made-world.ts";

const never = Number.POSITIVE_INFINITY;
const mode = "relay";
const rules = {
  mode,
  allowedLatenessMs: 10_000,
  stalledAfterMs: 120_000,
  longRunningAfterMs: 300_000,
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

const evicted = (work: Pick<Work, "spanId">, atMs: number): NamedEviction => ({
  atMs,
  reason: "orphaned_no_owner",
  spanId: work.spanId,
});

/** Judges a collector that evicted `named` and heard of everything a second late, but for `unheard`. */
function verdictOf(
  { world }: { readonly world: HandMadeWorld },
  named: readonly NamedEviction[],
  more: Partial<ToldEvents> & {
    readonly unheard?: readonly Work[];
    readonly hearing?: Hearing;
  } = {},
) {
  const { unheard = [], hearing = world.heard(1_000, unheard), ...also } = more;
  const { story } = world;
  const evictions = named.map((each) => ({ ...each, count: 1 }));
  const told = { evictions, named, stalls: [], answers: [], reconciled: 0, held: 0, ...also };
  const deadlines = new Deadlines(story, { hearing, owners: new Owners(story, mode), rules });
  return judge(story, { hearing, told }, deadlines);
}

const missed = (limits: Parameters<typeof missesOf>[0], verdict: Verdict) =>
  missesOf(limits, { verdict, states: undefined });

describe("the verdict on a collector", () => {
  test("that evicts the orphan and nothing else is perfect", () => {
    const world = turn();
    const verdict = verdictOf(world, [evicted(world.hung, 111_200)]);
    expect(verdict).toMatchObject({
      markers: 3,
      orphans: 1,
      unknowable: 0,
      precision: 1,
      recall: 1,
      falseEvictionRate: 0,
      cases: [],
    });
    // A lateness and 0.2 s after the end of the run arrived.
    expect(verdict.lateMs).toEqual([200]);
  });

  test("that evicts what goes on loses precision", () => {
    const world = turn({ isAwaited: false });
    const named = [evicted(world.ended, 30_000), evicted(world.hung, 111_000)];
    const verdict = verdictOf(world, named);
    expect(verdict).toMatchObject({ precision: 0.5, recall: 1, falseEvictionRate: 0.5, wrong: 1 });
  });

  test("that evicts an orphan before it is one, again, or what nobody knows loses precision", () => {
    const world = turn();
    for (const wrong of [
      evicted(world.hung, 99_000),
      evicted(world.hung, 112_000),
      evicted({ spanId: "ff" }, 111_000),
    ]) {
      const verdict = verdictOf(world, [evicted(world.hung, 111_000), wrong]);
      expect([wrong, verdict.precision, verdict.recall]).toEqual([wrong, 0.5, 1]);
    }
  });

  test("that misses an orphan loses recall", () => {
    expect(verdictOf(turn(), [])).toMatchObject({ precision: 1, recall: 0, found: 0 });
  });

  test("does not count what could not be known", () => {
    const world = turn();
    const { hung, late } = world;
    const missed = verdictOf(world, [], { unheard: [hung] });
    expect(missed).toMatchObject({ orphans: 0, unknowable: 1, unknowableOrphans: 1, recall: 1 });
    const evictedBlindly = verdictOf(world, [evicted(late, 112_000), evicted(hung, 112_000)], {
      unheard: [late],
    });
    expect(evictedBlindly).toMatchObject({ precision: 1, recall: 1, undecided: 1, unknowable: 1 });
  });

  test("does not count an eviction while a run holds of which nothing has arrived, and counts it as wrong else", () => {
    const { world, hung } = turn({ isAwaited: false });
    const overlapping = world.turn(95, 300);
    world.tool(overlapping, 96, 180);
    const named = [evicted(hung, 111_000)];
    expect(verdictOf({ world }, named)).toMatchObject({ wrong: 1, undecided: 0 });
    const unheard = [overlapping, overlapping.parent!];
    expect(verdictOf({ world }, named, { unheard })).toMatchObject({
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
    expect(verdictOf({ world }, named)).toMatchObject({ wrong: 1, undecided: 0 });
    const hearing = world.heard();
    hearing.progressOf = () => [];
    expect(call.progressMs.length).toBe(3);
    expect(verdictOf({ world }, named, { hearing })).toMatchObject({ wrong: 0, undecided: 1 });
  });

  test("takes what an event counts beyond the markers it names for orphans of the session", () => {
    const world = turn();
    const { spanId } = world.hung;
    const byNumber = { atMs: 111_000, reason: "orphaned_no_owner", spanId, count: 1 };
    expect(verdictOf(world, [], { evictions: [byNumber] })).toMatchObject({ right: 1, recall: 1 });
    const tooMany = { ...byNumber, count: 2 };
    expect(verdictOf(world, [], { evictions: [tooMany] })).toMatchObject({ right: 1, wrong: 1 });
  });

  test("that reports one without a name means an orphan of that run before others of its session", () => {
    const { world, hung } = turn({ isAwaited: false });
    const later = world.tool(world.turn(101, 105), 102, never);
    const byNumber = {
      atMs: 117_000,
      reason: "orphaned_no_owner",
      spanId: later.spanId,
      count: 1,
    };
    const first = { ...evicted(hung, 150_000), count: 1 };
    const found = verdictOf({ world }, [evicted(hung, 150_000)], { evictions: [byNumber, first] });
    expect(found).toMatchObject({ right: 2, wrong: 0, recall: 1 });
  });

  test("that keeps an orphan while later turns go on is late, and one that does not wait is early", () => {
    const { world, hung } = turn({ isAwaited: false });
    for (let next = 0; next < 20; next++) {
      world.turn(100.05 + next * 10, 110 + next * 10);
    }
    const limits = { target: { delayMs: 1_500, early: 0 }, allowedLatenessMs: 10_000 };
    const kept = verdictOf({ world }, [evicted(hung, 311_000)]);
    expect([kept.lateMs, missed(limits, kept).length]).toEqual([[200_000], 1]);
    const hasty = verdictOf({ world }, [evicted(hung, 101_000)]);
    expect([hasty.precision, hasty.early, missed(limits, hasty).length]).toEqual([1, 1, 1]);
  });

  test("tells of an eviction after the end had arrived, and of one while a person was awaited", () => {
    const world = turn();
    const perfect = { target: {}, allowedLatenessMs: 10_000 };
    const afterEnd = verdictOf(world, [evicted(world.late, 111_000)]);
    expect([afterEnd.afterEnd, missed(perfect, afterEnd).length]).toEqual([1, 1]);
    const stalled = { stalls: [{ atMs: 30_000, spanId: world.ended.spanId }] };
    const awaited = verdictOf(world, [], stalled);
    expect([awaited.whileAwaited, missed(perfect, awaited).length]).toEqual([1, 1]);
  });
});

test("a target that is missed is named, one that is met is not", () => {
  const world = turn();
  const target = { precision: 1, recall: 1, delayMs: 1_500 };
  const limits = { target, allowedLatenessMs: 10_000 };
  expect(missed(limits, verdictOf(world, [evicted(world.hung, 111_000)]))).toEqual([]);
  expect(missed(limits, verdictOf(world, []))).toEqual(["recall is 0, not 1"]);
  expect(missed(limits, verdictOf(world, [evicted(world.hung, 120_000)]))).toEqual([
    "detection delay p99 in ms: 19000, not 11500",
  ]);
});

test("a percentile is a value that was there", () => {
  const values = Array.from({ length: 200 }, (_, index) => index + 1);
  expect([percentile(values, 0.5), percentile(values, 0.99), percentile([], 0.5)]).toEqual([
    100, 198, 0,
  ]);
});
