import { sourceRanks } from "../../../../src/activity/model/dialects.ts";
import { ancestorsOf, isMarker, openMarkers, ownRunOf, parentOf } from "./ancestry.ts";
import { finishedDurationMs } from "./durations.ts";
import { report } from "./evictions.ts";
import { countingFor, fewestCompleted, noteActive, noteEnd, waitsForRun } from "./items.ts";
import { finish, settle } from "./lifecycle.ts";
import { type Owner, ownersOf } from "./owners.ts";
import { rankOf } from "./processes.ts";
import type { Span, World } from "./world.ts";

/** At most this many runs of each process are remembered for pairing. */
const mostUnpaired = 64;
/** A run and its harness run begin, and end, within so long of each other. */
const mostApartMs = 1000;
/** Spans that a stop closed together end within so long. */
const togetherMs = 250;
/** The longest delay of a span that is expected at least. */
const leastDelayMs = 10_000;

/** The moment at which the oldest undecided finished work has waited a lateness for its owner's end. */
export function undecidedUntilMs(world: World): number {
  const oldest = world.undecided[0];
  return oldest === undefined
    ? Number.POSITIVE_INFINITY
    : oldest.undecidedSinceMs + world.latenessMs;
}

/** Decides work that arrived finished a lateness ago: an orphan if another span's end closed it, else it ended by itself. */
export function decideFinished(world: World): void {
  const all = world.undecided.filter(
    ({ undecidedSinceMs }) => undecidedSinceMs + world.latenessMs <= world.nowMs,
  );
  for (const run of all.filter(({ kind }) => kind === "run")) {
    finish(world, run, !isSplit(world, run));
  }
  const due = all.filter(({ kind }) => kind !== "run");
  for (const call of due.filter(({ kind }) => kind === "model_call")) {
    const run = ownRunOf(call);
    if (run !== undefined && (run.lastCall?.atMs ?? 0) < call.undecidedSinceMs) {
      run.lastCall = { atMs: call.undecidedSinceMs, hasFailed: call.hasFailed };
    }
  }
  const orphans = due.filter((span) => isClosedByOthers(world, span));
  for (const run of new Set(orphans.map(ownRunOf))) {
    const its = orphans.filter((span) => ownRunOf(span) === run && !wasGuessed(world, span, true));
    for (const [confidence, isByOwnWord] of [
      ["confirmed", true],
      ["probable", false],
    ] as const) {
      const these = its.filter((span) => span.isClosedByRun === isByOwnWord);
      if (these.length > 0) {
        report(world, these, { reason: "orphaned_no_owner", confidence });
      }
    }
    for (const span of its) {
      world.tally.count("started", span.kind);
      world.tally.countEvicted("orphaned_no_owner", span.kind);
      const durationMs = finishedDurationMs(world, span);
      if (durationMs !== undefined) {
        world.tally.time("evicted", span.kind, durationMs);
      }
      span.isSettled = true;
      settle(world, span, "evicted");
    }
    its.forEach(noteActive);
  }
  endThemselves(
    world,
    due.filter(({ isUndecided }) => isUndecided),
  );
}

/** Finished work of an ended owner that can't become an orphan any more. */
export function settleEnded(world: World, owner: Owner): void {
  const its = world.undecided.filter(
    (span) => isMarker(span) && ownersOf(world).above(span) === owner,
  );
  endThemselves(
    world,
    its.filter((span) => !mayBeOrphan(world, span)),
  );
}

/** Whether undecided work may have been closed from outside. */
export function mayBeOrphan(world: World, span: Span): boolean {
  return (
    span.isClosedByRun || outlivedMsOf(world, span, ownersOf(world).above(span)) > world.latenessMs
  );
}

function endThemselves(world: World, spans: readonly Span[]): void {
  for (const span of spans) {
    if (!wasGuessed(world, span, false)) {
      noteEnd(span, outlivedMsOf(world, span, ownersOf(world).above(span)) > 0);
      finish(world, span);
    }
  }
}

function isClosedByOthers(world: World, span: Span): boolean {
  const outlivedMs = outlivedMsOf(world, span, ownersOf(world).above(span));
  const runs = ownersOf(world).above(span)?.runs ?? [];
  const isEndReported = runs.every(
    ({ state, reason }) =>
      state !== "untracked" && (state !== "evicted" || reason === "session_ended"),
  );
  const isBelieved = span.isRelayed || rankOf(world, span.trace.process) < sourceRanks.relay;
  return (
    isBelieved &&
    ((span.isClosedByRun && ownersOf(world).above(span)?.isOpen === false) ||
      (outlivedMs > world.latenessMs &&
        isEndReported &&
        !span.hasFailed &&
        !span.isDetached &&
        (span.isOpenclaw || wasClosedWithOthers(world, span))))
  );
}

