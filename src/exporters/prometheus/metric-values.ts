/** An integer stays exact beyond 2^53. */
export type NumberValue = number | bigint;

/** A histogram with classic buckets. */
export interface HistogramValue {
  /** Upper bounds, ascending, without +Inf. Equal arrays may be one object. */
  readonly bounds: Float64Array;
  /** How many observations are at most as large as each bound. */
  readonly cumulative: Float64Array;
  readonly count: number;
  /** Undefined if the sender sends none. */
  readonly sum: number | undefined;
  /** Set if the sender's buckets may be wider than these, so that later points may know less than earlier ones. */
  readonly isMapped: boolean;
}

export interface SummaryValue {
  readonly count: number;
  readonly sum: number;
  /** Ascending, each once. */
  readonly quantiles: readonly (readonly [quantile: number, value: number])[];
}

export type MetricValue =
  | { readonly type: "number"; readonly value: NumberValue }
  | ({ readonly type: "histogram" } & HistogramValue)
  | ({ readonly type: "summary" } & SummaryValue);

/**
 * The sum of two values of one series. The buckets stay those of `a`: observations of `b` are counted from the next bound of `a` on,
 * so that no bucket counts too many. Of summaries, whose quantiles cannot be added, `b` has the quantiles. What is not finite is left out,
 * because it would stay for ever.
 */
export function plus(a: MetricValue, b: MetricValue): MetricValue {
  if (a.type === "number" && b.type === "number") {
    return { type: "number", value: plusNumber(a.value, b.value) };
  }
  if (a.type === "histogram" && b.type === "histogram") {
    const mapped = withBounds(b, a.bounds).cumulative;
    return {
      type: "histogram",
      bounds: a.bounds,
      cumulative: a.cumulative.map((count, index) => count + (mapped[index] ?? 0)),
      count: a.count + b.count,
      sum:
        a.sum === undefined || b.sum === undefined ? undefined : Number(plusNumber(a.sum, b.sum)),
      isMapped: a.isMapped || b.isMapped,
    };
  }
  if (a.type === "summary" && b.type === "summary") {
    return {
      type: "summary",
      count: a.count + b.count,
      sum: Number(plusNumber(a.sum, b.sum)),
      quantiles: b.quantiles,
    };
  }
  return b;
}

/**
 * What the counter `before` has counted until it was `next`, which is no drop. Both histograms have the same bounds, and no bucket of
 * `next` is smaller. What was not finite was left out when it was added, so it is left out here.
 */
export function increase(before: MetricValue, next: MetricValue): MetricValue {
  if (before.type === "number" && next.type === "number") {
    return { type: "number", value: minusNumber(next.value, before.value) };
  }
  if (before.type === "histogram" && next.type === "histogram") {
    return {
      ...next,
      cumulative: next.cumulative.map((count, index) => count - (before.cumulative[index] ?? 0)),
      count: next.count - before.count,
      sum: next.sum === undefined ? undefined : Number(minusNumber(next.sum, before.sum ?? 0)),
    };
  }
  if (before.type === "summary" && next.type === "summary") {
    return {
      ...next,
      count: next.count - before.count,
      sum: Number(minusNumber(next.sum, before.sum)),
    };
  }
  return next;
}

/** `next`, with the finite number of `before` in place of one that is not finite: the next finite number counts from there. */
export function finite(before: MetricValue, next: MetricValue): MetricValue {
  if (next.type === "number") {
    const isNumber = typeof next.value === "bigint" || Number.isFinite(next.value);
    return isNumber || before.type !== "number" ? next : before;
  }
  const sum = before.type === "number" ? undefined : before.sum;
  if (next.sum === undefined || sum === undefined || Number.isFinite(next.sum)) {
    return next;
  }
  return { ...next, sum };
}

/** Whether `next` cannot be the same counter a while after `before`. */
export function isDrop(before: MetricValue, next: MetricValue): boolean {
  if (before.type === "number" && next.type === "number") {
    return next.value < before.value;
  }
  if (before.type === "histogram" && next.type === "histogram") {
    return next.count < before.count || !hasSameBounds(before, next);
  }
  if (before.type === "summary" && next.type === "summary") {
    return next.count < before.count;
  }
  return true;
}

/**
 * `next` of the same counter as `before`, without a bucket that steps back: when an exponential histogram gets coarser, its
 * observations are known less exactly than before.
 */
export function continued(before: MetricValue, next: MetricValue): MetricValue {
  if (before.type !== "histogram" || next.type !== "histogram" || !next.isMapped) {
    return next;
  }
  return {
    ...next,
    cumulative: next.cumulative.map((count, index) =>
      Math.max(count, before.cumulative[index] ?? 0),
    ),
  };
}

/** A histogram as it is added to one with these bounds, another value as it is. */
export function fitted(value: MetricValue, total: MetricValue | undefined): MetricValue {
  return value.type === "histogram" && total?.type === "histogram"
    ? { type: "histogram", ...withBounds(value, total.bounds), isMapped: true }
    : value;
}

/** The same observations under other bounds: they are counted from the next of them on. */
export function withBounds(value: HistogramValue, bounds: Float64Array): HistogramValue {
  if (hasSameBounds(value, { bounds })) {
    return value;
  }
  let own = 0;
  const cumulative = bounds.map((bound) => {
    while (own < value.bounds.length && (value.bounds[own] ?? 0) <= bound) {
      own += 1;
    }
    return value.cumulative[own - 1] ?? 0;
  });
  return { ...value, bounds, cumulative };
}

export function hasSameBounds(
  { bounds: a }: Pick<HistogramValue, "bounds">,
  { bounds: b }: Pick<HistogramValue, "bounds">,
): boolean {
  return a === b || (a.length === b.length && a.every((bound, index) => bound === b[index]));
}

/** The numbers that a value keeps in memory, about. */
export function cellsOf(value: MetricValue): number {
  switch (value.type) {
    case "number":
      return 1;
    case "histogram":
      return value.bounds.length + 3;
    case "summary":
      return value.quantiles.length + 2;
    default: {
      const never: never = value;
      return never;
    }
  }
}

function plusNumber(a: NumberValue, b: NumberValue): NumberValue {
  if (typeof a === "bigint" && typeof b === "bigint") {
    return a + b;
  }
  const [x, y] = [Number(a), Number(b)];
  return Number.isFinite(y) ? (Number.isFinite(x) ? x + y : b) : a;
}

function minusNumber(a: NumberValue, b: NumberValue): NumberValue {
  if (typeof a === "bigint" && typeof b === "bigint") {
    return a - b;
  }
  const [x, y] = [Number(a), Number(b)];
  return Number.isFinite(y) ? x - y : x;
}
