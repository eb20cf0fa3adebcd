import { Float64Column } from "../../../otlp/columns.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { type SpanTable, spanFlags } from "./span-table.ts";
import type { TraceTable } from "./trace-table.ts";

/** The tables that durations are computed from. */
interface DurationTables {
  readonly spans: SpanTable;
  readonly traces: TraceTable;
  readonly downtime: Downtime;
}

/** A process is believed to have run for at most so long before its first signal. */
const unseenMs = 86_400_000;

/**
 * How long work took: by its sender's clock, as far as that agrees with when its start and end arrived. Undefined where no
 * time can be believed: one is not set, or finished work starts after its end or long before the first signal of its process.
 *
 * Keeps one number for each process; the numbers of processes bound it, and `forgetProcess` frees one for another process.
 */
export class WorkDurations {
  readonly #tables: DurationTables;
  readonly #allowedLatenessMs: number;
  /** By process. */
  readonly #firstSeenAtMs = new Float64Column();

  constructor(tables: DurationTables, allowedLatenessMs: number) {
    this.#tables = tables;
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
    const { spans, downtime } = this.#tables;
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
    const { spans } = this.#tables;
    const startMs = spans.startMs.get(span);
    const reportedMs = spans.closedMs.get(span) - startMs;
    const isBelievable =
      startMs > 0 && reportedMs >= 0 && reportedMs <= this.#longestMs(span, nowMs);
    return isBelievable ? reportedMs : undefined;
  }

  #longestMs(span: number, nowMs: number): number {
    const { spans, traces, downtime } = this.#tables;
    const process = traces.process.get(spans.trace.get(span));
    return downtime.elapsedMs(this.#firstSeenAtMs.get(process), nowMs) + unseenMs;
  }
}

const maxPeriods = 100;

/**
 * When this program was stopped or paused. That time does not pass for the engine, so that no deadline comes nearer. Only ages
 * include it, because the work itself went on.
 *
 * Keeps the last 100 periods. Beyond that the oldest is forgotten, and work from before it counts as younger than it is.
 */
export class Downtime {
  #periods: { readonly atMs: number; readonly awayMs: number }[] = [];

  snapshot(stream: SnapshotStream): void {
    const cells = stream.numbers(this.#periods.flatMap(({ atMs, awayMs }) => [atMs, awayMs]));
    this.#periods = Array.from({ length: cells.length / 2 }, (_, at) => {
      const [atMs = 0, awayMs = 0] = cells.slice(at * 2);
      return { atMs, awayMs };
    });
  }

  /** The program was away for `awayMs`, at `atMs` by the engine's clock. */
  add(atMs: number, awayMs: number): void {
    this.#periods.push({ atMs, awayMs });
    if (this.#periods.length > maxPeriods) {
      this.#periods.shift();
    }
  }

  /** How much time passed outside between two moments of the engine's clock. */
  elapsedMs(fromMs: number, toMs: number): number {
    let passedMs = toMs - fromMs;
    for (const { atMs, awayMs } of this.#periods) {
      passedMs += atMs >= fromMs && atMs <= toMs ? awayMs : 0;
    }
    return passedMs;
  }
}
