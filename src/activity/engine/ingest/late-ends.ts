import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";

const maxPerProcess = 64;

/**
 * Keeps the markers that outlived their owner, by process, while they have a row in the span table. At most 64 a process: at the
 * bound the oldest is dropped, and no longer counts as one that ended together with others.
 */
export class LateEnds {
  readonly #store: ActivityStore;
  readonly #byProcess = new Map<number, number[]>();

  constructor(store: ActivityStore) {
    this.#store = store;
  }

  snapshot(io: SnapshotStream): void {
    const processes = io.numbers([...this.#byProcess.keys()]);
    const ends = [...this.#byProcess.values()];
    for (const [at, process] of processes.entries()) {
      this.#byProcess.set(process, io.numbers(ends[at] ?? []));
    }
  }

  add(span: number): void {
    const late = this.sameProcess(span);
    this.#byProcess.set(this.#processOf(span), [...late, span].slice(-maxPerProcess));
  }

  /** The markers of the process of a span, which may be one of them. */
  sameProcess(span: number): readonly number[] {
    return this.#byProcess.get(this.#processOf(span)) ?? [];
  }

  /** Must be called before the row of a span is removed. */
  forgetSpan(span: number): void {
    if (this.#byProcess.size === 0) {
      return;
    }
    const process = this.#processOf(span);
    const late = this.#byProcess.get(process);
    const at = late?.indexOf(span) ?? -1;
    if (at !== -1) {
      late?.splice(at, 1);
    }
    if (late?.length === 0) {
      this.#byProcess.delete(process);
    }
  }

  #processOf(span: number): number {
    const { spans, traces } = this.#store;
    return traces.process.get(spans.trace.get(span));
  }
}
