import { Uint8Column } from "../../../otlp/columns.ts";

/** What is known of a span. The numbers are stored. */
export const spanStates = {
  /** The row is not in use. */
  free: 0,
  /** A child or a signal named the span; it has not arrived itself. */
  unknown: 1,
  /** Work that started and has not ended. */
  open: 2,
  /** Ended by its own report, or a link, which is no work. */
  ended: 3,
  /** Evicted, for a reason. */
  evicted: 4,
  /** Open work that its source stopped watching. How it ends is not known and changes nothing. */
  untracked: 5,
} as const;

export type SpanState = (typeof spanStates)[keyof typeof spanStates];

/** A state of closed work. */
export type ClosedState = (typeof spanStates)["ended" | "evicted" | "untracked"];

type StateName = keyof typeof spanStates;

/**
 * Every way in which the state of a span changes:
 *
 * ```
 *              named             arrives            starts             ends
 *   free ─────────────▶ unknown ─────────▶ ended ─────────▶ open ─────────────▶ ended
 *                                            │                ├─ is evicted ───▶ evicted ── was open after all ─▶ open
 *                                            │                └─ not watched ──▶ untracked
 *                                            └─ finished work is an orphan ────▶ evicted
 *   every state but open ── is forgotten ─▶ free
 * ```
 *
 * A start passes through `ended` within one call: it arrives first and is opened then.
 */
export const spanTransitions: readonly { readonly from: StateName; readonly to: StateName }[] = [
  { from: "free", to: "unknown" },
  { from: "unknown", to: "ended" },
  { from: "ended", to: "open" },
  { from: "open", to: "ended" },
  { from: "open", to: "evicted" },
  { from: "open", to: "untracked" },
  { from: "ended", to: "evicted" },
  { from: "evicted", to: "open" },
  { from: "unknown", to: "free" },
  { from: "ended", to: "free" },
  { from: "evicted", to: "free" },
  { from: "untracked", to: "free" },
];

const stateCount = 6;
const isAllowed = new Uint8Array(stateCount * stateCount);
for (const { from, to } of spanTransitions) {
  isAllowed[spanStates[from] * stateCount + spanStates[to]] = 1;
}

/**
 * The states of spans, and the only writer of them: `move` refuses every change that is not in `spanTransitions`.
 *
 * Keeps one byte a row; the table of spans bounds it.
 */
export class SpanLifecycle extends Uint8Column {
  readonly #moves = new Float64Array(stateCount * stateCount);

  /** Changes the state of a span. Nothing happens where it has that state. Throws for a change that cannot be: a bug. */
  move(row: number, to: SpanState): void {
    const from = this.get(row);
    if (from === to) {
      return;
    }
    const move = from * stateCount + to;
    if (isAllowed[move] !== 1) {
      throw new Error(`A span in state ${from} cannot get state ${to}.`);
    }
    this.#moves[move] = (this.#moves[move] ?? 0) + 1;
    this.set(row, to);
  }

  /** How often each transition has occurred since the program started. */
  transitions(): readonly {
    readonly from: StateName;
    readonly to: StateName;
    readonly count: number;
  }[] {
    return spanTransitions.map(({ from, to }) => ({
      from,
      to,
      count: this.#moves[spanStates[from] * stateCount + spanStates[to]] ?? 0,
    }));
  }
}
