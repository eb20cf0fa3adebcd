import { heartbeatIntervalMsOf } from "../../../../src/activity/engine/policy/leases.ts";
import {
  type Confidence,
  type EvictionReason,
  reasons,
} from "../../../../src/activity/model/reasons.ts";
import { ancestorsOf, isMarker } from "./ancestry.ts";
import { holdSilence } from "./breaker.ts";
import { evictMarkers } from "./evictions.ts";
import { evict, renew } from "./lifecycle.ts";
import { isBefore } from "./moments.ts";
import { ownersOf } from "./owners.ts";
import { isAlive } from "./processes.ts";
import type { Process, Span, World } from "./world.ts";

/** A process has missed its heartbeats, or has a successor, or reported that it ends. */
export function decideProcess(world: World, process: Process): void {
  let reason: EvictionReason = "process_gone";
  if (isAlive(process)) {
    process.hold = holdSilence(world, process.hold, { gapMs: process.intervalMs ?? 0, process });
    process.verdictMs = world.latestMs;
    if (process.hold !== "none") {
      return;
    }
    reason = process.state === "replaced" ? "process_gone" : "lease_expired";
  }
  const confidence = process.state === "replaced" ? "probable" : reasons[reason].confidence;
  const kept = process.state === "deleted" ? openSince(world, process) : [];
  process.state = kept.length > 0 ? "alive" : "gone";
  const open = openOf(world, process.id).filter((span) => !kept.includes(span));
  const owners = ownersOf(world);
  const markers = open.filter(isMarker);
  for (const session of new Set(markers.map((marker) => owners.sessionOf(marker)))) {
    const its = markers.filter((marker) => owners.sessionOf(marker) === session);
    evictMarkers(world, its, reason, confidence);
  }
  evictRuns(world, open, reason, confidence);
}

/** Open work that began, or was still reported, after its process reported that it ends, and the work above that. */
function openSince(world: World, { id, deleted }: Process): readonly Span[] {
  const later = openOf(world, id).filter(
    (span) =>
      deleted !== undefined &&
      (isBefore(deleted, span.start, world.latenessMs) || span.isReportedAfterDelete),
  );
  return later.flatMap((span) => [span, ...ancestorsOf(span)]);
}

/** Open work has been silent for too long. */
export function decideSpan(world: World, span: Span): void {
  const hasLease = span.leaseMs > 0;
  // The age of work does not depend on input.
  const gapMs = hasLease ? heartbeatIntervalMsOf(span.leaseMs) : Number.POSITIVE_INFINITY;
  span.hold = holdSilence(world, span.hold, {
    gapMs,
    process: world.processes.get(span.trace.process),
  });
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

/** Input arrives: work and processes that waited for it get a new lease. */
export function onInput(world: World): void {
  world.lastInputAtMs = world.nowMs;
  world.isHoldReported = false;
  for (const process of world.processes.values()) {
    if (process.hold === "untilInput") {
      process.hold = "none";
      process.seenAtMs = world.nowMs;
    }
  }
  for (const span of world.spans.values()) {
    if (span.state === "open" && span.hold === "untilInput") {
      renew(world, span);
    }
  }
}

/** A signal arrives from the host of a process: work and processes that were held back there get a new lease. */
export function onHostInput(world: World, { serviceHost }: Process): void {
  if (serviceHost === 0) {
    return;
  }
  world.hostSeenAtMs.set(serviceHost, world.nowMs);
  if (!world.heldHosts.delete(serviceHost)) {
    return;
  }
  for (const process of world.processes.values()) {
    if (process.serviceHost === serviceHost && process.hold !== "none") {
      process.hold = "none";
      process.seenAtMs = world.nowMs;
    }
  }
  for (const span of world.spans.values()) {
    const isThere = world.processes.get(span.trace.process)?.serviceHost === serviceHost;
    if (isThere && span.state === "open" && span.hold === "untilHost") {
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
export function evictRuns(
  world: World,
  open: readonly Span[],
  reason: EvictionReason,
  confidence: Confidence = reasons[reason].confidence,
): void {
  for (const run of world.inAnyOrder(open.filter(({ kind }) => kind === "run"))) {
    run.endSureness = confidence === "confirmed" ? undefined : confidence;
    evict(world, run, reason);
  }
}
