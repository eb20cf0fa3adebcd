import { type SignalResult, sourceRanks } from "../../../../src/activity/model/dialects.ts";
import { ancestorsOf, isMarker, ownRunOf } from "./ancestry.ts";
import { type Owner, type Owners, ownersOf } from "./owners.ts";
import { rankOf } from "./processes.ts";
import { keyOf, type Report, spanOf, traceKeyOf } from "./report.ts";
import type { Call, Response, Span, World } from "./world.ts";

/** A tool that is cut off with its run ends with it: one that ended this long before did not. */
const wentOnForMs = 100;

/** A finished model call requested a tool. Counts only where no starts are reported. */
export function request(world: World, report: Report): SignalResult {
  const key = keyOf(report);
  const { process, name } = report;
  const modelCall = spanOf(world, report);
  if (rankOf(world, process) !== sourceRanks.finishedSpans) {
    return "superseded";
  }
  if (callOf(world, key) !== undefined || world.evictedCalls.has(key)) {
    return "repeated";
  }
  if (modelCall === undefined || report.key === 0) {
    return "untracked";
  }
  const response = world.responses.get(modelCall) ?? {
    modelCall,
    atMs: world.nowMs,
    calls: [],
    ranMs: [],
    hasKeyedTools: false,
  };
  world.responses.set(modelCall, response);
  const call: Call = { key, name, state: "open" };
  response.calls.push(call);
  const early = taken(world, world.earlyTools, key);
  if (early !== undefined) {
    noteRan(world, { response, call }, early);
    return "answered";
  }
  if (taken(world, world.answered, key) !== undefined) {
    call.state = "answered";
    return "answered";
  }
  return "requested";
}

/** A model got the result of a call. */
export function answer(world: World, report: Report): SignalResult {
  if (rankOf(world, report.process) !== sourceRanks.finishedSpans) {
    return "superseded";
  }
  const requested = callOf(world, keyOf(report));
  if (requested === undefined) {
    world.answered.set(keyOf(report), { atMs: world.nowMs });
    return "unmatched";
  }
  if (requested.call.state !== "open") {
    return "repeated";
  }
  requested.call.state = "answered";
  return "answered";
}

/** A tool with this call arrived. */
export function matchCall(world: World, report: Report): void {
  const key = keyOf(report);
  const requested = callOf(world, key);
  const early = {
    name: report.name,
    ranMs: report.failed ? [] : [report.endMs],
    atMs: world.nowMs,
  };
  if (requested !== undefined) {
    noteRan(world, requested, early);
  } else if (
    rankOf(world, report.process) === sourceRanks.finishedSpans &&
    !world.evictedCalls.has(key)
  ) {
    world.earlyTools.set(key, early);
  }
}

/** A tool or a model call arrived finished. */
export function noteFinished(world: World, span: Span, report: Report): void {
  span.hasCome = rankOf(world, report.process) === sourceRanks.finishedSpans;
  span.isPrompted = span.kind === "model_call" && report.prompted;
  span.isUnkeyed = span.kind === "tool" && report.key === 0;
  if (span.kind === "tool") {
    if (span.isDetached && span.name !== 0) {
      world.background.add(`${report.process} ${span.name}`);
    }
    span.lateByMs = takeEvicted(world, report);
  }
}

/** By how much a tool is late that was evicted before it arrived. The run that requested it has one unnamed tool less. */
export function takeEvicted(world: World, report: Report): number | undefined {
  const evicted = world.evictedCalls.get(keyOf(report));
  if (evicted === undefined) {
    return undefined;
  }
  world.evictedCalls.delete(keyOf(report));
  const run = world.spans.get(evicted.run);
  const owner = run === undefined ? undefined : ownersOf(world).ofRun(run);
  const counting = owner?.runs.find(({ unnamed }) => unnamed > 0);
  if (counting !== undefined) {
    counting.unnamed--;
  }
  return world.nowMs - evicted.atMs;
}

/** A wait for a person has begun, or is over. */
export function noteWait(world: World, report: Report): void {
  if (report.span !== 0) {
    world.waitedAtMs.set(`trace ${traceKeyOf(report)}`, world.nowMs);
  }
  for (const reference of report.references) {
    world.waitedAtMs.set(reference, world.nowMs);
  }
}

/** Responses of the model calls of an owner, which are not decided. */
export function unmatchedOf(world: World, owner: Owner): readonly Response[] {
  return [...world.responses.values()].filter(({ modelCall }) => {
    const run = ownRunOf(modelCall);
    return run !== undefined && owner.runs.includes(run);
  });
}

/** How many of the requested tools are orphans. All are forgotten. */
export function takeUnmatched(world: World, owners: Owners, owner: Owner): number {
  const responses = unmatchedOf(world, owner);
  const others = matchByName(world, owner, responses);
  let unmet = 0;
  for (const response of responses) {
    for (const { key } of orphansOf(world, { owners, owner, others }, response)) {
      world.evictedCalls.delete(key);
      world.evictedCalls.set(key, {
        atMs: world.nowMs,
        run: ownRunOf(response.modelCall)?.key ?? "",
      });
      unmet++;
    }
    world.responses.delete(response.modelCall);
  }
  return unmet;
}

