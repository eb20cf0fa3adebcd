/** Stops a timer; safe to call twice and after it fired. */
export type CancelTimer = () => void;

/** The only source of time. Tests use one that they advance themselves. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin; never runs backwards. For deadlines. */
  nowMs(): number;
  /** Wall-clock milliseconds since the Unix epoch. For timestamps of sent data; never for timers. */
  unixMs(): number;
  /** Calls `run` once after `delayMs`. The timer alone does not keep the process alive. */
  after(delayMs: number, run: () => void): CancelTimer;
  /** Calls `run` every `intervalMs`. The timer alone does not keep the process alive. */
  every(intervalMs: number, run: () => void): CancelTimer;
}
