import { isMarker, mayBeBelow, parentOf } from "./ancestry.ts";
import { type Report, spanIn, traceOf } from "./report.ts";
import type { Kind, Span, World } from "./world.ts";

interface Work {
  readonly kind: Kind;
  readonly scope: number;
  readonly alias: number;
}

/** Whether two spans of which one is directly below the other are the same work. */
export function areSame(a: Work, b: Work): boolean {
  const isNamedAlike = a.alias !== 0 && a.alias === b.alias;
  const areScopesTwo = a.scope !== 0 && b.scope !== 0 && a.scope !== b.scope;
  return a.kind === b.kind && (a.kind === "model_call" || (isNamedAlike && areScopesTwo));
}

/** What a report is about: a mere link where another span is the same work. */
export function kindOf(world: World, known: Span | undefined, report: Report): Kind {
  if (known !== undefined && known.state !== "unknown") {
    return known.isSameWork ? "other" : report.kind;
  }
  const above = isMarker(report) ? workAbove(world, known, report) : undefined;
  const isSame =
    (above !== undefined && above.state !== "unknown" && areSame(report, above)) ||
    sameBelow(world, known, report).some(
      ({ state }) => (state === "open") !== (report.type === "start"),
    );
  return isSame ? "other" : report.kind;
}

/** What the marker of a report is the same as, and that arrived before it. */
export function sameBelow(world: World, known: Span | undefined, report: Report): readonly Span[] {
  return isMarker(report) ? waitingBelow(world, known).filter((each) => areSame(report, each)) : [];
}

/** The first span above that is not a link that has arrived. */
function workAbove(world: World, known: Span | undefined, report: Report): Span | undefined {
  const trace = traceOf(world, report);
  const named =
    trace === undefined || report.parent === undefined
      ? undefined
      : spanIn(world, trace, report.parent);
  const parent =
    (known && parentOf(known)) ??
    (named !== undefined && known !== undefined && !mayBeBelow(known, named) ? undefined : named);
  return parent === undefined ? undefined : workFrom(parent);
}

/** Markers below a span that has not arrived, with nothing but links between, that are open or not decided. */
function waitingBelow(world: World, unknown: Span | undefined): readonly Span[] {
  return [...world.spans.values()].filter((span) => {
    const parent = parentOf(span);
    return (
      unknown !== undefined &&
      isMarker(span) &&
      (span.state === "open" || span.isUndecided) &&
      parent !== undefined &&
      workFrom(parent) === unknown
    );
  });
}

function workFrom(from: Span): Span | undefined {
  let at: Span | undefined = from;
  while (at !== undefined && at.kind === "other" && at.state !== "unknown") {
    at = parentOf(at);
  }
  return at;
}
