import type { SignalResult } from "../../../../src/activity/model/dialects.ts";
import { openMarkers } from "./ancestry.ts";
import { endWait } from "./lifecycle.ts";
import { isBefore } from "./moments.ts";
import { type Owners, ownersOf } from "./owners.ts";
import { makeProgress } from "./progress.ts";
import { addSpan } from "./registration.ts";
import { keyOf, momentOf, type Report, spanOf } from "./report.ts";
import { namedBy } from "./waiting.ts";
import type { Span, Wait, World } from "./world.ts";

/** Work waits for a person: a span, or the runs of a session. */
export function pause(world: World, report: Report): SignalResult {
  const key = keyOf(report);
  const wait = waitOf(world, report);
  const isOver =
    wait?.span?.kind !== "other" && /ended|evicted|untracked/.test(wait?.span?.state ?? "");
  const owners = ownersOf(world);
  const isUnknown =
    wait?.span === undefined && !owners.isKnown(owners.sessionNamed(report.references));
  if (wait === undefined || isUnknown || isOver) {
    return "unmatched";
  }
  if (world.waits.has(key)) {
    return "repeated";
  }
  if (
    [
      world.overAt.get(key),
      wait.span === undefined ? world.allOverAt.get(sessionOf(owners, wait) ?? "") : undefined,
    ].some((over) => over !== undefined && !isBefore(over, wait.moment, world.latenessMs))
  ) {
    return "unmatched";
  }
  world.overAt.delete(key);
  world.waits.set(key, wait);
  for (const span of namedBy(world, ownersOf(world), wait)) {
    makeProgress(world, span);
  }
  return "paused";
}

/** A wait is over; without a key, every wait of the session. */
export function resume(world: World, report: Report): SignalResult {
  const key = keyOf(report);
  const moment = { ...momentOf(world, report), isEnd: false };
  if (report.key !== 0) {
    world.overAt.set(key, moment);
    if (!world.waits.has(key)) {
      return "unmatched";
    }
    resumeOne(world, key);
    return "resumed";
  }
  const owners = ownersOf(world);
  const session = sessionOf(owners, waitOf(world, report));
  if (session !== undefined) {
    world.allOverAt.set(session, moment);
  }
  const over = [...world.waits].filter(([, wait]) => sessionOf(owners, wait) === session);
  for (const [each] of over) {
    resumeOne(world, each);
  }
  return over.length > 0 ? "resumed" : "unmatched";
}

/** When the oldest wait will have lasted too long. */
export function waitUntilMs(world: World): number {
  const [oldest] = world.waits.values();
  return (oldest?.moment.atMs ?? Number.POSITIVE_INFINITY) + world.limits.maxPauseMs;
}

export function endOldestWait(world: World): void {
  const [oldest] = world.waits.keys();
  if (oldest !== undefined) {
    resumeOne(world, oldest);
  }
}

/** A wait ends with what it names. */
export function forgetWaits(world: World): void {
  const owners = ownersOf(world);
  for (const [key, wait] of world.waits) {
    const isNew = world.nowMs - wait.moment.atMs < world.latenessMs;
    const isAwaited =
      wait.span === undefined ? isNew : wait.span.state === "unknown" && !wait.span.isForgotten;
    if (namedBy(world, owners, wait).length === 0 && !isAwaited) {
      endWait(world, key, []);
    }
  }
}

function resumeOne(world: World, key: string): void {
  const wait = world.waits.get(key);
  const named = wait === undefined ? [] : namedBy(world, ownersOf(world), wait);
  endWait(world, key, named);
  const owners = ownersOf(world);
  for (const span of named) {
    const inside =
      span.kind === "run"
        ? openMarkers(world).filter((marker) => owners.above(marker)?.runs.includes(span))
        : [];
    for (const each of [span, ...inside]) {
      makeProgress(world, each);
    }
  }
}

/** The span that is named, though it may be on its way; else the session. */
function waitOf(world: World, report: Report): Wait | undefined {
  const moment = { ...momentOf(world, report), isEnd: false };
  const { references } = report;
  const span = report.span === 0 ? undefined : (spanOf(world, report) ?? addSpan(world, report));
  return span === undefined && references.length === 0 ? undefined : { span, references, moment };
}

function sessionOf(owners: Owners, wait: Wait | undefined): string | undefined {
  const span: Span | undefined = wait?.span;
  return span === undefined ? owners.sessionNamed(wait?.references ?? []) : owners.sessionOf(span);
}
