import type { Clock } from "../component/clock.ts";
import { within } from "../sender/sender-clock.ts";

/** What has to be sent before the process ends. */
export interface Flushable {
  forceFlush(): Promise<void>;
}

/** The parts of Node's `process` that this needs. */
export interface ExitingProcess {
  readonly pid: number;
  once(event: string, listener: () => void): unknown;
  listenerCount(event: string): number;
  kill(pid: number, signal: NodeJS.Signals): unknown;
}

export interface ExitFlushOptions {
  readonly host: ExitingProcess;
  readonly clock: Clock;
  /** Until the returned function is called, the process stays alive. */
  readonly keepAlive: () => () => void;
  /** How long an exit may be held up. */
  readonly deadlineMs: number;
  /** How often is flushed while the application's own handler of a signal is at work. */
  readonly intervalMs: number;
}

/** Sends, when the program comes to its natural end, what is still waiting. */
export function flushBeforeExit(flushables: readonly Flushable[], options: ExitFlushOptions): void {
  options.host.once("beforeExit", () => void flushAll(flushables, options));
}

/**
 * Sends, on SIGTERM and SIGINT, what is still waiting. Where the application does not handle the signal
 * itself, the process then ends by it, as it would have; where it does, the exit is its own business.
 */
export function flushOnSignals(flushables: readonly Flushable[], options: ExitFlushOptions): void {
  const { host } = options;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    host.once(signal, () => {
      // A `once` listener is gone when it is called: what is counted now is the application's.
      if (host.listenerCount(signal) > 0) {
        void flushAll(flushables, options);
        options.clock.every(options.intervalMs, () => void flushAll(flushables, options));
      } else {
        void flushAll(flushables, options).finally(() => host.kill(host.pid, signal));
      }
    });
  }
}

/** Never rejects: what could not be flushed by the deadline is given up. */
async function flushAll(
  flushables: readonly Flushable[],
  { clock, keepAlive, deadlineMs }: ExitFlushOptions,
): Promise<void> {
  const letGo = keepAlive();
  await within(clock, deadlineMs, Promise.allSettled(flushables.map((each) => each.forceFlush())));
  letGo();
}
