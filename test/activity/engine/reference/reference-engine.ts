import { type SignalResult, sourceRanks } from "../../../../src/activity/model/dialects.ts";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import type { Signal } from "../history.ts";
import { finishOrEnd, start } from "./arrivals.ts";
import { claim, evictedBySender, noteQueue, recovered } from "./claims.ts";
import {
  endIdleRuns,
  endSessions,
  evictOrphans,
  idlesDueMs,
  orphansDueMs,
  sessionEndsDueMs,
} from "./decisions.ts";
import { decideFinished, undecidedUntilMs } from "./finished.ts";
import { learn } from "./guesses.ts";
import { decideProcess, decideSpan, onHostInput, onInput, openOf } from "./lease-expiry.ts";
import { end, nowAsEnd, untrack } from "./lifecycle.ts";
import { isBefore, type Moment } from "./moments.ts";
import { ownersOf } from "./owners.ts";
import { endOldestWait, forgetWaits, pause, resume, waitUntilMs } from "./pauses.ts";
import {
  deleteProcess,
  onHeartbeat,
  onProcessInput,
  processDueMs,
  processOf,
  rankOf,
  stopWatching,
  wasReported,
} from "./processes.ts";
import { momentOf, type Report, toReport } from "./report.ts";
import { answer, matchCall, noteWait, request } from "./requests.ts";
import { forgetExcess, forgetUntil } from "./retention.ts";
import { silenceDueMs } from "./spans-due.ts";
import { changesAtMs, reportChanges } from "./states.ts";
import { World } from "./world.ts";

/**
 * The decisions of `ActivityEngine`, as simply as possible: there are sets and no timers, and each step
 * looks at everything, finds what is due first, decides that, and looks again.
 */
export class ReferenceEngine {
  readonly world: World;

  /** `order` numbers the order of what may be decided in any; with 0 the oldest comes first. */
  constructor(limits: ActivityLimits, order = 0) {
    this.world = new World(limits, order);
  }

  /** Takes in signals that arrive together, and decides what they make due. */
  apply(signals: readonly Signal[], nowMs: number): void {
    const { world } = this;
    this.tick(nowMs);
    if (signals.length === 0 || signals.some(({ type }) => type !== "foreign")) {
      onInput(world);
    }
    for (const report of signals.map(toReport)) {
      world.tally.countSignal(take(world, report), report.dialect);
      forgetExcess(world);
    }
    forgetWaits(world);
    reportChanges(world);
    this.tick(nowMs);
  }

  /** Decides what is due by then. */
  tick(nowMs: number): void {
    const { world } = this;
    const untilMs = Math.max(world.nowMs, nowMs);
    for (;;) {
      const nextMs = Math.max(world.nowMs, nextDueMs(world));
      if (forgetUntil(world, Math.min(nextMs, untilMs))) {
        // Work that has lost what held it may be due now.
        continue;
      }
      if (nextMs > untilMs) {
        break;
      }
      world.nowMs = nextMs;
      while (decideOne(world)) {
        forgetWaits(world);
        forgetExcess(world);
      }
      reportChanges(world);
    }
    world.nowMs = untilMs;
  }
}

/** The next moment at which anything is due. */
function nextDueMs(world: World): number {
  return Math.min(
    waitUntilMs(world),
    undecidedUntilMs(world),
    ...orphansDueMs(world),
    ...idlesDueMs(world),
    ...sessionEndsDueMs(world),
    ...[...world.processes.values()].map(processDueMs),
    ...[...world.spans.values()].map((span) => silenceDueMs(world, span)),
    ...changesAtMs(world).filter((atMs) => atMs > world.nowMs),
  );
}

/** Decides something that is due now, the surer first; whether there was anything. */
function decideOne(world: World): boolean {
  if (waitUntilMs(world) <= world.nowMs) {
    endOldestWait(world);
    return true;
  }
  if (undecidedUntilMs(world) <= world.nowMs) {
    decideFinished(world);
    return true;
  }
  if (endIdleRuns(world) || evictOrphans(world) || endSessions(world)) {
    return true;
  }
  const process = world
    .inAnyOrder(world.processes.values())
    .find((each) => processDueMs(each) <= world.nowMs);
  if (process !== undefined) {
    decideProcess(world, process);
    return true;
  }
  const span = world
    .inAnyOrder(world.spans.values())
    .find((each) => silenceDueMs(world, each) <= world.nowMs);
  if (span !== undefined) {
    decideSpan(world, span);
    return true;
  }
  return false;
}

