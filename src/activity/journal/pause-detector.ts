/** A pause that has ended. Times in milliseconds. */
export interface Pause {
  readonly lastedMs: number;
  /** By how much the engine's clock must fall behind. More than the pause means that the clock stands still for a while after it. */
  readonly lostMs: number;
}

/**
 * Detects that this program was paused: by a stop signal, a suspended host, throttled CPU, garbage collection, or a long batch of its
 * own work. `check` is called at least every `tickMs`, so a gap of more than two ticks is a pause.
 *
 * What senders sent during a pause waits in the sockets. So the engine's clock must not advance during the pause, nor during the
 * time it takes to read the sockets: as long again, at most `allowedLatenessMs`. A pause soon after another one costs less, so that
 * a program that pauses all the time still advances by one tick for each pause.
 *
 * Keeps two times.
 */
export class PauseDetector {
  readonly #tickMs: number;
  readonly #allowedLatenessMs: number;
  #checkedAtMs: number | undefined;
  /** When the last pause ended. */
  #pausedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly tickMs: number; readonly allowedLatenessMs: number }) {
    this.#tickMs = options.tickMs;
    this.#allowedLatenessMs = options.allowedLatenessMs;
  }

  /**
   * The program runs at `nowMs`. Returns the pause that has just ended, if there was one.
   */
  check(nowMs: number): Pause | undefined {
    const gapMs = nowMs - (this.#checkedAtMs ?? nowMs);
    this.#checkedAtMs = nowMs;
    if (gapMs <= 2 * this.#tickMs) {
      return undefined;
    }
    const isSoonAfterAnother = nowMs - gapMs - this.#pausedAtMs < this.#allowedLatenessMs;
    this.#pausedAtMs = nowMs;
    const lostMs = isSoonAfterAnother
      ? gapMs - this.#tickMs
      : gapMs + Math.min(gapMs, this.#allowedLatenessMs);
    return { lastedMs: gapMs, lostMs };
  }
}
