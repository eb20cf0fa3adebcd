import { TimingWheel } from "../schedule/timing-wheel.ts";

/**
 * The timers of open work that expires when it is silent for too long. A signal does not move the timer of its work: when the
 * timer is due, the signals that have arrived since count.
 *
 * Keeps one deadline for each open span; the span table bounds them.
 */
export class ExpiryTimers extends TimingWheel {
  readonly #expiresAtMs: (span: number) => number;

  /** `expiresAtMs`: when open work expires, by its last signal. */
  constructor(widthMs: number, expiresAtMs: (span: number) => number) {
    super(widthMs);
    this.#expiresAtMs = expiresAtMs;
  }

  /** When a span that `due` took out expires: as was set, or later by the signals since. */
  override dueMsOf(span: number): number {
    return Math.max(super.dueMsOf(span), this.#expiresAtMs(span));
  }
}
