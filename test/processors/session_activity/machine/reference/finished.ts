import { sourceRanks } from "../../../../../src/processors/session_activity/signals/dialects.ts";
import { report } from "./evicting.ts";
import { ancestorsOf, isMarker, openMarkers, ownRunOf } from "./kinship.ts";
import { finish, settle } from "./lives.ts";
import { type Owner, ownersOf } from "./owners.ts";
import { rankOf } from "./processes.ts";
import type { Span, World } from "./world.ts";

/** Runs that are remembered for pairing, of each process. */
const mostUnpaired = 64;
/** Spans that somebody closed together end within so long. */
const togetherMs = 1000;

/** A marker ended by itself; what a harness run says was open, or completed, must account for it. */
export function noteEnd(span: Span, isAfterOwner: boolean): void {
  const run = ownRunOf(span);
  if (run === undefined) {
    return;
  }
  if (isAfterOwner) {
    run.explained++;
  } else if (span.kind === "tool") {
    run.finishedTools++;
  }
}

/** The moment at which the oldest work that came finished has waited a lateness for its owner's end. */
export function undecidedUntilMs(world: World): number {
  const oldest = world.undecided[0];
  return oldest === undefined
    ? Number.POSITIVE_INFINITY
    : oldest.undecidedSinceMs + world.latenessMs;
}

/** Decides work that came finished a lateness ago: an orphan if somebody else closed it, else it ended by itself. */
export function decideFinished(world: World): void {
  const due = world.undecided.filter(
    ({ undecidedSinceMs }) => undecidedSinceMs + world.latenessMs <= world.nowMs,
  );
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
      if (span.startMs > 0) {
        world.tally.time("evicted", span.kind, span.endMs - span.startMs);
      }
      span.isSettled = true;
      settle(world, span, "evicted");
    }
    if (run !== undefined) {
      run.explained += its.length;
    }
  }
  endThemselves(
    world,
    due.filter(({ isUndecided }) => isUndecided),
  );
}

/** Work of an ended owner that came finished and that nothing can make an orphan any more. */
export function settleEnded(world: World, owner: Owner): void {
  const its = world.undecided.filter((span) => ownersOf(world).above(span) === owner);
  endThemselves(
    world,
    its.filter((span) => !mayBeOrphan(world, span)),
  );
}

/** Whether somebody else may have closed work that is not decided. */
export function mayBeOrphan(world: World, span: Span): boolean {
  return span.isClosedByRun || outlivedMsOf(span, ownersOf(world).above(span)) > world.latenessMs;
}

function endThemselves(world: World, spans: readonly Span[]): void {
  for (const span of spans) {
    if (!wasGuessed(world, span, false)) {
      noteEnd(span, outlivedMsOf(span, ownersOf(world).above(span)) > 0);
      finish(world, span);
    }
  }
}

function isClosedByOthers(world: World, span: Span): boolean {
  const outlivedMs = outlivedMsOf(span, ownersOf(world).above(span));
  const runs = ownersOf(world).above(span)?.runs ?? [];
  const isEndReported = runs.every(
    ({ state, reason }) => state !== "evicted" || reason === "session_ended",
  );
  const isBelieved = span.isRelayed || rankOf(world, span.trace.process) < sourceRanks.relay;
  return (
    isBelieved &&
    (span.isClosedByRun ||
      (outlivedMs > world.latenessMs &&
        isEndReported &&
        !span.hasFailed &&
        (span.isOpenclaw || wasClosedWithOthers(world, span))))
  );
}

/** Whether it is one of those that were counted without a name; it is settled then. */
function wasGuessed(world: World, span: Span, isOrphan: boolean): boolean {
  const owner = ownersOf(world).above(span);
  const run = owner?.runs.find(({ anonymous }) => anonymous > 0);
  if (run === undefined || !(isOrphan || outlivedMsOf(span, owner) > 0)) {
    return false;
  }
  run.anonymous--;
  if (!isOrphan) {
    world.tally.count("reconciled", span.kind);
    world.occurrences.push({ type: "reconciled", kind: span.kind, lateByMs: 0 });
  }
  span.isSettled = true;
  settle(world, span, "evicted");
  return true;
}

