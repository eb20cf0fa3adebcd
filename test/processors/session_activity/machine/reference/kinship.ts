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

export function isMarker({ kind }: Span): boolean {
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

/** Of some open work, what has nothing else open below. */
export function withoutKeepers(world: World, over: readonly Span[]): Span[] {
  const left = over.filter((span) => openBelow(world, span).every((other) => over.includes(other)));
  return left.length === over.length ? left : withoutKeepers(world, left);
}
