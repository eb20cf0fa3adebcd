import { Float64Column } from "../../../otlp/columns.ts";
import type { ActivityStore } from "./activity-store.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { spanFlags } from "./span-table.ts";

/** As long before its first signal a process may have run, unseen. */
const unseenMs = 86_400_000;

/**
 * How long work took: by its sender's clock, as far as that agrees with when its start and end arrived. Undefined where
 * nothing believable says: a time is not set, or the start of finished work lies after its end or long before its process
 * was first seen.
 */
export class WorkDurations {
  readonly #graph: ActivityStore;
  readonly #allowedLatenessMs: number;
  /** By process. */
  readonly #firstSeenAtMs = new Float64Column();

  constructor(store: ActivityStore, allowedLatenessMs: number) {
    this.#graph = store;
    this.#allowedLatenessMs = allowedLatenessMs;
  }

  snapshot(stream: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    if (version >= 3) {
      stream.column(this.#firstSeenAtMs, this.#firstSeenAtMs.capacity);
    }
  }

  /** Something arrived from a process. */
  onProcessSeen(process: number, nowMs: number): void {
    this.#firstSeenAtMs.ensure(process + 1);
    if (this.#firstSeenAtMs.get(process) === 0) {
      this.#firstSeenAtMs.set(process, nowMs);
    }
  }

  /** The process is given up; its number may become another one's. */
  forgetProcess(process: number): void {
    this.#firstSeenAtMs.set(process, 0);
  }

  /** Of open work that ended at `endMs`, as arrived at `nowMs`. Where the clock was set in between, as long as it was open here. */
  ofOpen(span: number, endMs: number, nowMs: number): number | undefined {
    const { spans, downtime } = this.#graph;
    const startMs = spans.startMs.get(span);
    if (!(startMs > 0 && endMs > 0)) {
      return undefined;
    }
    const startedAtMs = spans.startedAtMs.get(span);
    // The program may have been away meanwhile.
    const ownMs = downtime.elapsedMs(startedAtMs, nowMs);
    const leastMs = nowMs - startedAtMs - this.#allowedLatenessMs;
    const reportedMs = endMs - startMs;
    // A snapshot, or a repeat, may be the first that arrives of work that has been open for long.
    const longestMs = spans.hasFlag(span, spanFlags.reportedAtStart)
      ? ownMs + this.#allowedLatenessMs
      : this.#longestMs(span, nowMs);
    const isBelievable = reportedMs >= leastMs && reportedMs <= longestMs;
    return isBelievable ? reportedMs : ownMs;
  }

  /** Of work that came finished, at the latest at `nowMs`. */
  ofFinished(span: number, nowMs: number): number | undefined {
    const { spans } = this.#graph;
    const startMs = spans.startMs.get(span);
    const reportedMs = spans.endMs.get(span) - startMs;
    const isBelievable =
      startMs > 0 && reportedMs >= 0 && reportedMs <= this.#longestMs(span, nowMs);
    return isBelievable ? reportedMs : undefined;
  }

  #longestMs(span: number, nowMs: number): number {
    const { spans, traces, downtime } = this.#graph;
    const process = traces.process.get(spans.trace.get(span));
    return downtime.elapsedMs(this.#firstSeenAtMs.get(process), nowMs) + unseenMs;
  }
}
