import type { Span, World } from "./world.ts";

/** As long before its first signal a process may have run. */
const unseenMs = 86_400_000;

/** How long work took that was open; undefined when a time is not set. */
export function openDurationMs(world: World, span: Span, endMs: number): number | undefined {
  if (!(span.startMs > 0 && endMs > 0)) {
    return undefined;
  }
  const ownMs = world.nowMs - span.start.atMs;
  const saidMs = endMs - span.startMs;
  const mostMs = span.isReportedAtStart ? ownMs + world.latenessMs : mostMsOf(world, span);
  return saidMs >= ownMs - world.latenessMs && saidMs <= mostMs ? saidMs : ownMs;
}

/** How long work took that came finished; undefined when its times cannot be. */
export function finishedDurationMs(world: World, span: Span): number | undefined {
  const saidMs = span.endMs - span.startMs;
  const canBe = span.startMs > 0 && saidMs >= 0 && saidMs <= mostMsOf(world, span);
  return canBe ? saidMs : undefined;
}

function mostMsOf(world: World, span: Span): number {
  const firstMs = world.firstHeardAt.get(span.trace.process) ?? world.nowMs;
  return world.nowMs - firstMs + unseenMs;
}
