import { clientOf } from "../history.ts";
import type { Span, World } from "./world.ts";

/** Longer chains of parents are cut. */
const maxDepth = 200;

export function parentOf(span: Span): Span | undefined {
  return span.parent?.isForgotten === true ? undefined : span.parent;
}

/** The parent, its parent, and so on. */
export function ancestorsOf(span: Span): Span[] {
  const line: Span[] = [];
  for (let above = parentOf(span); above !== undefined; above = parentOf(above)) {
    line.push(above);
  }
  return line;
}

/** The nearest run above. */
export function ownRunOf(span: Span): Span | undefined {
  return ancestorsOf(span).find(({ kind }) => kind === "run");
}

/** Whether nothing becomes its own ancestor when `child` is put below `parent`. */
export function mayBeBelow(child: Span, parent: Span): boolean {
  const line = [parent, ...ancestorsOf(parent)];
  return !line.includes(child) && line.length < maxDepth;
}

/** The run in another process of the same client and trace that is named above a span, and has not arrived from the span's own process. */
export function runElsewhere(world: World, span: Span): Span | undefined {
  const root = ancestorsOf(span).at(-1);
  if (root?.state !== "unknown") {
    return undefined;
  }
  return [...world.spans.values()].find(
    (run) =>
      run.kind === "run" &&
      run.state !== "unknown" &&
      run.id === root.id &&
      run.trace.id === span.trace.id &&
      clientOf(run.trace.process) === clientOf(span.trace.process) &&
      run.trace !== span.trace,
  );
}

export function isMarker({ kind }: Pick<Span, "kind">): boolean {
  return kind === "tool" || kind === "model_call";
}

export function spansBelow(world: World, span: Span): Span[] {
  return [...world.spans.values()].filter((other) => ancestorsOf(other).includes(span));
}

export function openBelow(world: World, span: Span): Span[] {
  return spansBelow(world, span).filter(({ state }) => state === "open");
}

export function openMarkers(world: World): Span[] {
  return [...world.spans.values()].filter((span) => span.state === "open" && isMarker(span));
}

/** Whether a marker may outlive its run: it is such a tool, or inside one that is open. */
export function mayOutliveRun(marker: Span): boolean {
  const line = [marker, ...ancestorsOf(marker)];
  const run = line.findIndex((span, at) => at > 0 && span.kind === "run");
  const inside = run === -1 ? line : line.slice(0, run);
  return inside.some((span) => span.isDetached && span.state === "open");
}

/** The tools around a marker, below its run, that may outlive that. */
export function detachedAbove(marker: Span): Span[] {
  const line = ancestorsOf(marker);
  const run = line.findIndex(({ kind }) => kind === "run");
  return (run === -1 ? line : line.slice(0, run)).filter(({ isDetached }) => isDetached);
}

/** Whether a span waits for what is below it: not for a tool that may outlive its run, nor for what is in that. */
export function waitsFor(span: Span, below: Span): boolean {
  const line = [below, ...ancestorsOf(below)];
  return line.slice(0, line.indexOf(span)).every(({ isDetached }) => !isDetached);
}

/** Of some open work, the part that waits for no other open work below it. */
export function withoutWaiting(world: World, over: readonly Span[]): Span[] {
  const left = over.filter((span) =>
    openBelow(world, span).every((other) => over.includes(other) || !waitsFor(span, other)),
  );
  return left.length === over.length ? left : withoutWaiting(world, left);
}
