import {
  confidenceOf,
  type EvictionReason,
} from "../../../../../src/processors/session_activity/kinds.ts";
import { evict } from "./lives.ts";
import { ageMsOf, summaryOf } from "./occurrence.ts";
import type { Group, Span, World } from "./world.ts";

/** Evicts open markers of one group together. */
export function evictMarkers(
  world: World,
  group: Group,
  markers: readonly Span[],
  reason: EvictionReason,
): void {
  if (markers.length === 0) {
    return;
  }
  fence(group, markers);
  tell(world, markers, reason);
  for (const marker of world.inAnyOrder(markers)) {
    evict(world, marker, reason);
  }
}

/** The end of an open marker says that its run closed it: an orphan by its own account. */
export function evictByRun(world: World, marker: Span): void {
  if (marker.group !== undefined) {
    marker.group.explained++;
  }
  tell(world, [marker], "orphaned_no_owner");
  evict(world, marker, "orphaned_no_owner");
  marker.isSettled = true;
}

/** Starts from before this eviction, or from before the end of the owners, are too late from now on. */
export function fence(group: Group, markers: readonly Span[]): void {
  const ownerEndMs = group.looseIn?.ownerEndMs ?? group.ownerEndMs;
  group.cutoffMs = Math.max(group.cutoffMs, ownerEndMs, ...markers.map(({ startMs }) => startMs));
  group.cutoffSeq = Math.max(group.cutoffSeq, group.ownerEndSeq, ...markers.map(({ seq }) => seq));
}

/** One event for markers that go together, before they are closed, and for as many tools more that are known by number. */
export function tell(
  world: World,
  markers: readonly Span[],
  reason: EvictionReason,
  more: { readonly tools: number; readonly isInferred: boolean } = {
    tools: 0,
    isInferred: false,
  },
): void {
  const summary = summaryOf(markers, world.nowMs);
  world.occurrences.push({
    type: "evicted",
    reason,
    confidence: more.isInferred ? "presumed" : confidenceOf[reason],
    atMs: world.nowMs,
    ...summary,
    tools: summary.tools + more.tools,
    markers: markers
      .map((span) => {
        const { kind, trace, id, name } = span;
        return `${kind} ${trace.id}/${id} of ${ageMsOf(span, world.nowMs)} ms, named ${name}`;
      })
      .sort(),
  });
}
