import type { EvictionReason } from "../../../../../src/processors/session_activity/kinds.ts";
import { ancestorsOf, openMarkers } from "./kinship.ts";
import { bury, exhume } from "./memory.ts";
import { ownersOf } from "./owners.ts";
import { makeProgress } from "./progress.ts";
import type { Thing } from "./things.ts";
import type { Span, World } from "./world.ts";

/** A span is reported: it stays until it is closed. */
export function arrive(world: World, span: Span): void {
  exhume(world, span);
  span.state = "ended";
}

export function open(world: World, span: Span): void {
  exhume(world, span);
  world.tally.count("started", span.kind);
  world.changes++;
  span.state = "open";
  span.end = undefined;
  renew(world, span);
  makeProgress(world, span);
}

/** Its silence begins anew. */
export function renew(world: World, span: Span): void {
  span.heardAtMs = world.nowMs;
  span.hold = "none";
}

/** Ends open work as its sender said. `endMs` is NaN where that is not known. */
export function end(world: World, span: Span, endMs: number, thing: Thing): void {
  world.tally.count("ended", span.kind);
  time(world, span, endMs);
  span.endMs = endMs;
  close(world, span, "ended", thing);
}

/** Something of ours ends work now. */
export function nowAsEnd(world: World, span: Span): Thing {
  return { seq: 0, atMs: world.nowMs, timeMs: 0, process: span.trace.process, isEnd: true };
}

export function evict(world: World, span: Span, reason: EvictionReason): void {
  const ageMs = world.nowMs - span.start.atMs;
  world.tally.countEvicted(reason, span.kind);
  world.tally.time("evicted", span.kind, ageMs);
  span.reason = reason;
  span.evictedAtMs = world.nowMs;
  span.endMs = span.startMs + ageMs;
  // By the sender's clock, where that is set.
  const timeMs = span.startMs > 0 ? span.endMs : 0;
  close(world, span, "evicted", { ...nowAsEnd(world, span), timeMs });
}

/** Work that came finished ended by itself. */
export function finish(world: World, span: Span): void {
  world.tally.count("started", span.kind);
  world.tally.count("ended", span.kind);
  time(world, span, span.endMs);
  settle(world, span, "ended");
}

/** It is known what became of work that came finished. */
export function settle(world: World, span: Span, state: "ended" | "evicted"): void {
  exhume(world, span);
  world.changes++;
  span.state = state;
  span.isUndecided = false;
  bury(world, span);
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

/** How long work took that ended by itself; without both times nobody knows. */
function time(world: World, span: Span, endMs: number): void {
  if (span.startMs > 0 && endMs > 0) {
    world.tally.time(span.hasFailed ? "error" : "completed", span.kind, endMs - span.startMs);
  }
}

function close(world: World, span: Span, state: "ended" | "evicted", thing: Thing): void {
  world.changes++;
  span.state = state;
  span.end = thing;
  bury(world, span);
}
