import { type Claim, claimNames, type Verdict, verdictNames } from "../../model/diagnosis.ts";
import { dialectNames, type SignalResult, signalResults } from "../../model/dialects.ts";
import { type EvictionReason, evictionReasons } from "../../model/reasons.ts";
import { kindNames, type WorkKind } from "../../model/work.ts";
import type { SnapshotStream } from "./snapshot.ts";

/** How work ended; the values of `openclaw.outcome` on durations. */
export const outcomes = ["completed", "error", "evicted"] as const;

export type Outcome = (typeof outcomes)[number];

/** Upper bounds of duration buckets, in seconds: tools take milliseconds to hours. */
export const durationBoundsS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600,
  10_800, 43_200,
];

export interface DurationCells {
  readonly buckets: number[];
  sum: number;
  count: number;
  min: number;
  max: number;
}

/**
 * The counters of the engine, as plain numbers: the engine adds, the metrics read. Arrays by kind are indexed by `WorkKind`.
 *
 * Keeps a fixed number of cells: kinds, reasons, dialects, verdicts, claims and outcomes are closed lists.
 */
export class ActivityCounters {
  readonly started = perKind();
  readonly ended = perKind();
  readonly open = perKind();
  readonly untracked = perKind();
  readonly reconciled = perKind();
  readonly lateStarts = perKind();
  /** Work that turned out to be of another kind, by the kind that it was counted as, then by what it is; `other` is no work. */
  readonly corrected: readonly number[][] = kindNames.map(perKind);
  /** By reason, then by kind. */
  readonly evicted: ReadonlyMap<EvictionReason, number[]> = new Map(
    evictionReasons.map((reason) => [reason, perKind()]),
  );
  /** Signals by result, then by dialect: an index of `dialectNames`. */
  readonly signals: ReadonlyMap<SignalResult, number[]> = new Map(
    signalResults.map((result) => [result, dialectNames.map(() => 0)]),
  );
  /** Diagnoses by verdict, then by claim: an index of `claimNames`. */
  readonly diagnosed: ReadonlyMap<Verdict, number[]> = new Map(
    verdictNames.map((verdict) => [verdict, claimNames.map(() => 0)]),
  );
  /** Durations by kind, then by outcome: an index of `outcomes`. */
  readonly durations: readonly (readonly DurationCells[])[] = kindNames.map(() =>
    outcomes.map(() => ({
      buckets: durationBoundsS.map(() => 0).concat(0),
      sum: 0,
      count: 0,
      min: Number.POSITIVE_INFINITY,
      max: 0,
    })),
  );

  /** Stores cells by name, so that a version with other reasons or dialects reads those that it has too. */
  snapshot(stream: SnapshotStream): void {
    const named = new Map<string, number[]>([
      ...Object.entries({
        started: this.started,
        ended: this.ended,
        open: this.open,
        untracked: this.untracked,
        reconciled: this.reconciled,
        lateStarts: this.lateStarts,
      }),
      ...this.corrected.map((cells, from) => [`corrected ${kindNames[from]}`, cells] as const),
      ...[...this.evicted].map(([reason, cells]) => [`evicted ${reason}`, cells] as const),
      ...[...this.diagnosed].map(([verdict, cells]) => [`diagnosed ${verdict}`, cells] as const),
    ]);
    const names = stream.texts([...named.keys()]);
    for (const name of names) {
      put(named.get(name), stream.numbers(named.get(name) ?? []));
    }
    const rows = new Map<string, { readonly cells: number[]; readonly index: number }>(
      [...this.signals].flatMap(([result, cells]) =>
        dialectNames.map((dialect, index) => [`${result} ${dialect}`, { cells, index }] as const),
      ),
    );
    const cells = stream.texts([...rows.keys()]);
    const counters = stream.numbers([...this.signals.values()].flat());
    for (const [at, cell] of cells.entries()) {
      const row = rows.get(cell);
      if (row !== undefined) {
        row.cells[row.index] = counters[at] ?? 0;
      }
    }
    for (const duration of this.durations.flat()) {
      const { sum, count, min, max, buckets } = duration;
      const [newSum = 0, newCount = 0, newMin = 0, newMax = 0, ...rest] = stream.numbers([
        sum,
        count,
        min,
        max,
        ...buckets,
      ]);
      Object.assign(duration, { sum: newSum, count: newCount, min: newMin, max: newMax });
      put(buckets, rest);
    }
  }

  /** Evictions of every reason. */
  evictedOf(kind: WorkKind): number {
    return evictionReasons.reduce(
      (sum, reason) => sum + (this.evicted.get(reason)?.[kind] ?? 0),
      0,
    );
  }

  addDiagnosed(verdict: Verdict, claim: Claim): void {
    add(this.diagnosed.get(verdict), claimNames.indexOf(claim), 1);
  }

  addDuration(kind: WorkKind, outcome: 0 | 1 | 2, durationMs: number): void {
    const cells = this.durations[kind]?.[outcome];
    if (cells === undefined || !(durationMs >= 0)) {
      return;
    }
    const seconds = durationMs / 1000;
    let bucket = 0;
    while (bucket < durationBoundsS.length && seconds > (durationBoundsS[bucket] ?? 0)) {
      bucket++;
    }
    add(cells.buckets, bucket, 1);
    cells.sum += seconds;
    cells.count++;
    cells.min = Math.min(cells.min, seconds);
    cells.max = Math.max(cells.max, seconds);
  }
}

/** Adds to a cell. Nothing happens where there is no array. */
export function add(cells: number[] | undefined, index: number, count: number): void {
  if (cells !== undefined) {
    cells[index] = (cells[index] ?? 0) + count;
  }
}

function put(cells: number[] | undefined, values: readonly number[]): void {
  cells?.splice(0, cells.length, ...values);
}

function perKind(): number[] {
  return kindNames.map(() => 0);
}
