import { type Report, spanOf } from "./report.ts";
import type { Kind, Span, World } from "./world.ts";

/** What finished spans of one name were. */
export interface Lesson {
  readonly kinds: ReadonlySet<Kind>;
  /** Names of their tools where those are the names of the spans, else 0. */
  readonly names: ReadonlySet<number>;
  readonly atMs: number;
}

/** A start with the kind that it is taken for, where it does not say it. */
export function guessed(world: World, report: Report): Report {
  if (!report.isUndecided) {
    return report;
  }
  const known = spanOf(world, report);
  if (known !== undefined && known.state !== "unknown") {
    if (known.kind !== "other" || known.isOver || known.isSameWork) {
      return { ...report, kind: known.kind };
    }
  }
  const lesson = lessonOf(world, report);
  if (lesson === undefined) {
    return report;
  }
  const kind = only(lesson.kinds) ?? "other";
  const name = only(lesson.names) ?? 0;
  return kind === report.kind && name === 0
    ? { ...report, kind }
    : { ...report, kind, name, alias: name === 0 ? 0 : (report.shape ?? 0) };
}

/** An end teaches what starts of the same name, and of the name that the span had when it started, are. */
export function learn(world: World, report: Report): void {
  const { shape } = report;
  if (shape === undefined) {
    return;
  }
  const span = spanOf(world, report);
  for (const each of new Set([shape, span?.firstShape ?? shape])) {
    teach(world, report, each);
  }
  if (span !== undefined) {
    span.firstShape = undefined;
  }
}

function teach(world: World, report: Report, shape: number): void {
  const { process, kind, alias, name } = report;
  const before = lessonOf(world, { ...report, shape });
  world.lessons.set(`${process}/${shape}`, {
    kinds: new Set([...(before?.kinds ?? []), kind]),
    names: new Set([...(before?.names ?? []), kind === "tool" && alias === shape ? name : 0]),
    atMs: world.nowMs,
  });
}

/** What a report of open work says of its kind that is not what it was taken for; undefined where it says nothing new. */
export function correctedKind(span: Span, report: Report): Kind | undefined {
  const isSure = span.isRelayed || (report.kind === "other" && !span.isGuess);
  return isSure || span.kind === report.kind ? undefined : report.kind;
}

/** A report says what open work is. */
export function confirm(span: Span, report: Report): void {
  if (report.isUndecided || report.kind === "other") {
    return;
  }
  if (report.name !== 0 && (span.isGuess || span.name === 0)) {
    span.name = report.name;
    span.alias = report.alias;
  }
  span.isGuess = false;
}

function lessonOf(world: World, { process, shape }: Report): Lesson | undefined {
  const lesson = world.lessons.get(`${process}/${shape}`);
  const isFresh = lesson !== undefined && world.nowMs - lesson.atMs < world.limits.maxAgeMs;
  return isFresh ? lesson : undefined;
}

/** The member of a set that has no other. */
function only<T>(all: ReadonlySet<T>): T | undefined {
  const [first, ...others] = all;
  return others.length === 0 ? first : undefined;
}
