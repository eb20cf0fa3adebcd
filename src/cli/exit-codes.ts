import type { StopSignal } from "./host.ts";

/** The exit codes of the program. Scripts rely on them. */
export const exitCodes = {
  success: 0,
  /** The config is wrong, or a component could not start. */
  failure: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** A bug ended the program, or data was lost at the shutdown. */
  fault: 3,
} as const;

/** The convention of shells for a process ended by a signal. */
export function exitCodeOfSignal(signal: StopSignal): number {
  switch (signal) {
    case "SIGINT":
      return 130;
    case "SIGTERM":
      return 143;
    default: {
      const never: never = signal;
      return never;
    }
  }
}

/** For `--help`. */
export const exitCodesHelp = `
Exit codes:
  0    stopped cleanly, or the command succeeded
  1    the configuration is wrong, or a component could not start
  2    the command line is invalid
  3    an unexpected exception stopped the program, or data was lost at the shutdown
  130  a second SIGINT (Ctrl-C) stopped it at once
  143  a second SIGTERM stopped it at once
`;
