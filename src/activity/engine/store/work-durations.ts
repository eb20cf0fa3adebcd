import { Float64Column, Int32Column } from "../../../otlp/columns.ts";
import { maxToolNames, type WorkKind, workKinds } from "../../model/work.ts";
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

/** Each bucket is a tenth longer than the one before: from a millisecond to half a day. */
const growth = 1.1;
const bucketsPerName = 192;
/** Fewer durations than this are not called usual. */
const minSamples = 20;

/** How long work of one kind and name has taken so far, in ms. */
export interface UsualDuration {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * How long tools and model calls usually take: a histogram of logarithmic buckets for each tool name, and one for all model
 * calls. Quantiles are right to a tenth.
 *
 * Keeps 780 bytes for each of at most 1000 tool names; a tool with a higher number counts as one without a name. `dropOlder`
 * empties the names that no longer occur.
 */
export class UsualDurations {
  readonly #counts = new Int32Column();
  readonly #totals = new Int32Column();
  readonly #lastAtMs = new Float64Column();

  snapshot(stream: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    stream.column(this.#totals, this.#totals.capacity);
    stream.column(this.#counts, this.#counts.capacity);
    if (version > 2) {
      stream.column(this.#lastAtMs, this.#lastAtMs.capacity);
      return;
    }
    this.#lastAtMs.ensure(this.#totals.capacity);
    for (let row = 0; row < this.#totals.capacity; row++) {
      this.#lastAtMs.set(row, Number.POSITIVE_INFINITY); // Not known until work of this name ends again.
    }
  }

  /** Tool names that have durations. */
  *names(): Generator<number> {
    for (let row = 2; row < this.#totals.capacity; row++) {
      if (this.#totals.get(row) > 0) {
        yield row - 1;
      }
    }
  }

  /** Forgets the names of which no work has ended since `beforeMs`: their numbers may be used for other names. */
  dropOlder(beforeMs: number): void {
    for (const name of [...this.names()]) {
      const row = name + 1;
      if (this.#lastAtMs.get(row) < beforeMs) {
        this.#totals.set(row, 0);
        for (let bucket = 0; bucket < bucketsPerName; bucket++) {
          this.#counts.set(row * bucketsPerName + bucket, 0);
        }
      }
    }
  }

  /** Adds a duration of work of this kind and interned name, which ended at `atMs`. */
  add(
    kind: WorkKind,
    name: number,
    { durationMs, atMs }: { readonly durationMs: number; readonly atMs: number },
  ): void {
    const row = rowOf(kind, name);
    if (row === -1) {
      return;
    }
    const bucket = Math.min(
      bucketsPerName - 1,
      Math.max(0, Math.ceil(Math.log(Math.max(durationMs, 1)) / Math.log(growth))),
    );
    this.#totals.ensure(row + 1);
    this.#lastAtMs.ensure(row + 1);
    this.#lastAtMs.set(row, atMs);
    this.#counts.ensure((row + 1) * bucketsPerName);
    this.#totals.set(row, this.#totals.get(row) + 1);
    const cell = row * bucketsPerName + bucket;
    this.#counts.set(cell, this.#counts.get(cell) + 1);
  }

  /** Undefined before 20 of the same kind and name have ended. */
  of(kind: WorkKind, name: number): UsualDuration | undefined {
    const row = rowOf(kind, name);
    const total = row === -1 ? 0 : this.#totals.get(row);
    return total < minSamples
      ? undefined
      : { p50Ms: this.#quantile(row, total, 0.5), p99Ms: this.#quantile(row, total, 0.99) };
  }

  /** The upper bound of the bucket that has the quantile. */
  #quantile(row: number, total: number, share: number): number {
    const rank = Math.ceil(total * share);
    let passed = 0;
    for (let bucket = 0; bucket < bucketsPerName; bucket++) {
      passed += this.#counts.get(row * bucketsPerName + bucket);
      if (passed >= rank) {
        return Math.round(growth ** bucket);
      }
    }
    return Math.round(growth ** (bucketsPerName - 1));
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

/** Row 0 is of model calls, row 1 of tools without a name of their own. */
function rowOf(kind: WorkKind, name: number): number {
  switch (kind) {
    case workKinds.modelCall:
      return 0;
    case workKinds.tool:
      return 1 + (name <= maxToolNames ? name : 0);
    default:
      return -1;
  }
}