/** By how much it outlived its owner, by the sender's clock; 0 while that is open or not known. */
export function outlivedMsOf(span: Span, owner: Owner | undefined): number {
  if (owner?.end === undefined) {
    return 0;
  }
  const endMs = Math.max(...owner.runs.map((run) => run.endMs));
  return span.startMs <= endMs ? Math.max(0, span.endMs - endMs) : 0;
}

/** How many tools the count of open items of an owner still stands for, without those known by name. */
export function guessed(world: World, owner: Owner): number {
  const sum = (of: "claimed" | "completed" | "finishedTools" | "explained"): number =>
    owner.runs.reduce((total, run) => total + run[of], 0);
  const [claimed, completed, finishedTools, explained] = [
    sum("claimed"),
    sum("completed"),
    sum("finishedTools"),
    sum("explained"),
  ];
  if (claimed === 0) {
    return 0;
  }
  const open = openMarkers(world).filter((marker) => owner.runs.includes(ownRunOf(marker) as Span));
  for (const run of owner.runs) {
    Object.assign(run, { claimed: 0, completed: 0, finishedTools: 0, explained: 0 });
  }
  const process = owner.runs[0]?.trace.process ?? 0;
  const isCountNeeded = rankOf(world, process) === sourceRanks.finishedSpans;
  return finishedTools > completed || !isCountNeeded
    ? 0
    : Math.max(0, claimed - explained - open.length);
}

/** A finished run without a parent: the harness run of another trace that began and ended with it is the same owner. */
export function pairRun(world: World, run: Span): void {
  const harnessRun = closest(world, run, world.unpairedHarnessRuns);
  if (harnessRun === undefined) {
    remember(world.unpairedRuns, run);
    return;
  }
  world.unpairedHarnessRuns.delete(harnessRun);
  world.changes++;
  harnessRun.pairedWith = run;
}

/** The same from the side of a harness run that says what it left open; whether it is paired now. */
export function pairHarnessRun(world: World, owner: Owner): boolean {
  if (owner.runs.some(({ isHarness }) => !isHarness)) {
    return false;
  }
  for (const harnessRun of world.inAnyOrder(owner.runs)) {
    const run = closest(world, harnessRun, world.unpairedRuns);
    if (run !== undefined) {
      world.unpairedRuns.delete(run);
      world.changes++;
      harnessRun.pairedWith = run;
      return true;
    }
    remember(world.unpairedHarnessRuns, harnessRun);
  }
  return false;
}

/** Whether work elsewhere in its process that was open then, neither above nor below it, ended at the same time. */
function wasClosedWithOthers(world: World, span: Span): boolean {
  return [...world.spans.values()].some(
    (other) =>
      other !== span &&
      (isMarker(other) || other.kind === "run") &&
      other.state !== "open" &&
      other.trace.process === span.trace.process &&
      !ancestorsOf(span).includes(other) &&
      !ancestorsOf(other).includes(span) &&
      other.startMs < span.endMs &&
      Math.abs(other.endMs - span.endMs) <= togetherMs,
  );
}

/** The run among others of its process that differs least in when it began and ended, each by a lateness at most. */
function closest(world: World, run: Span, among: ReadonlySet<Span>): Span | undefined {
  const distance = (other: Span): number => {
    const startMs = Math.abs(other.startMs - run.startMs);
    const endMs = Math.abs(other.endMs - run.endMs);
    const isNear = Math.max(startMs, endMs) <= world.latenessMs;
    return isNear ? startMs + endMs : Number.POSITIVE_INFINITY;
  };
  return [...among]
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
