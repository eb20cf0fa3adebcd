import { Float64Column } from "../../../otlp/columns.ts";
import type { ActivityStore } from "./activity-store.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { spanFlags } from "./span-table.ts";

/** A process is believed to have run for at most so long before its first signal. */
const unseenMs = 86_400_000;

/**
 * How long work took: by its sender's clock, as far as that agrees with when its start and end arrived. Undefined where no
 * time can be believed: one is not set, or finished work starts after its end or long before the first signal of its process.
 *
 * Keeps one number for each process; the numbers of processes bound it, and `forgetProcess` frees one for another process.
 */
export class WorkDurations {
  readonly #store: ActivityStore;
  readonly #allowedLatenessMs: number;
  /** By process. */
  readonly #firstSeenAtMs = new Float64Column();

  constructor(store: ActivityStore, allowedLatenessMs: number) {
    this.#store = store;
    this.#allowedLatenessMs = allowedLatenessMs;
  }

  snapshot(stream: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    if (version >= 3) {
      stream.column(this.#firstSeenAtMs, this.#firstSeenAtMs.capacity);
    }
  }

  /** A signal of a process has arrived. */
  onProcessSeen(process: number, nowMs: number): void {
    this.#firstSeenAtMs.ensure(process + 1);
    if (this.#firstSeenAtMs.get(process) === 0) {
      this.#firstSeenAtMs.set(process, nowMs);
    }
  }

  /** A process is forgotten; its number may be used for another one. */
  forgetProcess(process: number): void {
    this.#firstSeenAtMs.set(process, 0);
  }

  /** Of open work, of which the end `endMs` arrived at `nowMs`. Where the sender's clock is not believed: how long it was open here. */
  ofOpen(span: number, endMs: number, nowMs: number): number | undefined {
    const { spans, downtime } = this.#store;
    const startMs = spans.startMs.get(span);
    if (!(startMs > 0 && endMs > 0)) {
      return undefined;
    }
    const startedAtMs = spans.startedAtMs.get(span);
    const ownMs = downtime.elapsedMs(startedAtMs, nowMs);
    const leastMs = nowMs - startedAtMs - this.#allowedLatenessMs;
    const reportedMs = endMs - startMs;
    // The first signal of work that has been open for hours may be a repeat.
    const longestMs = spans.hasFlag(span, spanFlags.reportedAtStart)
      ? ownMs + this.#allowedLatenessMs
      : this.#longestMs(span, nowMs);
    const isBelievable = reportedMs >= leastMs && reportedMs <= longestMs;
    return isBelievable ? reportedMs : ownMs;
  }

  /** Of finished work, of which no start arrived, known at `nowMs`. */
  ofFinished(span: number, nowMs: number): number | undefined {
    const { spans } = this.#store;
    const startMs = spans.startMs.get(span);
    const reportedMs = spans.closedMs.get(span) - startMs;
    const isBelievable =
      startMs > 0 && reportedMs >= 0 && reportedMs <= this.#longestMs(span, nowMs);
    return isBelievable ? reportedMs : undefined;
  }

  #longestMs(span: number, nowMs: number): number {
    const { spans, traces, downtime } = this.#store;
    const process = traces.process.get(spans.trace.get(span));
    return downtime.elapsedMs(this.#firstSeenAtMs.get(process), nowMs) + unseenMs;
  }
}
