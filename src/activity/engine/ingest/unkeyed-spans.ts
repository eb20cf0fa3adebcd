import { Int32Column } from "../../../otlp/columns.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { ColumnList } from "../store/linked-lists.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";

/** Finished spans directly in some runs, and not inside a tool or a model call. */
export interface DirectSpans {
  readonly tools: readonly number[];
  readonly modelCalls: readonly number[];
}

/**
 * Lists, by trace, the model calls, and the tools without a call id, that arrived finished while their process reported no starts.
 * Each has a row in the span table, whose bound is also the bound of this list; it leaves the list with its row.
 */
export class UnkeyedSpans {
  readonly #store: ActivityStore;
  readonly #first = new Int32Column();
  readonly #next = new Int32Column();
  readonly #previous = new Int32Column();
  readonly #ofTrace = new ColumnList(this.#first, this.#next, this.#previous);
  #traces = 0;

  constructor(store: ActivityStore) {
    this.#store = store;
  }

  /** Builds the lists from the span table, which must be loaded. */
  restore(): void {
    const { spans } = this.#store;
    for (let span = 0; span < spans.rows.count; span++) {
      const isFree = spans.state.get(span) === spanStates.free;
      if (!isFree && spans.hasFlag(span, spanFlags.arrivedFinished)) {
        this.#list(span);
      }
    }
  }

  add(span: number): void {
    this.#store.spans.setFlag(span, spanFlags.arrivedFinished);
    this.#list(span);
  }

  /** Must be called before the row of a span is removed. */
  forgetSpan(span: number): void {
    const { spans } = this.#store;
    if (spans.hasFlag(span, spanFlags.arrivedFinished)) {
      spans.clearFlag(span, spanFlags.arrivedFinished);
      this.#ofTrace.remove(spans.trace.get(span), span);
    }
  }

  directlyIn(runs: readonly number[]): DirectSpans {
    const { spans, tree } = this.#store;
    const traces = new Set(runs.map((run) => spans.trace.get(run)));
    const direct = [...traces]
      .flatMap((trace) => (trace < this.#traces ? this.#ofTrace.all(trace) : []))
      .filter((span) => {
        const run = tree.runAbove(span);
        return runs.includes(run) && !tree.hasMarkerBetween(span, run);
      });
    return {
      tools: direct.filter((span) => spans.kind.get(span) === workKinds.tool),
      modelCalls: direct.filter((span) => spans.kind.get(span) === workKinds.modelCall),
    };
  }

  #list(span: number): void {
    const trace = this.#store.spans.trace.get(span);
    this.#first.ensure(trace + 1);
    this.#next.ensure(span + 1);
    this.#previous.ensure(span + 1);
    while (this.#traces <= trace) {
      this.#first.set(this.#traces++, -1);
    }
    this.#ofTrace.add(trace, span);
  }
}
