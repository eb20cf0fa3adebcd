import type { Chance } from "./chance.ts";

/** How wrong the clock of a sender is, besides that of its host. Times are the world's. */
export interface SenderClock {
  /** Parts per million by which it runs too fast. */
  readonly driftPpm: number;
  /** From when on it is wrong by how much, in order. */
  readonly steps: readonly { readonly atMs: number; readonly offMs: number }[];
}

/** What clocks do. Shares are of all processes, and of all spans. */
export interface ClockHabits {
  readonly driftShare: number;
  readonly steppedShare: number;
  /** Begin in 1970, until somebody sets them. */
  readonly unsetShare: number;
  /** Spans with a time that is none. */
  readonly absurdShare: number;
}

/** What is wrong with the times of a span: one is not set, or nonsense, or both are in another unit than nanoseconds. */
export type Stamp = "right" | "no start" | "far end" | "greatest end" | "milliseconds" | "seconds";

export const aTrueClock: SenderClock = { driftPpm: 0, steps: [] };

/** The world began then. */
export const epochUnixMs = 1_795_000_000_000;

const absurdities = ["no start", "far end", "greatest end", "milliseconds", "seconds"] as const;
const mostDriftPpm = 2_000;
const minute = 60_000;

/** The clock of a process that lives from `fromMs` until `toMs`. */
export function clockOf(
  habits: ClockHabits,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  chance: Chance,
): SenderClock {
  const driftPpm = chance.happens(habits.driftShare)
    ? chance.between(-mostDriftPpm, mostDriftPpm)
    : 0;
  const steps: SenderClock["steps"][number][] = [];
  if (chance.happens(habits.unsetShare)) {
    steps.push({ atMs: 0, offMs: -(epochUnixMs + fromMs) });
    steps.push({ atMs: fromMs + chance.magnitude(minute, 20 * minute), offMs: 0 });
  } else if (chance.happens(habits.steppedShare)) {
    const step = () => chance.between(fromMs, toMs);
    for (const atMs of [step(), step(), step()].sort((a, b) => a - b)) {
      const offMs = chance.magnitude(minute, 300 * minute) * (chance.happens(0.5) ? 1 : -1);
      // It is put right as often as wrong.
      steps.push({ atMs, offMs: chance.happens(0.5) ? offMs : 0 });
    }
  }
  return { driftPpm, steps };
}

/** How wrong a clock is at a moment. */
export function errorMs({ driftPpm, steps }: SenderClock, atMs: number): number {
  const offMs = steps.findLast((step) => step.atMs <= atMs)?.offMs ?? 0;
  return offMs + (atMs * driftPpm) / 1e6;
}

export function absurdStamp(chance: Chance): Stamp {
  return absurdities[chance.below(absurdities.length)] ?? "right";
}
