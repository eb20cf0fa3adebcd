import type { SnapshotStream } from "./snapshot.ts";

const maxPeriods = 100;

/**
 * When this program was away, stopped or paused: time that did not pass for the machine, so that no deadline came nearer. Only
 * ages count it, for the work that they are of went on. Of more than a hundred times the oldest are forgotten.
 */
export class Downtime {
  #times: { readonly atMs: number; readonly awayMs: number }[] = [];

  snapshot(stream: SnapshotStream): void {
    const cells = stream.numbers(this.#times.flatMap(({ atMs, awayMs }) => [atMs, awayMs]));
    this.#times = Array.from({ length: cells.length / 2 }, (_, at) => {
      const [atMs = 0, awayMs = 0] = cells.slice(at * 2);
      return { atMs, awayMs };
    });
  }

  /** The program was away for `awayMs`, at `atMs` of the machine's clock. */
  add(atMs: number, awayMs: number): void {
    this.#times.push({ atMs, awayMs });
    if (this.#times.length > maxPeriods) {
      this.#times.shift();
    }
  }

  /** How much time really passed between two moments of the machine's clock. */
  elapsedMs(fromMs: number, toMs: number): number {
    let passedMs = toMs - fromMs;
    for (const { atMs, awayMs } of this.#times) {
      passedMs += atMs >= fromMs && atMs <= toMs ? awayMs : 0;
    }
    return passedMs;
  }
}
