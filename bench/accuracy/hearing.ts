import type { Pause, Story, Work } from "./story.ts";
import type { Told } from "./telling.ts";

/** When the collector first heard what; Infinity for what it never heard. */
export class Hearing {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #pauses = new Map<Pause, { fromMs: number; toMs: number }>();

  constructor(story: Story) {
    const works = Math.max(0, ...[story.works.at(-1)?.index ?? -1]) + 1;
    this.#starts = new Float64Array(works).fill(Number.POSITIVE_INFINITY);
    this.#ends = new Float64Array(works).fill(Number.POSITIVE_INFINITY);
  }

  hear(told: Told, nowMs: number): void {
    switch (told.what) {
      case "start":
      case "beat":
        earliest(this.#starts, told.work, nowMs);
        break;
      case "end":
        earliest(this.#starts, told.work, nowMs);
        earliest(this.#ends, told.work, nowMs);
        break;
      case "pause":
        this.#waitOf(told.pause).fromMs = Math.min(this.#waitOf(told.pause).fromMs, nowMs);
        break;
      case "resume":
        this.#waitOf(told.pause).toMs = Math.min(this.#waitOf(told.pause).toMs, nowMs);
        break;
      default:
    }
  }

  /** When it heard that work had started, or of it at all. */
  startOf({ index }: Work): number {
    return this.#starts[index] ?? Number.POSITIVE_INFINITY;
  }

  endOf({ index }: Work): number {
    return this.#ends[index] ?? Number.POSITIVE_INFINITY;
  }

  pauseOf(pause: Pause): { readonly fromMs: number; readonly toMs: number } {
    return this.#waitOf(pause);
  }

  #waitOf(pause: Pause): { fromMs: number; toMs: number } {
    const known = this.#pauses.get(pause) ?? {
      fromMs: Number.POSITIVE_INFINITY,
      toMs: Number.POSITIVE_INFINITY,
    };
    this.#pauses.set(pause, known);
    return known;
  }
}

function earliest(times: Float64Array, { index }: Work, nowMs: number): void {
  times[index] = Math.min(times[index] ?? nowMs, nowMs);
}
