import {
  continued,
  finite,
  fitted,
  increase,
  isDrop,
  type MetricValue,
  plus,
} from "./metric-values.ts";

/**
 * How streams of one series become one value.
 *
 * - `accumulate`: counters, histograms, summaries. They are added.
 * - `add`: sums that can decrease. They are added, as long as their streams live.
 * - `last`: gauges. The stream that reported last counts.
 */
export type Merging = "accumulate" | "add" | "last";

/** A data point without its identity. */
export interface Sample {
  readonly value: MetricValue;
  readonly isDelta: boolean;
  readonly startNs: number;
  readonly timeNs: number;
}

/** One stream of one sender: what OTLP identifies by resource, scope, metric and all attributes. */
export class Stream {
  /** A keyed hash of what identifies it. */
  readonly identity: string;
  readonly series: Series;
  value: MetricValue;
  startNs: number;
  timeNs: number;
  /** When its last point arrived, by our clock. */
  updatedMs: number;
  /** Which of all points was its last. */
  turn: number;

  constructor(
    { identity, series }: { readonly identity: string; readonly series: Series },
    { value, startNs, timeNs }: Sample,
    nowMs: number,
    turn: number,
  ) {
    this.identity = identity;
    this.series = series;
    this.value = value;
    this.startNs = startNs;
    this.timeNs = timeNs;
    this.updatedMs = nowMs;
    this.turn = turn;
  }
}

/** What a further point makes of its stream. */
export interface Step {
  readonly value: MetricValue;
  readonly startNs: number;
  /** What the stream has counted since its last point; of what is accumulated only. */
  readonly added?: MetricValue;
}

/**
 * A series of the page, with the streams behind it. One stream is shown as it was sent, resets included. When several coincide,
 * because what distinguishes them is not shown, what accumulates becomes a total that grows by what each of them counts. So it never
 * steps back, whichever of them ends, begins again or comes back.
 */
export class Series {
  /** As on the page, without braces. */
  readonly labels: string;
  readonly merging: Merging;
  /** A total from its first stream on. */
  readonly isOverflow: boolean;
  readonly streams = new Set<Stream>();
  /** Streams that ended and may come back. What they counted is in the total, and would be counted again if they were new. */
  readonly ended = new Set<Stream>();
  /** All that was counted. Only of an accumulated series that several streams share. */
  #total: MetricValue | undefined;
  updatedMs: number;
  timeNs = 0;
  /** The most lines that it had on a page; the caller counts them. */
  lines = 0;

  constructor(labels: string, merging: Merging, nowMs: number, isOverflow = false) {
    this.labels = labels;
    this.merging = merging;
    this.isOverflow = isOverflow;
    this.updatedMs = nowMs;
  }

  /** Whether what a stream has counted stays when it ends. */
  get isTotal(): boolean {
    return this.#total !== undefined;
  }

  /** Adds the first point of a stream. */
  join(stream: Stream): void {
    if (this.merging === "accumulate") {
      const [first] = this.streams;
      const before = this.#total ?? first?.value;
      if (before !== undefined || this.isOverflow) {
        stream.value = fitted(stream.value, before);
        this.#total = before === undefined ? stream.value : plus(before, stream.value);
      }
    }
    this.streams.add(stream);
    this.#touch(stream.timeNs, stream.updatedMs);
  }

  /**
   * What a further point of one of its streams, or of one that ended, makes of it, unless the point is superseded (`late`: older than the
   * value shown, or a delta that is sent twice) or a delta of a time that was counted already (`out_of_order`).
   */
  stepOf(stream: Stream, sample: Sample): Step | "late" | "out_of_order" {
    const { isDelta, startNs, timeNs } = sample;
    if (timeNs !== 0 && stream.timeNs !== 0) {
      if (isDelta && timeNs === stream.timeNs) {
        return "late";
      }
      if (timeNs < stream.timeNs) {
        return isDelta ? "out_of_order" : "late";
      }
      if (isDelta && startNs !== 0 && startNs < stream.timeNs) {
        return "out_of_order";
      }
    }
    const value = fitted(sample.value, this.#total);
    const before = stream.value;
    if (isDelta) {
      return { value: plus(before, value), startNs: stream.startNs, added: value };
    }
    if (this.merging !== "accumulate") {
      return { value, startNs: stream.startNs };
    }
    if (isReset(stream, { value, startNs })) {
      return { value, startNs, added: value };
    }
    const next = continued(before, value);
    if (this.#total === undefined) {
      return { value: next, startNs: stream.startNs };
    }
    const kept = finite(before, next);
    return { value: kept, startNs: stream.startNs, added: increase(before, kept) };
  }

  /** Takes a point of which `stepOf` made that. The stream is one of its own from then on, if it had ended. */
  take(stream: Stream, step: Step, { timeNs }: Sample, nowMs: number): void {
    if (this.#total !== undefined && step.added !== undefined) {
      this.#total = plus(this.#total, step.added);
    }
    stream.value = step.value;
    stream.startNs = step.startNs;
    stream.timeNs = Math.max(timeNs, stream.timeNs);
    stream.updatedMs = nowMs;
    this.ended.delete(stream);
    this.streams.add(stream);
    this.#touch(timeNs, nowMs);
  }

  /** Counts a delta of a stream that is not tracked. */
  addUntracked({ value, timeNs }: Sample, nowMs: number): void {
    this.#total = this.#total === undefined ? value : plus(this.#total, value);
    this.#touch(timeNs, nowMs);
  }

  /** The value to show; undefined if there is none. */
  value(): MetricValue | undefined {
    if (this.merging === "last") {
      return this.#latest()?.value;
    }
    let sum = this.#total;
    if (sum === undefined) {
      for (const { value } of this.streams) {
        sum = sum === undefined ? value : plus(sum, value);
      }
    }
    return sum;
  }

  #latest(): Stream | undefined {
    let latest: Stream | undefined;
    for (const stream of this.streams) {
      if (latest === undefined || stream.turn > latest.turn) {
        latest = stream;
      }
    }
    return latest;
  }

  #touch(timeNs: number, nowMs: number): void {
    this.timeNs = Math.max(this.timeNs, timeNs);
    this.updatedMs = nowMs;
  }
}

/** A counter begins again if its value drops, or if the sender says so with a start after the last point. */
function isReset(stream: Stream, { value, startNs }: Pick<Sample, "value" | "startNs">): boolean {
  return (
    isDrop(stream.value, value) ||
    (stream.startNs !== 0 && startNs > stream.startNs && startNs >= stream.timeNs)
  );
}
