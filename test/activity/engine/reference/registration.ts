import { mayBeBelow, parentOf } from "./ancestry.ts";
import { arrive } from "./lifecycle.ts";
import { type Report, spanIn, traceKeyOf, traceOf } from "./report.ts";
import { addUnknown, makeRoom, renew, retain } from "./retention.ts";
import type { Span, World } from "./world.ts";

/** Adds the span that is reported on, of a kind unknown yet; undefined when there is no room. */
export function addSpan(world: World, report: Report): Span | undefined {
  if (!makeRoom(world)) {
    return undefined;
  }
  const { trace: id, process } = report;
  const trace = traceOf(world, report) ?? { key: traceKeyOf(report), id, process };
  return addUnknown(world, trace, report.span);
}

/** Registers the span of a report: its kind, its parent, its session. */
export function register(world: World, known: Span | undefined, report: Report): Span | undefined {
  const span = known ?? addSpan(world, report);
  if (span === undefined) {
    return undefined;
  }
  arrive(world, span);
  span.kind = report.kind;
  span.startMs = report.startMs;
  span.endMs = report.endMs;
  span.isOver = report.type === "end" && report.endMs > 0;
  span.name = report.name;
  span.scope = report.scope;
  span.alias = report.alias;
  span.isHarness ||= report.isHarness;
  span.isInner ||= report.isInner;
  span.isRelayed ||= report.isRelayed;
  span.isOpenclaw ||= report.isOpenclaw;
  span.isTwoItems ||= report.isTwoItems;
  span.isDetached ||= report.isDetached && span.kind === "tool";
  // Of finished work the sender's order is that of its end.
  const seq = report.type === "start" ? report.seq : 0;
  const { process } = report;
  span.start = { seq, atMs: world.nowMs, timeMs: report.startMs, process, isEnd: false };
  linkParent(world, span, report);
  if (span.kind === "other") {
    retain(world, span);
  } else {
    if (span.kind === "run") {
      noteRun(world, `trace ${span.trace.key}`);
    }
    addReferences(world, span, report);
  }
  world.changes++;
  return span;
}

/** Puts a span below the parent that is named, unless it has one. */
export function linkParent(world: World, span: Span, report: Report): void {
  if (report.parent === undefined) {
    return;
  }
  const known = parentOf(span);
  if (known !== undefined) {
    renew(world, known);
    return;
  }
  let parent = spanIn(world, span.trace, report.parent);
  if (parent !== undefined) {
    renew(world, parent);
  } else if (makeRoom(world)) {
    parent = addUnknown(world, span.trace, report.parent);
    world.tally.countSignal("implied", "implied_parent");
  }
  if (parent !== undefined && mayBeBelow(span, parent)) {
    world.changes++;
    span.parent = parent;
  }
}

/** All sessions that one span names are one. */
export function addReferences(world: World, span: Span, report: Report): void {
  world.changes++;
  for (const reference of report.references) {
    span.references.add(reference);
    if (span.kind === "run") {
      noteRun(world, reference);
    }
  }
}

/** A run of a trace or session is known from now on. */
function noteRun({ hadRun, nowMs }: World, key: string): void {
  if (!hadRun.has(key)) {
    hadRun.set(key, nowMs);
  }
}