/** Whether it is one of those that were counted without a name; it is settled then. */
function wasGuessed(world: World, span: Span, isOrphan: boolean): boolean {
  if (span.lateByMs !== undefined) {
    countAsGuessed(world, span, { isOrphan, lateByMs: span.lateByMs });
    return true;
  }
  const owner = ownersOf(world).above(span);
  const run = owner?.runs.find(({ unnamed }) => unnamed > 0);
  const isOfRun =
    run !== undefined &&
    span.kind === "tool" &&
    owner?.end !== undefined &&
    beganInTime(span, owner);
  if (!isOfRun) {
    return false;
  }
  run.unnamed--;
  countAsGuessed(world, span, { isOrphan, lateByMs: 0 });
  return true;
}

function countAsGuessed(
  world: World,
  span: Span,
  { isOrphan, lateByMs }: { readonly isOrphan: boolean; readonly lateByMs: number },
): void {
  if (!isOrphan) {
    world.tally.count("reconciled", span.kind);
    world.occurrences.push({ type: "reconciled", kind: span.kind, lateByMs });
  }
  span.lateByMs = undefined;
  span.isSettled = true;
  settle(world, span, "evicted");
}

/**
 * By how much it outlived its owner, by the sender's clock; 0 while that is open or not known. Where that clock was set in
 * between, only the order of arrival shows whether it did.
 */
export function outlivedMsOf(world: World, span: Span, owner: Owner | undefined): number {
  if (owner?.end === undefined) {
    return 0;
  }
  const endMs = lastEndMsOf(owner);
  if (!(endMs > 0) || !beganInTime(span, owner)) {
    return 0;
  }
  const outlivedMs = Math.max(0, span.endMs - endMs);
  const arrivedMs = span.isUndecided ? span.undecidedSinceMs : world.nowMs;
  const laterMs = Math.max(0, arrivedMs - owner.endedAtMs);
  const mostMs = laterMs + Math.max(world.latenessMs, leastDelayMs);
  return outlivedMs <= mostMs ? outlivedMs : Math.min(laterMs, world.latenessMs);
}

function beganInTime(span: Span, owner: Owner): boolean {
  return span.startMs <= lastEndMsOf(owner);
}

function lastEndMsOf({ runs }: Owner): number {
  return Math.max(...runs.map((run) => run.endMs));
}

/** How many tools at least the count of open items of an owner still stands for, without those known by name. */
export function guessed(world: World, owner: Owner): number {
  const sum = (of: "claimed" | "completed" | "matched"): number =>
    owner.runs.reduce((total, run) => total + run[of], 0);
  const [claimed, completed, matched] = [sum("claimed"), sum("completed"), sum("matched")];
  const counting = countingFor(world, owner);
  const tools = counting.flatMap(({ finishedItems }) => finishedItems);
  if (claimed === 0) {
    return 0;
  }
  if (waitsForRun(world, owner)) {
    for (const run of owner.runs) {
      run.wasChecked = true;
    }
    return 0;
  }
  const open = openMarkers(world).filter((marker) => owner.runs.includes(ownRunOf(marker) as Span));
  for (const run of owner.runs) {
    Object.assign(run, { claimed: 0, completed: 0, matched: 0 });
  }
  for (const span of counting) {
    span.finishedItems = [];
  }
  const process = owner.runs[0]?.trace.process ?? 0;
  const isCountNeeded = rankOf(world, process) === sourceRanks.finishedSpans;
  const fewest = fewestCompleted(tools, completed);
  if (fewest === undefined || !isCountNeeded) {
    return 0;
  }
  const aborted = tools.reduce((total, items) => total + items, 0) - fewest;
  return Math.ceil(Math.max(0, claimed - aborted - matched - 2 * open.length) / 2);
}

