import {
  type SignalResult,
  sourceRanks,
} from "../../../../../src/processors/session_activity/signals/dialects.ts";
import { ownerAbove, runsOf } from "./kinship.ts";
import { releaseTrace } from "./memory.ts";
import { rankOf } from "./processes.ts";
import { keyOf, type Report, spanIn, spanOf, traceOf } from "./report.ts";
import type { Group, Request, World } from "./world.ts";

/** A finished model call asked for a tool. Means something only where no starts are told. */
export function request(world: World, report: Report): SignalResult {
  const key = keyOf(report);
  if (rankOf(world, report.process) !== sourceRanks.finishedSpans) {
    return "untracked";
  }
  const met = world.met.get(key);
  if (met !== undefined) {
    world.met.delete(key);
    learn(world, report.process, report.name, met);
    return "answered";
  }
  const trace = traceOf(world, report);
  if (trace === undefined || spanOf(world, report) === undefined || world.requests.has(key)) {
    return "untracked";
  }
  const { process, span, name } = report;
  world.requests.set(key, { key, process, trace, span, name });
  return "requested";
}

/** A tool with this call was seen, or a model was handed its result. */
export function meet(world: World, report: Report, isTool: boolean): SignalResult {
  const key = keyOf(report);
  const asked = world.requests.get(key);
  if (asked !== undefined) {
    forgetRequest(world, asked);
    learn(world, asked.process, asked.name, isTool ? report.name : 0);
    return "answered";
  }
  if (isTool && rankOf(world, report.process) === sourceRanks.finishedSpans) {
    world.met.set(key, report.name);
  }
  return "untracked";
}

/** How many tools that the runs of a group asked for never came, though tools of that name do. They are forgotten. */
export function takeUnmet(world: World, group: Group): number {
  const traces = new Set(runsOf(group).map(({ trace }) => trace));
  const asked = [...world.requests.values()].filter(({ trace, span }) => {
    const modelCall = spanIn(world, trace, span);
    return traces.has(trace) && modelCall && ownerAbove(modelCall)?.group === group;
  });
  for (const each of asked) {
    forgetRequest(world, each);
  }
  return asked.filter(({ process, name }) => world.reporting.has(`${process} ${name}`)).length;
}

function forgetRequest(world: World, asked: Request): void {
  world.requests.delete(asked.key);
  releaseTrace(world, asked.trace);
}

/** A tool reports the calls it is asked for when it came under the name that it was asked for by. */
function learn(world: World, process: number, name: number, asTool: number): void {
  if (name !== 0 && asTool === name) {
    world.reporting.add(`${process} ${name}`);
  }
}
