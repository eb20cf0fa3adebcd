import {
  confidenceOf,
  type EvictionReason,
} from "../../../../../src/processors/session_activity/kinds.ts";
import { usualGapMsOf } from "../../../../../src/processors/session_activity/machine/leases.ts";
import { holdSilence } from "./breaker.ts";
import { evictMarkers } from "./evicting.ts";
import { isMarker } from "./kinship.ts";
import { evict, renew } from "./lives.ts";
import { ownersOf } from "./owners.ts";
import type { Process, Span, World } from "./world.ts";

/** A process has missed its heartbeats, or has a successor, or said that it ends. */
export function decideProcess(world: World, process: Process): void {
  let reason: EvictionReason = "process_gone";
  if (process.state === "alive") {
    process.hold = holdSilence(world, process.hold, { gapMs: process.intervalMs ?? 0 });
    process.verdictMs = world.latestMs;
    if (process.hold !== "none") {
      return;
    }
    reason = "lease_expired";
  }
  const confidence = process.state === "replaced" ? "probable" : confidenceOf[reason];
  process.state = "gone";
  const open = openOf(world, process.id);
  const owners = ownersOf(world);
  const markers = open.filter(isMarker);
  for (const session of new Set(markers.map((marker) => owners.sessionOf(marker)))) {
    const its = markers.filter((marker) => owners.sessionOf(marker) === session);
    evictMarkers(world, its, reason, confidence);
  }
  evictRuns(world, open, reason);
}

/** Open work has been silent for too long. */
export function decideSpan(world: World, span: Span): void {
  const hasLease = span.leaseMs > 0;
  // Work is as old as it is, whoever is heard.
  const gapMs = hasLease ? usualGapMsOf(span.leaseMs) : Number.POSITIVE_INFINITY;
  span.hold = holdSilence(world, span.hold, { gapMs });
  span.heldUntilMs = world.latestMs;
  if (span.hold !== "none") {
    return;
  }
  const reason = hasLease ? "lease_expired" : "max_age";
  if (span.kind === "run") {
    evictRuns(world, [span], reason);
  } else {
    evictMarkers(world, [span], reason);
  }
}

/** Something is heard: who waited for that has a new lease. */
export function hearAnything(world: World): void {
  world.heardAtMs = world.nowMs;
  world.isHoldTold = false;
  for (const process of world.processes.values()) {
    if (process.hold === "untilInput") {
      process.hold = "none";
      process.heardAtMs = world.nowMs;
    }
  }
  for (const span of world.spans.values()) {
    if (span.state === "open" && span.hold === "untilInput") {
      renew(world, span);
    }
  }
}

export function openOf(world: World, process: number): Span[] {
  return [...world.spans.values()].filter(
    (span) => span.state === "open" && span.trace.process === process,
  );
}

/** Evicts those of open work that are runs. */
export function evictRuns(world: World, open: readonly Span[], reason: EvictionReason): void {
  for (const run of world.inAnyOrder(open.filter(({ kind }) => kind === "run"))) {
    evict(world, run, reason);
  }
}
