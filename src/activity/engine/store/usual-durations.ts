import { OldestFirstMap } from "../../../collections/oldest-first-map.ts";
import { Float64Column, Int32Column } from "../../../otlp/columns.ts";
import { maxToolNames, type WorkKind, workKinds } from "../../model/work.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";

/** Each bucket is a tenth longer than the one before: from a millisecond to half a day. */
const growth = 1.1;
const bucketsPerName = 192;
/** Fewer durations than this are not called usual. */
const minSamples = 20;
/** Of the names, so many may have fewer durations. A sender that makes up names displaces only such ones. */
const maxRareNames = maxToolNames / 4;
const maxUsualNames = maxToolNames - maxRareNames;

/** Rows of model calls, and of tools without a name of their own. The others are of one tool name each. */
const modelCallRow = 0;
const namelessRow = 1;
const firstNamedRow = 2;

/** How long work of one kind and name has taken so far, in ms. */
export interface UsualDuration {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * How long tools and model calls usually take: a histogram of logarithmic buckets for each tool name, and one for all model
 * calls. Quantiles are right to a tenth.
 *
 * Keeps 780 bytes for each of at most 1000 tool names: 750 that have enough durations, and 250 that do not have them yet. At a bound the
 * name of which work ended longest ago is forgotten. `dropOlder` forgets the names that no longer occur.
 */
export class UsualDurations {
  readonly #counts = new Int32Column();
  readonly #totals = new Int32Column();
  readonly #lastAtMs = new Float64Column();
  /** Tool name → its row; the name of which work ended longest ago is the oldest. */
  readonly #rare = new OldestFirstMap<number, number>();
  readonly #usual = new OldestFirstMap<number, number>();
  readonly #vacant: number[] = [];
  /** Rows ever used. */
  #rows = firstNamedRow;

  snapshot(stream: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    stream.column(this.#totals, this.#totals.capacity);
    stream.column(this.#counts, this.#counts.capacity);
    if (version > 2) {
      stream.column(this.#lastAtMs, this.#lastAtMs.capacity);
    } else {
      this.#lastAtMs.ensure(this.#totals.capacity);
      for (let row = 0; row < this.#totals.capacity; row++) {
        this.#lastAtMs.set(row, Number.POSITIVE_INFINITY); // Not known until work of this name ends again.
      }
    }
    const cells = version > 3 ? stream.numbers([...this.#entries()].flat()) : this.#cellsOfV3();
    for (let at = 0; stream.isLoading && at < cells.length; at += 2) {
      this.#restoreRow(cells[at] ?? 0, cells[at + 1] ?? 0);
    }
  }

  /** Tool names that have durations. */
  *names(): Generator<number> {
    for (const [name] of this.#entries()) {
      yield name;
    }
  }

  /** Forgets the names of which no work has ended since `beforeMs`. */
  dropOlder(beforeMs: number): void {
    for (const [name, row] of [...this.#entries()]) {
      if (this.#lastAtMs.get(row) < beforeMs) {
        this.#forget(name, row);
      }
    }
  }

  /** Adds a duration of work of this kind and interned name, which ended at `atMs`. */
  add(
    kind: WorkKind,
    name: number,
    { durationMs, atMs }: { readonly durationMs: number; readonly atMs: number },
  ): void {
    const row = this.#rowOf(kind, name) ?? this.#addName(name);
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
    if (row >= firstNamedRow) {
      this.#touch(name, row);
    }
  }

  /** Undefined before 20 of the same kind and name have ended. */
  of(kind: WorkKind, name: number): UsualDuration | undefined {
    const row = this.#rowOf(kind, name) ?? -1;
    const total = row === -1 ? 0 : this.#totals.get(row);
    return total < minSamples
      ? undefined
      : { p50Ms: this.#quantile(row, total, 0.5), p99Ms: this.#quantile(row, total, 0.99) };
  }

  /** The row of a kind and name; -1 if there is never one, undefined if the name has none now. */
  #rowOf(kind: WorkKind, name: number): number | undefined {
    switch (kind) {
      case workKinds.modelCall:
        return modelCallRow;
      case workKinds.tool:
        return name === 0 || name === maxToolNames + 1
          ? namelessRow
          : (this.#usual.get(name) ?? this.#rare.get(name));
      default:
        return -1;
    }
  }

  #addName(name: number): number {
    const row = this.#vacant.pop() ?? this.#rows++;
    this.#rare.set(name, row);
    return row;
  }

  /** Makes a name the newest of those that have enough durations, or of the others. */
  #touch(name: number, row: number): void {
    const isUsual = this.#totals.get(row) >= minSamples;
    const [names, most] = isUsual ? [this.#usual, maxUsualNames] : [this.#rare, maxRareNames];
    if (isUsual) {
      this.#rare.delete(name);
    }
    names.set(name, row);
    const { oldest } = names;
    if (names.size > most && oldest !== undefined) {
      this.#forget(...oldest);
    }
  }

  #forget(name: number, row: number): void {
    this.#rare.delete(name);
    this.#usual.delete(name);
    this.#vacant.push(row);
    this.#totals.set(row, 0);
    for (let bucket = 0; bucket < bucketsPerName; bucket++) {
      this.#counts.set(row * bucketsPerName + bucket, 0);
    }
  }

  *#entries(): Generator<readonly [name: number, row: number]> {
    yield* this.#usual.entries();
    yield* this.#rare.entries();
  }

  /** In version 3 the row of a name followed from its number. */
  #cellsOfV3(): number[] {
    const rows = Array.from({ length: Math.max(0, this.#totals.capacity - firstNamedRow) });
    return rows
      .map((_, at) => at + firstNamedRow)
      .filter((row) => this.#totals.get(row) > 0)
      .flatMap((row) => [row - 1, row]);
  }

  #restoreRow(name: number, row: number): void {
    for (; this.#rows < row; this.#rows++) {
      this.#vacant.push(this.#rows);
    }
    const at = row === this.#rows ? -1 : this.#vacant.indexOf(row);
    if (at === -1) {
      this.#rows = row + 1;
    } else {
      this.#vacant.splice(at, 1);
    }
    this.#touch(name, row);
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