/** The moment of a report of a process about itself, which has no number in the sender's order. */
function processMomentOf(world: World, { startMs, process }: Report): Moment {
  return { seq: 0, atMs: world.nowMs, timeMs: startMs, process, isEnd: false };
}

function take(world: World, report: Report): SignalResult {
  if (report.type === "foreign" || report.type === "overlong") {
    return report.type;
  }
  if (report.type === "unwatched") {
    leaveUnwatched(world, report);
    return "unwatched";
  }
  const process = processOf(world, report);
  world.firstSeenAt.set(report.process, world.firstSeenAt.get(report.process) ?? world.nowMs);
  onHostInput(world, process);
  if (onProcessInput(world, process, report.rank) && report.isRelayed) {
    supersede(world, report.process);
  }
  switch (report.type) {
    case "alive":
      onHeartbeat(world, process, report.intervalMs, processMomentOf(world, report));
      return "heartbeat";
    case "gone":
      deleteProcess(world, process, processMomentOf(world, report));
      return "gone";
    case "sessionEnd":
      return noteSession(world, report);
    case "idle":
      return noteSession(world, report);
    case "pause":
      noteWait(world, report);
      return pause(world, report);
    case "resume":
      noteWait(world, report);
      return resume(world, report);
    case "claim":
      return claim(world, report);
    case "recovered":
      return recovered(world, report);
    case "queued":
      noteQueue(world, report);
      return report.references.length > 0 ? "queued" : "unmatched";
    case "evictedBySender":
      return evictedBySender(world, report);
    default:
      break;
  }
  const isRelayed = rankOf(world, report.process) === sourceRanks.relay;
  if ((!report.isRelayed && isRelayed) || wasReported(world, process, report)) {
    return "superseded";
  }
  switch (report.type) {
    case "request":
      return request(world, report);
    case "answer":
      return answer(world, report);
    default:
      break;
  }
  if (report.key !== 0) {
    matchCall(world, report);
  }
  if (report.type === "start") {
    return start(world, report);
  }
  const result = finishOrEnd(world, report);
  learn(world, report);
  return result;
}

/** A session is over, or idle: the ends of work that began before have a lateness to arrive. */
function noteSession(world: World, report: Report): SignalResult {
  const { type, references } = report;
  const owners = ownersOf(world);
  const session = owners.sessionNamed(references);
  if (!owners.isKnown(session)) {
    return "unmatched";
  }
  const note = { references, moment: momentOf(world, report), dueMs: world.latestMs };
  if (type === "idle") {
    const open = owners.all.filter((owner) => owner.isOpen && owner.session === session);
    world.idles.push({ ...note, runs: open.flatMap(({ runs }) => runs) });
    noteQueue(world, { ...report, completed: 1 });
    return "idle";
  }
  world.sessionEnds.push(note);
  return "session_ended";
}

/** A source stops watching a process, which lives on: what it had reported as open is untracked. */
function leaveUnwatched(world: World, report: Report): void {
  const process = world.processes.get(report.process);
  if (process !== undefined) {
    stopWatching(world, process, report);
  }
  for (const span of world.inAnyOrder(openOf(world, report.process))) {
    const isLater = isBefore(
      processMomentOf(world, report),
      { ...span.start, seq: 0 },
      world.latenessMs,
    );
    if (span.isRelayed === report.isRelayed && !isLater) {
      untrack(world, span);
    }
  }
  world.complaints = world.complaints.filter(
    ({ references }) => references[0]?.startsWith(`${report.process}/`) !== true,
  );
}

/** The relay is now the source for a process: the reports of others no longer count. */
function supersede(world: World, process: number): void {
  for (const span of world.inAnyOrder(openOf(world, process))) {
    if (!span.isRelayed) {
      end(world, span, Number.NaN, nowAsEnd(world, span));
    }
  }
}
