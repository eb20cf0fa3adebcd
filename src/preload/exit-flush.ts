import type { Clock } from "../component/clock.ts";
import { within } from "../sender/sender-clock.ts";

/** A buffer that has to be sent before the process ends. */
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
  /** How long an exit may be delayed. */
  readonly deadlineMs: number;
  /** The interval of flushes while the application's own signal handler runs. */
  readonly intervalMs: number;
}

/** Flushes when the program ends because there is no more work. */
export function flushBeforeExit(flushables: readonly Flushable[], options: ExitFlushOptions): void {
  options.host.once("beforeExit", () => void flushAll(flushables, options));
}

/**
 * Flushes on SIGTERM and SIGINT. If the application does not handle the signal itself, the process then ends by that signal,
 * as it would without this listener; if it does, the application decides when the process ends.
 */
export function flushOnSignals(flushables: readonly Flushable[], options: ExitFlushOptions): void {
  const { host } = options;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    host.once(signal, () => {
      // A `once` listener is removed before it is called, so the listeners that are left are the application's.
      if (host.listenerCount(signal) > 0) {
        void flushAll(flushables, options);
        options.clock.every(options.intervalMs, () => void flushAll(flushables, options));
      } else {
        void flushAll(flushables, options).finally(() => host.kill(host.pid, signal));
      }
    });
  }
}

/** Never rejects: data that cannot be flushed by the deadline is lost. */
async function flushAll(
  flushables: readonly Flushable[],
  { clock, keepAlive, deadlineMs }: ExitFlushOptions,
): Promise<void> {
  const release = keepAlive();
  await within(clock, deadlineMs, Promise.allSettled(flushables.map((each) => each.forceFlush())));
  release();
}
