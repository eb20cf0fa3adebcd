import type { Chance } from "./chance.ts";
import type { Habits } from "./gateway.ts";
import type { Work } from "./story.ts";

/** Progress is reported once in that time at most. */
const progressMs = 10_000;
/** Model calls of each of these take that much longer than those of the first. */
const models: Readonly<Record<string, number>> = { "model-small": 1, "model-large": 4 };

export function modelNameOf(chance: Chance): string {
  const names = Object.keys(models);
  return names[chance.below(names.length)] ?? "";
}

/**
 * When a model call ends, and when it makes progress before. Most calls stream too fast for a report. One in five of
 * those that stream for minutes falls silent in between, for minutes as well.
 */
export function modelTimesOf(
  { model, startMs }: Work,
  { habits, isShort }: { readonly habits: Habits; readonly isShort: boolean },
  chance: Chance,
): { readonly endMs: number; readonly progressMs: readonly number[] } {
  if (isShort) {
    return { endMs: startMs + chance.magnitude(400, 2_000), progressMs: [] };
  }
  if (chance.happens(habits.streamShare)) {
    const untilMs = startMs + chance.magnitude(60_000, habits.longestStreamMs);
    const updates = updatesOf(startMs, untilMs, chance);
    if (!chance.happens(0.2)) {
      return { endMs: untilMs, progressMs: updates };
    }
    const fromMs = chance.between(startMs, untilMs);
    const gapMs = chance.magnitude(130_000, 400_000);
    return {
      endMs: untilMs + gapMs,
      progressMs: updates.map((atMs) => (atMs < fromMs ? atMs : atMs + gapMs)),
    };
  }
  if (chance.happens(habits.stillShare)) {
    return { endMs: startMs + chance.magnitude(130_000, 400_000), progressMs: [] };
  }
  return { endMs: startMs + chance.magnitude(400, 10_000) * (models[model] ?? 1), progressMs: [] };
}

/** Reports of progress between two times. */
export function updatesOf(startMs: number, endMs: number, chance: Chance): readonly number[] {
  const updates: number[] = [];
  for (let atMs = startMs; ; ) {
    atMs += progressMs + chance.between(0, 3_000);
    if (atMs >= endMs) {
      return updates;
    }
    updates.push(atMs);
  }
}

/** A tool and how long it takes this time: each name has its own usual length, from milliseconds to hours. */
export function toolLengthOf(
  { longestToolMs: longest }: Habits,
  isShort: boolean,
  chance: Chance,
): { readonly name: string; readonly lengthMs: number } {
  const which = isShort ? 0 : chance.next();
  if (which < 0.6) {
    const index = chance.below(24);
    // From 4 ms to 1 s, and up to twice that or down to a quarter.
    return { name: `tool_${index}`, lengthMs: 4 * 1.27 ** index * chance.magnitude(0.25, 2) };
  }
  if (which < 0.92) {
    const name = `tool_${24 + chance.below(13)}`;
    return { name, lengthMs: chance.magnitude(2_000, Math.min(60_000, longest)) };
  }
  const [name, from, to] =
    which < 0.995
      ? [`tool_${37 + chance.below(2)}`, 60_000, Math.max(60_000, Math.min(600_000, longest))]
      : ["tool_39", Math.min(600_000, longest), longest];
  return { name, lengthMs: chance.magnitude(from, to) };
}
