import type { Clock } from "../component/clock.ts";
import type { Logger, Settings } from "../component/settings.ts";

/** A line that may be held back. */
export interface LimitedLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  /** Its fields, if it is about so many items. */
  readonly fields: (items: number) => Readonly<Record<string, unknown>>;
  /** What it is about; absent if it is about no number of things. */
  readonly items?: number;
  /** What its items are, in the name of a field; default `items`. */
  readonly unit?: "items" | "fields";
  /** Whether it says that something is lost. Only then it is worth a line when it is over. */
  readonly isLoss: boolean;
}

/**
 * Logs one line per interval for each key, of which there must be few, with the lines since the last one that were held back
 * (`held_back`) and their items (`held_back_items`). `flush` sums up the losses that were held back: by then they are past, so the line
 * says when they were. It keeps a few numbers and a line for each key.
 */
export class ItemThrottle {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #intervalMs: number;
  readonly #states = new Map<string, ThrottleState>();

  constructor({ clock, logger }: Pick<Settings, "clock" | "logger">, intervalMs: number) {
    this.#clock = clock;
    this.#logger = logger;
    this.#intervalMs = intervalMs;
  }

  report(key: string, line: LimitedLine): void {
    const state = this.#states.get(key) ?? { nextMs: Number.NEGATIVE_INFINITY, lines: 0, items: 0 };
    this.#states.set(key, state);
    const { items = 0 } = line;
    if (this.#clock.nowMs() < state.nextMs) {
      const unixMs = this.#clock.unixMs();
      state.lines += 1;
      state.items += items;
      state.held = { line, sinceUnixMs: state.held?.sinceUnixMs ?? unixMs, untilUnixMs: unixMs };
      return;
    }
    this.#logger[line.level](line.message, {
      ...line.fields(items),
      held_back: state.lines,
      ...(line.items === undefined ? {} : { [`held_back_${line.unit ?? "items"}`]: state.items }),
    });
    state.nextMs = this.#clock.nowMs() + this.#intervalMs;
    state.lines = 0;
    state.items = 0;
    delete state.held;
  }

  flush(): void {
    for (const { held, lines, items } of this.#states.values()) {
      if (held?.line.isLoss === true) {
        const { line, sinceUnixMs, untilUnixMs } = held;
        this.#logger[line.level](summaryOf(line.message), {
          ...line.fields(items),
          lines,
          from: new Date(sinceUnixMs).toISOString(),
          until: new Date(untilUnixMs).toISOString(),
        });
      }
    }
    this.#states.clear();
  }
}

/** The message of a line that sums up lines with this message. */
function summaryOf(message: string): string {
  return `Held back until now: ${message}`;
}

interface ThrottleState {
  nextMs: number;
  /** Those that are held back, and their items. */
  lines: number;
  items: number;
  /** The last of them, and when the first and the last one were. */
  held?: { readonly line: LimitedLine; readonly sinceUnixMs: number; readonly untilUnixMs: number };
}
