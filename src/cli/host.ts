import type { CancelTimer, Clock } from "../component/clock.ts";
import type { ProcessMemory } from "../component/memory.ts";

/** A request of the operator to stop. */
export type StopSignal = "SIGTERM" | "SIGINT";

/**
 * The process as the commands see it. Only `main.ts` has the real one; commands use this interface and return an exit code.
 */
export interface Host {
  /** The arguments after the program's name on the command line. */
  readonly args: readonly string[];
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly memory: ProcessMemory;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Calls `run` at every stop signal, instead of the process ending, until the returned function is called. */
  onStopSignal(run: (signal: StopSignal) => void): () => void;
  /** Calls `run` at every SIGHUP, instead of the process ending, until the returned function is called. */
  onReloadSignal(run: () => void): () => void;
  /** Calls `run` when npm, as `npm start`, has started this process and has ended, until the returned function is called. */
  onNpmGone(run: () => void): () => void;
  /** Calls `run` for every uncaught exception, until the returned function is called. */
  onUncaught(run: (error: unknown) => void): () => void;
  /** Keeps the process from ending for lack of work until the returned function is called. */
  keepAlive(): CancelTimer;
  /** Ends the process without waiting for anything. */
  exitNow(code: number): void;
}
