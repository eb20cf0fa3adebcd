import type { SpanBatch } from "../../otlp/span-batch.ts";
import type { SenderProcess } from "./sender-processes.ts";

/**
 * Tells live spans from ordinary spans that have no end time. A sender of live spans sends the spans of open work; it may send others, so
 * that the work has its parents. So a sender is one when an open span of its is work, and stays one. Of a sender that cannot be distinguished from
 * others, only the spans beside that work are live. Keeps nothing of a process that is forgotten.
 */
export class LiveSenders {
  readonly #known = new WeakSet<SenderProcess>();
  /** Resources of the request with open work. */
  readonly #resources = new Set<number>();
  #hasLooked = false;

  /** Begins a request. */
  begin(): void {
    this.#resources.clear();
    this.#hasLooked = false;
  }

  /** Whether the open span in `row` is a live span. `isWork` says so of any row. */
  isLive(
    spans: SpanBatch,
    row: number,
    sender: SenderProcess,
    isWork: (row: number) => boolean,
  ): boolean {
    if (sender.isIdentified && this.#known.has(sender)) {
      return true;
    }
    if (!this.#hasLooked) {
      this.#look(spans, isWork);
    }
    if (!this.#resources.has(spans.resource.get(row))) {
      return false;
    }
    if (sender.isIdentified) {
      this.#known.add(sender);
    }
    return true;
  }

  /** Finds the resources with open work. Parents come before their work, so all of the request is read. */
  #look(spans: SpanBatch, isWork: (row: number) => boolean): void {
    this.#hasLooked = true;
    for (let row = 0; row < spans.count; row++) {
      if (isOpen(spans, row) && !this.#resources.has(spans.resource.get(row)) && isWork(row)) {
        this.#resources.add(spans.resource.get(row));
      }
    }
  }
}

export function isOpen(spans: SpanBatch, row: number): boolean {
  return spans.endHi.get(row) === 0 && spans.endLo.get(row) === 0;
}
