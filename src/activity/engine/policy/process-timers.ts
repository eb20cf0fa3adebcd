import { TimingWheel } from "../schedule/timing-wheel.ts";

/** Keeps one deadline for each process. A process whose lease was extended since its deadline was set is due when the lease ends. */
export class ProcessTimers extends TimingWheel {
  readonly #leaseEndMs: (process: number) => number | undefined;

  constructor(leaseEndMs: (process: number) => number | undefined) {
    super(500);
    this.#leaseEndMs = leaseEndMs;
  }

  override dueMsOf(process: number): number {
    return Math.max(super.dueMsOf(process), this.#leaseEndMs(process) ?? 0);
  }

  /** Moves the deadline that was set. */
  extend(process: number, byMs: number): void {
    this.set(process, super.dueMsOf(process) + byMs);
  }
}
