import { Float64Column, Int32Column } from "../../../otlp/columns.ts";
import { maxToolNames, type WorkKind, workKinds } from "../../model/work.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";

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
