import type { Clock } from "./clock.ts";

/**
 * Allows one report per interval, with the number of suppressed ones since the last: what fails with every
 * request must not fill the log. It keeps two numbers.
 */
export function createThrottle(
  clock: Clock,
  intervalMs: number,
): (report: (heldBack: number) => void) => void {
  let nextMs = Number.NEGATIVE_INFINITY;
  let heldBack = 0;
  return (report) => {
    const nowMs = clock.nowMs();
    if (nowMs < nextMs) {
      heldBack += 1;
      return;
    }
    nextMs = nowMs + intervalMs;
    report(heldBack);
    heldBack = 0;
  };
}
