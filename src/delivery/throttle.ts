import type { Clock } from "../component/clock.ts";

/**
 * Allows one report per interval, with the number of suppressed ones since the last: a backend that is down fails every
 * request and must not fill the log. It keeps two numbers.
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

/** The lines that were held back since the last one, and the items that they were about. Fields of the next line. */
export interface HeldBack {
  readonly held_back: number;
  readonly held_back_items: number;
}

/**
 * Allows one report about items per interval for each key, of which there must be few. It keeps three numbers for each.
 */
export function createItemThrottle(
  clock: Clock,
  intervalMs: number,
): (key: string, items: number, report: (heldBack: HeldBack) => void) => void {
  const states = new Map<string, { nextMs: number; lines: number; items: number }>();
  return (key, items, report) => {
    const state = states.get(key) ?? { nextMs: Number.NEGATIVE_INFINITY, lines: 0, items: 0 };
    states.set(key, state);
    const nowMs = clock.nowMs();
    if (nowMs < state.nextMs) {
      state.lines += 1;
      state.items += items;
      return;
    }
    report({ held_back: state.lines, held_back_items: state.items });
    state.nextMs = nowMs + intervalMs;
    state.lines = 0;
    state.items = 0;
  };
}
