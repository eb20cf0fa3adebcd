import { openBelow } from "./ancestry.ts";
import type { Span, Trace, World } from "./world.ts";

/** So many tombstones are passed over in the search for one that can be dropped. */
const passedOver = 16;

/** Whether one more span fits, forgetting an old one where that helps. */
export function makeRoom(world: World): boolean {
  const { maxOpenWork, maxTombstones } = world.limits;
  return world.spans.size < maxOpenWork + maxTombstones || forgetOne(world);
}

/** Adds a span that is known by its name only. */
export function addUnknown(world: World, trace: Trace, id: number): Span {
  const span: Span = {
    key: `${trace.key}/${id}`,
    id,
    trace,
    parent: undefined,
    kind: "other",
    state: "unknown",
    isHarness: false,
    isInner: false,
    isRelayed: false,
    isOpenclaw: false,
    isReportedAtStart: false,
    isTwoItems: false,
    isDetached: false,
    isUncounted: false,
    hasFailed: false,
    isPrompted: false,
    isBrokenOff: false,
    hasCome: false,
    isUnkeyed: false,
    lateByMs: undefined,
    isClosedByRun: false,
    isUndecided: false,
    isSettled: false,
    isReportedAfterDelete: false,
    isForgotten: false,
    references: new Set(),
    name: 0,
    scope: 0,
    alias: 0,
    isSameWork: false,
    isGuess: false,
    firstShape: undefined,
    isOver: false,
    startMs: 0,
    endMs: 0,
    start: { seq: 0, atMs: world.nowMs, timeMs: 0, process: trace.process, isEnd: false },
    end: undefined,
    progressMs: Number.NEGATIVE_INFINITY,
    isDiagnosed: false,
    seenAtMs: 0,
    undecidedSinceMs: 0,
    retainedAtMs: 0,
    evictedAtMs: 0,
    reason: undefined,
    leaseMs: 0,
    snapshotMs: 0,
    hold: "none",
    endSureness: undefined,
    heldUntilMs: 0,
    pairedWith: undefined,
    lastCall: undefined,
    claimed: 0,
    completed: 0,
    finishedItems: [],
    wasChecked: false,
    matched: 0,
    unnamed: 0,
  };
  world.changes++;
  world.traces.set(trace.key, trace);
  world.spans.set(span.key, span);
  retain(world, span);
  return span;
}

/** Retains a span that is not open. */
export function retain(world: World, span: Span): void {
  if (!world.tombstones.includes(span) && !world.longTombstones.includes(span)) {
    span.retainedAtMs = world.nowMs;
    const isOwner = span.kind === "run" && span.state !== "unknown";
    const isLong = isOwner || span.state === "evicted" || span.state === "untracked";
    (isLong ? world.longTombstones : world.tombstones).push(span);
  }
}

/** An evicted span is reported once more: its retention begins anew. */
export function retainAnew(world: World, span: Span): void {
  if (span.state === "evicted") {
    pin(world, span);
    retain(world, span);
  }
}

/** A span that has not arrived is named once more: its retention begins anew. */
export function renew(world: World, span: Span): void {
  if (span.state === "unknown") {
    pin(world, span);
    retain(world, span);
  }
}

/** Takes a span out of retention. */
export function pin(world: World, span: Span): void {
  for (const queue of [world.tombstones, world.longTombstones, world.undecided]) {
    remove(queue, span);
  }
}

/** Drops the spans whose retention is over; whether there were any. */
export function forgetUntil(world: World, atMs: number): boolean {
  const { tombstoneTtlMs, maxAgeMs } = world.limits;
  forgetEvictedCalls(world, atMs);
  let hasForgotten = false;
  for (const [queue, ttlMs] of [
    [world.tombstones, tombstoneTtlMs],
    [world.longTombstones, Math.max(tombstoneTtlMs, maxAgeMs)],
  ] as const) {
    for (let oldest = queue[0]; oldest !== undefined; oldest = queue[0]) {
      const dueMs = oldest.retainedAtMs + ttlMs;
      if (dueMs > atMs) {
        break;
      }
      forgetOrKeep(world, queue, dueMs);
      hasForgotten = true;
    }
  }
  return hasForgotten;
}

function forgetEvictedCalls({ limits, evictedCalls }: World, atMs: number): void {
  for (const [key, evicted] of evictedCalls) {
    if (evicted.atMs + Math.max(limits.tombstoneTtlMs, limits.maxAgeMs) <= atMs) {
      evictedCalls.delete(key);
    }
  }
}

export function forgetExcess(world: World): void {
  const { maxTombstones } = world.limits;
  while (world.tombstones.length + world.longTombstones.length > maxTombstones) {
    if (!forgetOne(world)) {
      return;
    }
  }
}

function forgetOne(world: World): boolean {
  return [world.tombstones, world.longTombstones].some((queue) => {
    for (let tries = 0; tries < passedOver && queue.length > 0; tries++) {
      if (forgetOrKeep(world, queue, queue.at(-1)?.retainedAtMs ?? 0)) {
        return true;
      }
    }
    return false;
  });
}

/** Forgets the oldest of a queue; one with open work below connects that to its owner, and its retention begins anew as of `atMs`. */
function forgetOrKeep(world: World, queue: Span[], atMs: number): boolean {
  const oldest = queue.shift();
  if (oldest === undefined) {
    return false;
  }
  if (openBelow(world, oldest).length > 0) {
    oldest.retainedAtMs = atMs;
    queue.push(oldest);
    return false;
  }
  forget(world, oldest);
  return true;
}

function forget(world: World, span: Span): void {
  if (span.state === "unknown") {
    world.tally.countSignal("forgotten", "implied_parent");
  }
  world.unpairedRuns.delete(span);
  world.unpairedHarnessRuns.delete(span);
  world.responses.delete(span);
  world.changes++;
  span.isForgotten = true;
  world.spans.delete(span.key);
  releaseTrace(world, span.trace);
}

/** A trace is known as long as anything names it. */
export function releaseTrace(world: World, trace: Trace): void {
  const isNamed = [...world.spans.values()].some((span) => span.trace === trace);
  if (!isNamed) {
    world.traces.delete(trace.key);
    world.hadRun.delete(`trace ${trace.key}`);
  }
}

function remove<T>(items: T[], item: T): void {
  const at = items.indexOf(item);
  if (at !== -1) {
    items.splice(at, 1);
  }
}
