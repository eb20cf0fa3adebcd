import { Int32Column } from "../../../otlp/columns.ts";
import type { ActivityStore } from "./activity-store.ts";
import { ColumnList } from "./linked-lists.ts";
import { spanStates } from "./span-lifecycle.ts";
import { evictionHolds, spanFlags } from "./span-table.ts";

/** The list of open work that waits for input from any sender. Process 0 has no work of its own. */
const anyHost = 0;

/**
 * Which open work is of which process, that of its relay apart, and which open work waits for input, so that nothing looks for them
 * among all rows.
 *
 * Keeps two numbers for each row of a span, two for each process, and an entry for each span that waits. It is not stored: `rebuild`
 * derives it, and every list is read in the order of the rows, which is the same after a restart.
 */
export class OpenByProcess {
  readonly #store: ActivityStore;
  readonly #first = new Int32Column();
  readonly #next = new Int32Column();
  readonly #previous = new Int32Column();
  readonly #open = new ColumnList(this.#first, this.#next, this.#previous);
  #lists = 0;
  /** By the process whose host they wait for, or `anyHost`. */
  readonly #held = new Map<number, Set<number>>();

  constructor(store: ActivityStore) {
    this.#store = store;
  }

  /** Builds the lists from the loaded tables of spans and traces. */
  rebuild(): void {
    const { spans } = this.#store;
    for (let span = 0; span < spans.rows.count; span++) {
      if (spans.state.get(span) === spanStates.open) {
        this.add(span);
        this.#list(span);
      }
    }
  }

  /** A span is open from now on. */
  add(span: number): void {
    const list = this.#listOf(span);
    this.#next.ensure(span + 1);
    this.#previous.ensure(span + 1);
    this.#first.ensure(list + 1);
    while (this.#lists <= list) {
      this.#first.set(this.#lists++, -1);
    }
    this.#open.add(list, span);
  }

  /** A span is no longer open, and waits for nothing. */
  remove(span: number): void {
    this.hold(span, evictionHolds.none);
    this.#open.remove(this.#listOf(span), span);
  }

  /** Open work of a process, in the order of its rows: of its relay, of other sources, or (undefined) all. */
  of(process: number, isRelayed?: boolean): number[] {
    const all: number[] = [];
    for (const each of isRelayed === undefined ? [false, true] : [isRelayed]) {
      const list = 2 * process + (each ? 1 : 0);
      for (
        let span = list < this.#lists ? this.#first.get(list) : -1;
        span !== -1;
        span = this.#next.get(span)
      ) {
        all.push(span);
      }
    }
    return all.sort((a, b) => a - b);
  }

  /** How the eviction of open work for its silence waits from now on: one of `evictionHolds`. */
  hold(span: number, held: number): void {
    const { spans } = this.#store;
    if (spans.held.get(span) === held) {
      return;
    }
    const before = this.#heldListOf(span);
    const waiting = this.#held.get(before);
    waiting?.delete(span);
    if (waiting?.size === 0) {
      this.#held.delete(before);
    }
    spans.held.set(span, held);
    this.#list(span);
  }

  /** Ends the wait of the open work that waits for input from anywhere, and returns it. */
  takeWaitingForInput(): readonly number[] {
    return this.#take(anyHost);
  }

  /** Ends the wait of the open work of a process that waits for its host, and returns it. */
  takeWaitingForHost(process: number): readonly number[] {
    return this.#take(process);
  }

  #take(list: number): readonly number[] {
    const spans = [...(this.#held.get(list) ?? [])].sort((a, b) => a - b);
    for (const span of spans) {
      this.hold(span, evictionHolds.none);
    }
    return spans;
  }

  #list(span: number): void {
    const list = this.#heldListOf(span);
    if (list !== -1) {
      this.#held.set(list, (this.#held.get(list) ?? new Set()).add(span));
    }
  }

  /** -1 for work that does not wait for input. */
  #heldListOf(span: number): number {
    const { spans } = this.#store;
    switch (spans.held.get(span)) {
      case evictionHolds.untilInput:
        return anyHost;
      case evictionHolds.untilHost:
        return this.#processOf(span);
      default:
        return -1;
    }
  }

  #listOf(span: number): number {
    const { spans } = this.#store;
    return 2 * this.#processOf(span) + (spans.hasFlag(span, spanFlags.relayed) ? 1 : 0);
  }

  #processOf(span: number): number {
    const { spans, traces } = this.#store;
    return traces.process.get(spans.trace.get(span));
  }
}
