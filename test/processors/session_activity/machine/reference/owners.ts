import { hasOpenOwner, hasOpenRun } from "./kinship.ts";
import type { Report } from "./report.ts";
import { adopt, postpone } from "./sessions.ts";
import type { Span, World } from "./world.ts";

/** The end of a run was told. */
export function ownerEnded(world: World, run: Span, report: Report): void {
  adopt(world, run);
  const { group, trace } = run;
  if (group !== undefined) {
    group.ownerEndMs = Math.max(group.ownerEndMs, report.endMs);
    group.ownerEndSeq = Math.max(group.ownerEndSeq, report.seq);
    group.claimed += report.claimed;
    group.completed += report.completed;
  }
  trace.ownerEndMs = Math.max(trace.ownerEndMs, report.endMs);
  ownerGone(world, run);
}

/** A run is open no more. When it was the last of its group, or its trace, the lateness of what it owned begins. */
export function ownerGone(world: World, run: Span): void {
  const { group, trace } = run;
  trace.hadOwner = true;
  if (group !== undefined) {
    group.hadOwner = true;
    if (!hasOpenOwner(group)) {
      group.closedAtMs = world.nowMs;
      postpone(group, world.latestMs);
    }
  }
  if (!hasOpenRun(world, trace)) {
    for (const loose of world.groups) {
      if (loose.looseIn === trace) {
        postpone(loose, world.latestMs);
      }
    }
  }
}