/** Which calls of a response are orphans: nothing else explains why their tools did not arrive. */
function orphansOf(
  world: World,
  of: { readonly owners: Owners; readonly owner: Owner; readonly others: readonly Span[] },
  { modelCall, calls, atMs, ranMs, hasKeyedTools }: Response,
): readonly Call[] {
  const { process } = modelCall.trace;
  const mayBeUnseen = of.others.length > 0 || rankOf(world, process) !== sourceRanks.finishedSpans;
  if (
    modelCall.hasFailed ||
    (mayBeUnseen && !hasKeyedTools) ||
    hasWaited(world, of.owners, modelCall, atMs - world.latenessMs) ||
    ranMs.length === 0
  ) {
    return [];
  }
  const open = calls.filter(
    ({ state, name }) =>
      state === "open" && name !== 0 && !world.background.has(`${process} ${name}`),
  );
  const reported = open.filter(({ name }) => world.reporting.has(`${process} ${name}`));
  const modelCalls = finishedIn(world, of.owner).filter(({ kind }) => kind === "model_call");
  const others = modelCalls.filter((call) => call !== modelCall);
  const later = others.filter(({ startMs }) => startMs >= modelCall.endMs);
  if (
    later.some(({ isPrompted }) => isPrompted) ||
    (modelCalls.length > 1 && modelCalls.some(({ startMs }) => startMs <= 0))
  ) {
    return [];
  }
  if (later.length > 0) {
    return reported;
  }
  const run = ownRunOf(modelCall);
  const hasFailed = of.owner.runs.some((each) => each.hasFailed);
  if (
    run === undefined ||
    !(Math.min(...ranMs) + wentOnForMs <= run.endMs) ||
    !(hasFailed || run.isBrokenOff)
  ) {
    return [];
  }
  return run.isBrokenOff ? open : reported;
}

/** Tools without a call id answer calls of their name: the last one before them, else any. Gives those that answer none. */
function matchByName(world: World, owner: Owner, responses: readonly Response[]): readonly Span[] {
  const left = finishedIn(world, owner)
    .filter(({ isUnkeyed }) => isUnkeyed)
    .toSorted((a, b) => b.startMs - a.startMs);
  const requested = responses
    .toSorted((a, b) => b.modelCall.startMs - a.modelCall.startMs)
    .flatMap((response) => response.calls.map((call) => ({ response, call })))
    .filter(({ call }) => call.state !== "ran" && call.name !== 0);
  const early = new Set<Call>();
  for (const isInOrder of [true, false]) {
    for (const { response, call } of requested) {
      const tool = left.find(({ name }) => name === call.name);
      const isLater = tool !== undefined && tool.startMs >= response.modelCall.startMs;
      if (tool !== undefined && !early.has(call) && (isLater || !isInOrder)) {
        left.splice(left.indexOf(tool), 1);
        early.add(call);
        call.state = "ran";
        response.ranMs.push(...(tool.hasFailed ? [] : [tool.endMs]));
        learn(world, tool.trace.process, call.name);
      }
    }
  }
  return left;
}

/** Tools without a call id, and model calls, that arrived finished directly in the runs of an owner. */
function finishedIn(world: World, owner: Owner): readonly Span[] {
  return [...world.spans.values()].filter((span) => {
    const run = ownRunOf(span);
    const line = ancestorsOf(span);
    return (
      span.hasCome &&
      (span.kind === "model_call" || span.isUnkeyed) &&
      run !== undefined &&
      owner.runs.includes(run) &&
      !line.slice(0, line.indexOf(run)).some(isMarker)
    );
  });
}

/** Whether its trace or its session waited for a person, or did so no longer, since then. */
function hasWaited(world: World, owners: Owners, modelCall: Span, sinceMs: number): boolean {
  const run = ownRunOf(modelCall);
  const session = run === undefined ? undefined : owners.sessionOf(run);
  return [...world.waitedAtMs].some(
    ([where, atMs]) =>
      atMs >= sinceMs &&
      (where === `trace ${modelCall.trace.key}` ||
        (!where.startsWith("trace ") &&
          owners.isKnown(owners.sessionNamed([where])) &&
          owners.sessionNamed([where]) === session)),
  );
}

/** What is remembered of a call, once, unless that is too long ago. */
function taken<T extends { readonly atMs: number }>(
  { nowMs, limits }: World,
  remembered: Map<string, T>,
  key: string,
): T | undefined {
  const found = remembered.get(key);
  remembered.delete(key);
  const ttlMs = Math.max(limits.maxAgeMs, limits.tombstoneTtlMs);
  return found !== undefined && found.atMs + ttlMs > nowMs ? found : undefined;
}

function callOf(
  world: World,
  key: string,
): { readonly response: Response; readonly call: Call } | undefined {
  for (const response of world.responses.values()) {
    const call = response.calls.find((each) => each.key === key);
    if (call !== undefined) {
      return { response, call };
    }
  }
  return undefined;
}

function noteRan(
  world: World,
  { response, call }: { readonly response: Response; readonly call: Call },
  early: { readonly name: number; readonly ranMs: readonly number[] },
): void {
  call.state = "ran";
  response.hasKeyedTools = true;
  response.ranMs.push(...early.ranMs);
  if (call.name === early.name) {
    learn(world, response.modelCall.trace.process, call.name);
  }
}

/** A tool of this name is reported when it is requested. */
function learn(world: World, process: number, name: number): void {
  if (name !== 0) {
    world.reporting.add(`${process} ${name}`);
  }
}
