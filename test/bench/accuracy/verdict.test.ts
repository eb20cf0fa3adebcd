import { describe, expect, test } from "vitest";
import type { NamedEviction, ToldEvents } from "../../../bench/accuracy/derived-events.ts";
import { Hearing } from "../../../bench/accuracy/hearing.ts";
import type { GatewayProcess, Story, Work } from "../../../bench/accuracy/story.ts";
import { missesOf } from "../../../bench/accuracy/trial.ts";
import { judge, percentile } from "../../../bench/accuracy/verdict.ts";

const never = Number.POSITIVE_INFINITY;
const process: GatewayProcess = {
  index: 0,
  host: "host",
  pid: 1,
  instance: "one",
  skewMs: 0,
  bornMs: 0,
  diesMs: never,
  death: "killed",
};
const session = { index: 0, name: "session" };

function workOf(index: number, kind: Work["kind"], parent: Work | undefined, times: Partial<Work>) {
  const work: Work = {
    index,
    kind,
    traceId: "0a",
    spanId: `0${index}`,
    parent,
    session,
    process,
    tool: "",
    askedBy: undefined,
    startMs: 0,
    endMs: never,
    orphanedMs: never,
    closedMs: never,
    isClosedByRun: false,
    ...times,
  };
  return work;
}

/** A turn that ends at 100 s, with a tool that ended in it, one that never did and one that ended just after it. */
function turn() {
  const harness = workOf(0, "harness", undefined, { endMs: 100_000 });
  const run = workOf(1, "run", harness, { endMs: 100_000 });
  const ended = workOf(2, "tool", run, { startMs: 1_000, endMs: 50_000 });
  const hung = workOf(3, "tool", run, { startMs: 2_000, orphanedMs: 100_000 });
  const late = workOf(4, "tool", run, { startMs: 3_000, endMs: 100_050 });
  const tool = ended;
  const pauses = [{ tool, id: "01", fromMs: 5_000, toMs: 40_000 }];
  const works = [harness, run, ended, hung, late];
  const story: Story = {
    processes: [process],
    sessions: [session],
    works,
    pauses,
    lastsMs: 100_000,
  };
  return { story, works, ended, hung, late };
}

const evicted = (work: Pick<Work, "spanId">, atMs: number): NamedEviction => ({
  atMs,
  reason: "orphaned_no_owner",
  spanId: work.spanId,
});

/** Judges a collector that evicted `named` and heard of everything a second late, but for `unheard`. */
function verdictOf(
  { story, works }: ReturnType<typeof turn>,
  named: readonly NamedEviction[],
  more: Partial<ToldEvents> & { readonly unheard?: readonly Work[] } = {},
) {
  const { unheard = [], ...also } = more;
  const hearing = new Hearing(story);
  for (const work of works.filter((each) => !unheard.includes(each))) {
    const told = { work, atMs: 0, seq: 1 };
    hearing.hear({ what: "start", ...told }, work.startMs + 1_000);
    if (Number.isFinite(work.endMs)) {
      hearing.hear({ what: "end", ...told }, work.endMs + 1_000);
    }
  }
  for (const pause of story.pauses) {
    hearing.hear({ what: "pause", pause, atMs: 0 }, pause.fromMs);
    hearing.hear({ what: "resume", pause, atMs: 0 }, pause.toMs);
  }
  const evictions = named.map((each) => ({ ...each, count: 1 }));
  const told = { evictions, named, stalls: [], reconciled: 0, held: 0, ...also };
  return judge(story, { hearing, told }, { mode: "relay", allowedLatenessMs: 10_000 });
}

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
    expect(verdict.delaysMs).toEqual([10_200]);
  });

  test("that evicts what goes on loses precision", () => {
    const world = turn();
    const named = [evicted(world.ended, 30_000), evicted(world.hung, 111_000)];
    const verdict = verdictOf({ ...world, story: { ...world.story, pauses: [] } }, named);
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

  test("takes what an event counts beyond the markers it names for orphans of the session", () => {
    const world = turn();
    const { spanId } = world.hung;
    const byNumber = { atMs: 111_000, reason: "orphaned_no_owner", spanId, count: 1 };
    expect(verdictOf(world, [], { evictions: [byNumber] })).toMatchObject({ right: 1, recall: 1 });
    const tooMany = { ...byNumber, count: 2 };
    expect(verdictOf(world, [], { evictions: [tooMany] })).toMatchObject({ right: 1, wrong: 1 });
  });

  test("tells of an eviction after the end had arrived, and of one while a person was awaited", () => {
    const world = turn();
    const perfect = { target: {}, allowedLatenessMs: 10_000 };
    const afterEnd = verdictOf(world, [evicted(world.late, 111_000)]);
    expect([afterEnd.afterEnd, missesOf(perfect, afterEnd).length]).toEqual([1, 1]);
    const stalled = { stalls: [{ atMs: 30_000, spanId: world.ended.spanId }] };
    const awaited = verdictOf(world, [], stalled);
    expect([awaited.whileAwaited, missesOf(perfect, awaited).length]).toEqual([1, 1]);
  });
});

test("a target that is missed is named, one that is met is not", () => {
  const world = turn();
  const target = { precision: 1, recall: 1, delayMs: 1_500 };
  const limits = { target, allowedLatenessMs: 10_000 };
  expect(missesOf(limits, verdictOf(world, [evicted(world.hung, 111_000)]))).toEqual([]);
  expect(missesOf(limits, verdictOf(world, []))).toEqual(["recall is 0, not 1"]);
  expect(missesOf(limits, verdictOf(world, [evicted(world.hung, 120_000)]))).toEqual([
    "detection delay p99 in ms: 19000, not 11500",
  ]);
});

test("a percentile is a value that was there", () => {
  const values = Array.from({ length: 200 }, (_, index) => index + 1);
  expect([percentile(values, 0.5), percentile(values, 0.99), percentile([], 0.5)]).toEqual([
    100, 198, 0,
  ]);
});
