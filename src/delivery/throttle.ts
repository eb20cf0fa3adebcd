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
 * Allows one report about items per interval for each key, of which there must be few. `flush` makes the last report of each key that was
 * held back. It keeps three numbers and a report for each.
 */
export class ItemThrottle {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #states = new Map<string, ThrottleState>();

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  report(key: string, items: number, report: Report): void {
    const state = this.#states.get(key) ?? { nextMs: Number.NEGATIVE_INFINITY, lines: 0, items: 0 };
    this.#states.set(key, state);
    if (this.#clock.nowMs() < state.nextMs) {
      state.lines += 1;
      state.items += items;
      state.last = { items, report };
      return;
    }
    report({ held_back: state.lines, held_back_items: state.items });
    state.nextMs = this.#clock.nowMs() + this.#intervalMs;
    state.lines = 0;
    state.items = 0;
    delete state.last;
  }

  flush(): void {
    for (const { last, lines, items } of this.#states.values()) {
      last?.report({ held_back: lines - 1, held_back_items: items - last.items });
    }
    this.#states.clear();
  }
}

type Report = (heldBack: HeldBack) => void;

interface ThrottleState {
  nextMs: number;
  lines: number;
  items: number;
  last?: { readonly items: number; readonly report: Report };
}
