import {
  type SignalResult,
  sourceRanks,
} from "../../../../../src/processors/session_activity/signals/dialects.ts";
import { ownRunOf } from "./kinship.ts";
import { releaseTrace } from "./memory.ts";
import type { Owner, Owners } from "./owners.ts";
import { rankOf } from "./processes.ts";
import { keyOf, type Report, spanIn, spanOf, traceOf } from "./report.ts";
import type { Request, Span, World } from "./world.ts";

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
    if (isTool) {
      world.ran.add(responseOf(asked));
    }
    forgetRequest(world, asked);
    learn(world, asked.process, asked.name, isTool ? report.name : 0);
    return "answered";
  }
  if (isTool && rankOf(world, report.process) === sourceRanks.finishedSpans) {
    world.met.set(key, report.name);
  }
  return "untracked";
}

/** Tools that the model calls of an owner asked for and that never came. */
export function unmetOf(world: World, owner: Owner): readonly Request[] {
  return [...world.requests.values()].filter(({ trace, span }) => {
    const modelCall: Span | undefined = spanIn(world, trace, span);
    const run = modelCall && ownRunOf(modelCall);
    return run !== undefined && owner.runs.includes(run);
  });
}

/**
 * How many of these were to run: another call of the same response did, the owner then failed or went on as if this one
 * had been answered, and tools of that name do come. They are forgotten.
 */
export function takeUnmet(world: World, owners: Owners, owner: Owner): number {
  const asked = unmetOf(world, owner);
  for (const each of asked) {
    forgetRequest(world, each);
  }
  return asked.filter(
    (each) =>
      world.reporting.has(`${each.process} ${each.name}`) &&
      world.ran.has(responseOf(each)) &&
      (owner.runs.some(({ hasFailed }) => hasFailed) || wentOn(world, owners, owner, each)),
  ).length;
}

/** Whether a model call of the owner began when the one that asked was over. */
function wentOn(world: World, owners: Owners, owner: Owner, { trace, span }: Request): boolean {
  const asking = spanIn(world, trace, span);
  return [...world.spans.values()].some(
    (call) =>
      call !== asking &&
      call.kind === "model_call" &&
      call.state !== "unknown" &&
      owners.above(call) === owner &&
      call.startMs >= (asking?.endMs ?? 0),
  );
}

function responseOf({ trace, span }: Request): string {
  return `${trace.key}/${span}`;
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
