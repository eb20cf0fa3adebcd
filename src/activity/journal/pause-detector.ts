/** A pause of this program that has just ended. */
export interface DetectedPause {
  /** How long the machine's clock is to stand still for it, from when it began. */
  readonly lostMs: number;
}

/**
 * Notices that this program was paused: by a signal, a suspended machine, throttling, a collection of garbage, a mass of its own
 * work. It is called at least every `tickMs`, so a gap of more than twice that is a pause. What was sent meanwhile waits in the
 * sockets, so no deadline comes nearer in the pause, nor for as long again (a lateness at most), in which that is read. A
 * program that pauses all the time makes progress nevertheless, by a tick for each pause.
 */
export class PauseDetector {
  readonly #tickMs: number;
  readonly #allowedLatenessMs: number;
  #checkedAtMs: number | undefined;
  #pausedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly tickMs: number; readonly allowedLatenessMs: number }) {
    this.#tickMs = options.tickMs;
    this.#allowedLatenessMs = options.allowedLatenessMs;
  }

  /** The program runs at `nowMs`; the pause that has ended, if there was one. */
  check(nowMs: number): DetectedPause | undefined {
    const gapMs = nowMs - (this.#checkedAtMs ?? nowMs);
    this.#checkedAtMs = nowMs;
    if (gapMs <= 2 * this.#tickMs) {
      return undefined;
    }
    const isOneOfMany = nowMs - gapMs - this.#pausedAtMs < this.#allowedLatenessMs;
    this.#pausedAtMs = nowMs;
    return {
      lostMs: isOneOfMany ? gapMs - this.#tickMs : gapMs + Math.min(gapMs, this.#allowedLatenessMs),
    };
  }
}
