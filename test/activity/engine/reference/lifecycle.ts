import type { EvictionReason } from "../../../../src/activity/model/reasons.ts";
import { ancestorsOf, openMarkers } from "./ancestry.ts";
import { finishedDurationMs, openDurationMs } from "./durations.ts";
import type { Moment } from "./moments.ts";
import { ownersOf } from "./owners.ts";
import { makeProgress } from "./progress.ts";
import { pin, retain } from "./retention.ts";
import { countsEnd, countsStart } from "./run-counting.ts";
import type { Kind, Span, World } from "./world.ts";

/** A span is reported: it stays until it is closed. */
export function arrive(world: World, span: Span): void {
  pin(world, span);
  span.state = "ended";
}

/** `mayCount`: whether it may be counted, called when it is open. */
export function open(world: World, span: Span, mayCount: () => boolean): void {
  pin(world, span);
  world.changes++;
  span.state = "open";
  span.end = undefined;
  if (mayCount() && countsStart(world, span)) {
    world.tally.count("started", span.kind);
  } else {
    span.isUncounted = true;
  }
  renew(world, span);
  makeProgress(world, span);
}

/** Its silence begins anew. */
export function renew(world: World, span: Span): void {
  span.seenAtMs = world.nowMs;
  span.hold = "none";
}

/**
 * Ends open work as its sender reported. `endMs` is NaN where that is not known. `kind`: what it was, if it was taken for something
 * else.
 */
export function end(
  world: World,
  span: Span,
  endMs: number,
  moment: Moment,
  kind: Kind = span.kind,
): void {
  if (countsEnd(world, span)) {
    if (kind !== span.kind) {
      world.tally.countCorrected(span.kind, kind);
    }
    if (kind !== "other") {
      world.tally.count("ended", kind);
      time(world, span, openDurationMs(world, span, endMs), kind);
    }
  }
  span.endMs = endMs;
  close(world, span, "ended", moment);
}

/** The moment of an end that the engine decides now. */
export function nowAsEnd(world: World, span: Span): Moment {
  return { seq: 0, atMs: world.nowMs, timeMs: 0, process: span.trace.process, isEnd: true };
}

/** Untracks open work whose end will not be reported. */
export function untrack(world: World, span: Span): void {
  if (countsEnd(world, span)) {
    world.tally.count("untracked", span.kind);
  }
  close(world, span, "untracked", nowAsEnd(world, span));
}

export function evict(world: World, span: Span, reason: EvictionReason): void {
  const ageMs = world.nowMs - span.start.atMs;
  if (countsEnd(world, span)) {
    world.tally.countEvicted(reason, span.kind);
    world.tally.time("evicted", span.kind, ageMs);
  }
  span.reason = reason;
  span.evictedAtMs = world.nowMs;
  span.endMs = span.startMs + ageMs;
  // By the sender's clock, where that is set.
  const timeMs = span.startMs > 0 ? span.endMs : 0;
  close(world, span, "evicted", { ...nowAsEnd(world, span), timeMs });
}

/** Finished work ended by itself. */
export function finish(world: World, span: Span, isCounted = true): void {
  if (isCounted && countsStart(world, span)) {
    world.tally.count("started", span.kind);
    world.tally.count("ended", span.kind);
    time(world, span, finishedDurationMs(world, span));
  } else {
    span.isUncounted = true;
  }
  settle(world, span, "ended");
}

/** Finished work is decided. */
export function settle(world: World, span: Span, state: "ended" | "evicted"): void {
  pin(world, span);
  world.changes++;
  span.state = state;
  span.isUndecided = false;
  retain(world, span);
}

/** Waits that name a span end with it; ages above begin anew. */
export function endWait(world: World, key: string, named: readonly Span[]): void {
  world.waits.delete(key);
  const owners = ownersOf(world);
  const held = openMarkers(world).filter((marker) =>
    named.some((run) => run.kind === "run" && owners.above(marker) === owners.ofRun(run)),
  );
  for (const span of [...named, ...held]) {
    for (const each of [span, ...ancestorsOf(span)]) {
      if (each.state === "open" && each.leaseMs === 0) {
        renew(world, each);
      }
    }
  }
}

/** How long work took that ended by itself, if that is known. */
function time(
  world: World,
  span: Span,
  durationMs: number | undefined,
  kind: Kind = span.kind,
): void {
  if (durationMs !== undefined) {
    world.tally.time(span.hasFailed ? "error" : "completed", kind, durationMs);
  }
}

function close(
  world: World,
  span: Span,
  state: "ended" | "evicted" | "untracked",
  moment: Moment,
): void {
  world.changes++;
  span.state = state;
  span.end = moment;
  retain(world, span);
}
