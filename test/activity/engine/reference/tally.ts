import type { EvictionReason } from "../../../../src/activity/model/reasons.ts";
import type { Kind } from "./world.ts";

export type Counter = "started" | "ended" | "untracked" | "reconciled" | "lateStarts";

/** Counters by name, and every duration. */
export class Tally {
  readonly counts = new Map<string, number>();
  readonly durationsMs = new Map<string, number[]>();

  count(counter: Counter, kind: Kind, by = 1): void {
    this.#add(`${counter} ${kind}`, by);
  }

  countEvicted(reason: EvictionReason, kind: Kind, by = 1): void {
    this.#add(`evicted ${reason} ${kind}`, by);
  }

  countCorrected(from: Kind, to: Kind, by = 1): void {
    this.#add(`corrected ${from} to ${to}`, by);
  }

  countSignal(result: string, dialect: string): void {
    this.#add(`signal ${result} ${dialect}`, 1);
  }

  /** What ends before it begins has no duration. */
  time(outcome: "completed" | "error" | "evicted", kind: Kind, durationMs: number): void {
    if (durationMs >= 0) {
      const cell = `${kind} ${outcome}`;
      this.durationsMs.set(cell, [...(this.durationsMs.get(cell) ?? []), durationMs]);
    }
  }

  #add(counter: string, by: number): void {
    this.counts.set(counter, (this.counts.get(counter) ?? 0) + by);
  }
}
