import type { ActivityLimits } from "../../../../../src/processors/session_activity/machine/activity-limits.ts";
import {
  type SignalResult,
  sourceRanks,
} from "../../../../../src/processors/session_activity/signals/dialects.ts";
import type { Signal } from "../history.ts";
import { finishOrEnd, start } from "./arrivals.ts";
import { settleOldest, undecidedUntilMs } from "./finished.ts";
import { decideGroup } from "./judging.ts";
import { drainEased, end } from "./lives.ts";
import { forgetExcess, forgetUntil } from "./memory.ts";
import { ownerGone } from "./owners.ts";
import { endOldestWait, endSession, pause, resume, waitUntilMs } from "./pauses.ts";
import { beat, bury, hearProcess, processDueMs, processOf, rankOf } from "./processes.ts";
import { type Report, toReport } from "./report.ts";
import { meet, request } from "./requests.ts";
import { decideProcess, decideSpan, hearAnything, openOf } from "./silences.ts";
import { silenceDueMs } from "./spans-due.ts";
import { stallsAtMs, tellChange } from "./states.ts";
import { World } from "./world.ts";

interface Step {
  readonly dueMs: number;
  readonly decide: () => void;
}

/**
 * What `SessionActivity` must decide, told as simply as it can be: there are maps and no timers, and each step
 * looks at everything there is, asks what is due first, decides that, and looks again.
 */
export class ReferenceMachine {
  readonly world: World;

  /** `order` numbers the order of what may be decided in any; with 0 the oldest comes first. */
  constructor(limits: ActivityLimits, order = 0) {
    this.world = new World(limits, order);
  }

  /** Takes in signals that arrive together. */
  apply(signals: readonly Signal[], nowMs: number): void {
    const { world } = this;
    this.tick(nowMs);
    hearAnything(world);
    for (const report of signals.map(toReport)) {
      world.tally.countSignal(take(world, report), report.dialect);
      drainEased(world);
      forgetExcess(world);
    }
  }

  /** Decides what is due by then. */
  tick(nowMs: number): void {
    const { world } = this;
    const untilMs = Math.max(world.nowMs, nowMs);
    for (let next = firstOf(world); ; next = firstOf(world)) {
      if (forgetUntil(world, Math.min(next.dueMs, untilMs))) {
        continue; // What was due may be forgotten.
      }
      if (next.dueMs > untilMs) {
        break;
      }
      world.nowMs = next.dueMs;
      next.decide();
      drainEased(world);
      forgetExcess(world);
    }
    world.nowMs = untilMs;
  }
}

/** What is due first. Of what is due at once the surer comes first. */
function firstOf(world: World): Step {
  const steps: Step[] = [
    { dueMs: waitUntilMs(world), decide: () => endOldestWait(world) },
    { dueMs: undecidedUntilMs(world), decide: () => settleOldest(world) },
    ...world.inAnyOrder(world.groups).map((group) => ({
      dueMs: group.dueMs ?? Number.POSITIVE_INFINITY,
      decide: () => decideGroup(world, group),
    })),
    ...world.inAnyOrder(world.processes.values()).map((process) => ({
      dueMs: processDueMs(process),
      decide: () => decideProcess(world, process),
    })),
    ...world.inAnyOrder(world.spans.values()).map((span) => ({
      dueMs: silenceDueMs(world, span),
      decide: () => decideSpan(world, span),
    })),
    ...world.inAnyOrder(world.groups).map((group) => ({
      dueMs: stallsAtMs(world, group),
      decide: () => tellChange(world, group),
    })),
  ];
  return steps.reduce((first, step) => (step.dueMs < first.dueMs ? step : first));
}

function take(world: World, report: Report): SignalResult {
  const process = processOf(world, report);
  if (hearProcess(world, process, report.rank) && report.isRelayed) {
    supersede(world, report.process);
  }
  switch (report.type) {
    case "alive":
      beat(process, report.intervalMs);
      return "heartbeat";
    case "gone":
      bury(world, process);
      return "gone";
    case "sessionEnd":
      return endSession(world, report);
    case "pause":
      return pause(world, report);
    case "resume":
      return resume(world, report);
    default:
      break;
  }
  if (!report.isRelayed && rankOf(world, report.process) === sourceRanks.relay) {
    return "superseded";
  }
  switch (report.type) {
    case "request":
      return request(world, report);
    case "answer":
      return meet(world, report, false);
    default:
      break;
  }
  if (report.key !== 0) {
    meet(world, report, true);
  }
  return report.type === "start" ? start(world, report) : finishOrEnd(world, report);
}

/** The relay speaks for a process now: what others had told of is its business. */
function supersede(world: World, process: number): void {
  for (const span of world.inAnyOrder(openOf(world, process))) {
    if (!span.isRelayed) {
      end(world, span, Number.NaN);
      if (span.kind === "run") {
        ownerGone(world, span);
      }
    }
  }
  drainEased(world);
}
