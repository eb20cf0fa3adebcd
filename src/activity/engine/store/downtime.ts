import type { SnapshotStream } from "./snapshot.ts";

const maxPeriods = 100;

/**
 * When this program was stopped or paused. That time does not pass for the engine, so that no deadline comes nearer. Only ages
 * include it, because the work itself went on.
 *
 * Keeps the last 100 periods. Beyond that the oldest is forgotten, and work from before it counts as younger than it is.
 */
export class Downtime {
  #periods: { readonly atMs: number; readonly awayMs: number }[] = [];

  snapshot(stream: SnapshotStream): void {
    const cells = stream.numbers(this.#periods.flatMap(({ atMs, awayMs }) => [atMs, awayMs]));
    this.#periods = Array.from({ length: cells.length / 2 }, (_, at) => {
      const [atMs = 0, awayMs = 0] = cells.slice(at * 2);
      return { atMs, awayMs };
    });
  }

  /** The program was away for `awayMs`, at `atMs` by the engine's clock. */
  add(atMs: number, awayMs: number): void {
    this.#periods.push({ atMs, awayMs });
    if (this.#periods.length > maxPeriods) {
      this.#periods.shift();
    }
  }

  /** How much time passed outside between two moments of the engine's clock. */
  elapsedMs(fromMs: number, toMs: number): number {
    let passedMs = toMs - fromMs;
    for (const { atMs, awayMs } of this.#periods) {
      passedMs += atMs >= fromMs && atMs <= toMs ? awayMs : 0;
    }
    return passedMs;
  }
}
