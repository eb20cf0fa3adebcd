import {
  type Confidence,
  type EvictionReason,
  reasons,
} from "../../../../src/activity/model/reasons.ts";
import { ownRunOf, runElsewhere } from "./ancestry.ts";
import { noteActive } from "./items.ts";
import { evict } from "./lifecycle.ts";
import { ageMsOf, summaryOf } from "./occurrence.ts";
import type { Span, World } from "./world.ts";

/** Evicts open markers together. */
export function evictMarkers(
  world: World,
  markers: readonly Span[],
  reason: EvictionReason,
  confidence: Confidence = reasons[reason].confidence,
): void {
  if (markers.length === 0) {
    return;
  }
  report(world, markers, { reason, confidence });
  for (const marker of world.inAnyOrder(markers)) {
    evict(world, marker, reason);
  }
}

/** The end of an open marker reports that its run closed it, so it is an orphan. */
export function evictByRun(world: World, marker: Span): void {
  noteActive(marker);
  evictMarkers(world, [marker], "orphaned_no_owner");
  marker.isSettled = true;
}

/** Evicts tools of which only the number is known. */
export function evictUnnamed(world: World, tools: number): void {
  if (tools > 0) {
    world.tally.count("started", "tool", tools);
    world.tally.countEvicted("orphaned_no_owner", "tool", tools);
    report(world, [], { reason: "orphaned_no_owner", confidence: "presumed", tools });
  }
}

/**
 * One event for markers that go together, before they are closed, or for tools that are known by number. What is only taken for a marker, or
 * belongs to what is only taken for a run, is presumed.
 */
export function report(
  world: World,
  markers: readonly Span[],
  {
    reason,
    confidence,
    tools = 0,
  }: {
    readonly reason: EvictionReason;
    readonly confidence: Confidence;
    readonly tools?: number;
  },
): void {
  const guessed = markers.filter((marker) => isGuess(world, marker, reason));
  const sure = markers.filter((marker) => !guessed.includes(marker));
  if (sure.length > 0 || tools > 0) {
    reportOne(world, sure, { reason, confidence, tools });
  }
  if (guessed.length > 0) {
    reportOne(world, guessed, { reason, confidence: "presumed", tools: 0 });
  }
}

function isGuess(world: World, marker: Span, reason: EvictionReason): boolean {
  if (marker.isGuess || reason !== "orphaned_no_owner") {
    return marker.isGuess;
  }
  const run = ownRunOf(marker);
  const isElsewhere = run === undefined && runElsewhere(world, marker) !== undefined;
  return isElsewhere || run?.isGuess === true;
}

function reportOne(
  world: World,
  markers: readonly Span[],
  {
    reason,
    confidence,
    tools,
  }: {
    readonly reason: EvictionReason;
    readonly confidence: Confidence;
    readonly tools: number;
  },
): void {
  const summary = summaryOf(world, markers);
  world.occurrences.push({
    type: "evicted",
    reason,
    confidence,
    atMs: world.nowMs,
    ...summary,
    tools: summary.tools + tools,
    markers: markers
      .map((span) => {
        const { kind, trace, id, name } = span;
        return `${kind} ${trace.id}/${id} of ${ageMsOf(world, span) ?? 0} ms, named ${name}`;
      })
      .sort(),
  });
}
