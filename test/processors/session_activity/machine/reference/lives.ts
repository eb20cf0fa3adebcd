import type { EvictionReason } from "../../../../../src/processors/session_activity/kinds.ts";
import { ancestorsOf, isActive, isOwnerless } from "./kinship.ts";
import { bury, exhume } from "./memory.ts";
import { leave, postpone } from "./sessions.ts";
import { tellRecovered } from "./states.ts";
import type { Span, World } from "./world.ts";

/** A span is told of: it stays until it is closed. */
export function arrive(world: World, span: Span): void {
  exhume(world, span);
  span.state = "ended";
}

export function open(world: World, span: Span): void {
  const { group } = span;
  if (group !== undefined && !isActive(group)) {
    group.activeSinceMs = world.nowMs;
    group.heardAtMs = world.nowMs;
  }
  exhume(world, span);
  world.tally.count("started", span.kind);
  span.state = "open";
  span.openedAtMs = world.nowMs;
  renew(world, span);
}

/** Its silence begins anew. */
export function renew(world: World, span: Span): void {
  span.heardAtMs = world.nowMs;
  span.hold = "none";
  span.isParked = false;
}

/** Ends open work as its sender told. `endMs` is NaN where that is not known. */
export function end(world: World, span: Span, endMs: number): void {
  world.tally.count("ended", span.kind);
  world.tally.time(span.hasFailed ? "error" : "completed", span.kind, endMs - span.startMs);
  close(world, span, "ended", endMs);
}

export function evict(world: World, span: Span, reason: EvictionReason): void {
  const ageMs = world.nowMs - span.openedAtMs;
  world.tally.countEvicted(reason, span.kind);
  world.tally.time("evicted", span.kind, ageMs);
  span.reason = reason;
  span.evictedAtMs = world.nowMs;
  close(world, span, "evicted", span.startMs + ageMs);
}

/** Work that came finished ended by itself. */
export function finish(world: World, span: Span): void {
  world.tally.count("started", span.kind);
  world.tally.count("ended", span.kind);
  world.tally.time(span.hasFailed ? "error" : "completed", span.kind, span.endMs - span.startMs);
  settle(world, span, "ended");
}

/** It is known what became of work that came finished. */
export function settle(world: World, span: Span, state: "ended" | "evicted"): void {
  exhume(world, span);
  span.state = state;
  span.isUndecided = false;
  if (span.kind !== "run") {
    leave(world, span);
  }
  bury(world, span);
}

/** What groups waited for below open work has closed: where nobody owns them, their lateness begins anew. */
export function drainEased(world: World): void {
  for (const { group, kind, state } of world.eased) {
    const isOver =
      group !== undefined && (isOwnerless(world, group) || group.endedAtMs !== undefined);
    if (isOver && (kind === "run" || state === "open")) {
      postpone(group, world.latestMs);
    }
  }
  world.eased.clear();
}

/** A run keeps the owners above it until one that has, or it has itself, a session of its own. */
export function easeOwnersAbove(world: World, run: Span): void {
  if (run.kind !== "run" || run.hasReference) {
    return;
  }
  for (const above of ancestorsOf(run).filter(({ kind }) => kind === "run")) {
    world.eased.add(above);
    if (above.hasReference) {
      return;
    }
  }
}

function close(world: World, span: Span, state: "ended" | "evicted", endMs: number): void {
  easeOwnersAbove(world, span);
  for (const above of ancestorsOf(span)) {
    if (above.state === "open") {
      world.eased.add(above);
    }
  }
  span.state = state;
  span.endMs = endMs;
  const { group } = span;
  if (group?.isToldStalled === true && !isActive(group)) {
    tellRecovered(world, group, state === "evicted" ? "evicted" : "progress");
  }
  if (span.kind !== "run") {
    leave(world, span);
  }
  bury(world, span);
}