/** Whether a run without a parent is one with the harness run of another trace, or the other way round. */
export function isSplit(world: World, run: Span): boolean {
  if (run.isHarness) {
    return lacksInnerRun(world, run) && pairHarnessRun(world, run);
  }
  if (!run.isInner || parentOf(run) !== undefined) {
    return false;
  }
  const unpaired = [...world.unpairedHarnessRuns].filter((each) => lacksInnerRun(world, each));
  const harnessRun = closest(world, run, unpaired);
  if (harnessRun === undefined) {
    remember(world.unpairedRuns, run);
    return false;
  }
  world.unpairedHarnessRuns.delete(harnessRun);
  makeOne(world, harnessRun, run);
  return true;
}

/** Whether none of the runs that are one owner with a harness run is in it. */
export function lacksInnerRun(world: World, harnessRun: Span): boolean {
  return (
    ownersOf(world)
      .ofRun(harnessRun)
      ?.runs.every(({ isHarness }) => isHarness) ?? true
  );
}

/** Pairs the harness runs of an owner that reports open items; whether one is paired now. */
export function pairHarnessRuns(world: World, owner: Owner): boolean {
  return (
    owner.runs.every(({ isHarness }) => isHarness) &&
    world.inAnyOrder(owner.runs).some((harnessRun) => pairHarnessRun(world, harnessRun))
  );
}

function pairHarnessRun(world: World, harnessRun: Span): boolean {
  const unpaired = [...world.unpairedRuns].filter((each) => parentOf(each) === undefined);
  const run = closest(world, harnessRun, unpaired);
  if (run === undefined) {
    remember(world.unpairedHarnessRuns, harnessRun);
    return false;
  }
  world.unpairedRuns.delete(run);
  makeOne(world, harnessRun, run);
  return true;
}

/** They become one owner if the harness run reports open items. */
function makeOne(world: World, harnessRun: Span, run: Span): void {
  if (
    ownersOf(world)
      .ofRun(harnessRun)
      ?.runs.some(({ claimed }) => claimed > 0)
  ) {
    world.changes++;
    harnessRun.pairedWith = run;
  }
}

/** Whether work elsewhere in its process that was open then, neither above nor below it, ended at the same time. */
function wasClosedWithOthers(world: World, span: Span): boolean {
  return [...world.spans.values()].some(
    (other) =>
      other !== span &&
      !other.isDetached &&
      !other.hasFailed &&
      (isMarker(other) || other.kind === "run") &&
      other.state !== "open" &&
      other.trace.process === span.trace.process &&
      !ancestorsOf(span).includes(other) &&
      !ancestorsOf(other).includes(span) &&
      other.startMs < span.endMs &&
      Math.abs(other.endMs - span.endMs) <= togetherMs,
  );
}

/** The run among others of its process that differs least in when it began and ended, each by a second at most. */
function closest(world: World, run: Span, among: readonly Span[]): Span | undefined {
  const owners = ownersOf(world);
  const distance = (other: Span): number => {
    const sessions = [run, other].map((each) => owners.sessionOf(each));
    const areNamed = sessions.every((session) => session.startsWith("ref "));
    if (areNamed && sessions[0] !== sessions[1]) {
      return Number.POSITIVE_INFINITY;
    }
    if (other.trace === run.trace) {
      const areRoots = [run, other].every((each) => parentOf(each) === undefined);
      return areRoots ? 0 : Number.POSITIVE_INFINITY;
    }
    if (run.isRelayed || other.isRelayed || run.startMs <= 0) {
      return Number.POSITIVE_INFINITY;
    }
    const startMs = Math.abs(other.startMs - run.startMs);
    const haveEnded = [run, other].every(({ state, endMs }) => state !== "open" && endMs > 0);
    const endMs = haveEnded ? Math.abs(other.endMs - run.endMs) : 0;
    const isNear = Math.max(startMs, endMs) <= Math.min(world.latenessMs, mostApartMs);
    return isNear ? startMs + endMs : Number.POSITIVE_INFINITY;
  };
  return among
    .filter((other) => other.trace.process === run.trace.process)
    .filter((other) => Number.isFinite(distance(other)))
    .reduce<Span | undefined>(
      (best, other) => (best === undefined || distance(other) < distance(best) ? other : best),
      undefined,
    );
}

function remember(unpaired: Set<Span>, run: Span): void {
  unpaired.add(run);
  const ofProcess = [...unpaired].filter((other) => other.trace.process === run.trace.process);
  if (ofProcess.length > mostUnpaired && ofProcess[0] !== undefined) {
    unpaired.delete(ofProcess[0]);
  }
}
