import type { Clock } from "../component/clock.ts";
import type { StopSignal } from "./host.ts";

/**
 * One key press reaches a process twice when a wrapper such as npm forwards the signal that the terminal has
 * already sent to the whole group.
 */
const echoMs = 250;

/**
 * Distinguishes the first stop request from a second one. The returned function takes each signal as it
 * arrives and returns the action: `drain` the first time, `exit` from then on, `ignore` for an echo: the
 * same signal again within a quarter of a second.
 */
export function createStopRequests(clock: Clock): (signal: StopSignal) => StopRequest {
  const lastMs = new Map<StopSignal, number>();
  let isStopping = false;
  return (signal) => {
    const nowMs = clock.nowMs();
    const isEcho = nowMs - (lastMs.get(signal) ?? Number.NEGATIVE_INFINITY) < echoMs;
    lastMs.set(signal, nowMs);
    if (isEcho) {
      return "ignore";
    }
    if (isStopping) {
      return "exit";
    }
    isStopping = true;
    return "drain";
  };
}

export type StopRequest = "drain" | "exit" | "ignore";
