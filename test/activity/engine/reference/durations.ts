import type { Span, World } from "./world.ts";

/** As long before its first signal a process may have run. */
const unseenMs = 86_400_000;

/** How long work took that was open; undefined when a time is not set. */
export function openDurationMs(world: World, span: Span, endMs: number): number | undefined {
  if (!(span.startMs > 0 && endMs > 0)) {
    return undefined;
  }
  const ownMs = world.nowMs - span.start.atMs;
  const reportedMs = endMs - span.startMs;
  const mostMs = span.isReportedAtStart ? ownMs + world.latenessMs : mostMsOf(world, span);
  return reportedMs >= ownMs - world.latenessMs && reportedMs <= mostMs ? reportedMs : ownMs;
}

/** How long finished work took; undefined when its times are impossible. */
export function finishedDurationMs(world: World, span: Span): number | undefined {
  const reportedMs = span.endMs - span.startMs;
  const canBe = span.startMs > 0 && reportedMs >= 0 && reportedMs <= mostMsOf(world, span);
  return canBe ? reportedMs : undefined;
}

function mostMsOf(world: World, span: Span): number {
  const firstMs = world.firstSeenAt.get(span.trace.process) ?? world.nowMs;
  return world.nowMs - firstMs + unseenMs;
}
