import { continued, isDrop, type MetricValue, plus, withBounds } from "./metric-values.ts";

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
  readonly series: Series;
  value: MetricValue;
  startNs: number;
  timeNs: number;
  /** When its last point arrived, by our clock. */
  updatedMs: number;
  /** Which of all points was its last. */
  turn: number;

  constructor(series: Series, { value, startNs, timeNs }: Sample, nowMs: number, turn: number) {
    this.series = series;
    this.value = value;
    this.startNs = startNs;
    this.timeNs = timeNs;
    this.updatedMs = nowMs;
    this.turn = turn;
  }
}

/**
 * A series of the page, with the streams behind it. One stream is shown as it was sent, resets included. When several coincide,
 * because what tells them apart is not shown, the series counts on over resets and ends of single streams.
 */
export class Series {
  /** As on the page, without braces. */
  readonly labels: string;
  readonly merging: Merging;
  readonly streams = new Set<Stream>();
  /** What streams counted that have ended or begun again; only of a shared series. */
  #past: MetricValue | undefined;
  #isShared: boolean;
  updatedMs: number;
  timeNs = 0;
  /** The most lines that it had on a page, for whoever counts them. */
  lines = 0;

  /** `isShared`: counts on from the beginning, for the series of an overflow. */
  constructor(labels: string, merging: Merging, nowMs: number, isShared = false) {
    this.labels = labels;
    this.merging = merging;
    this.#isShared = isShared;
    this.updatedMs = nowMs;
  }

  /** Adds the first point of a stream. */
  join(stream: Stream): void {
    this.streams.add(stream);
    this.#isShared ||= this.streams.size > 1;
    this.#touch(stream.timeNs, stream.updatedMs);
  }

  /**
   * Takes a further point of one of its streams, unless it is superseded (`late`: older than the value shown, or a delta that is sent
   * twice) or a delta of a time that was counted already (`out_of_order`).
   */
  take(stream: Stream, sample: Sample, nowMs: number): "taken" | "late" | "out_of_order" {
    const { value, isDelta, startNs, timeNs } = sample;
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
    if (this.merging !== "accumulate") {
      stream.value = isDelta ? plus(stream.value, value) : value;
    } else if (isDelta && !hasOtherBounds(stream.value, value)) {
      stream.value = plus(stream.value, value);
    } else if (isDelta || isReset(stream, sample)) {
      if (this.#isShared) {
        this.#past = this.#plusPast(stream.value);
      }
      stream.value = value;
      stream.startNs = startNs;
    } else {
      stream.value = continued(stream.value, value);
    }
    stream.timeNs = Math.max(timeNs, stream.timeNs);
    stream.updatedMs = nowMs;
    this.#touch(timeNs, nowMs);
    return "taken";
  }

  /** Counts a delta of a stream that is not tracked. */
  addUntracked({ value, timeNs }: Sample, nowMs: number): void {
    this.#past = this.#plusPast(value);
    this.#touch(timeNs, nowMs);
  }

  /** Ends a stream. A shared series keeps what it counted, so that it does not step back. */
  leave(stream: Stream): void {
    if (this.streams.delete(stream) && this.#isShared && this.merging === "accumulate") {
      this.#past = this.#plusPast(stream.value);
    }
  }

  /** The value to show; undefined if there is none. */
  value(): MetricValue | undefined {
    if (this.merging === "last") {
      return this.#latest()?.value;
    }
    let sum = this.#past;
    for (const { value } of this.streams) {
      sum = sum === undefined ? value : plus(sum, value);
    }
    return sum;
  }

  #plusPast(value: MetricValue): MetricValue {
    if (this.#past !== undefined) {
      return plus(this.#past, value);
    }
    // The buckets that the series shows are those of its first stream.
    const [first] = this.streams;
    return first?.value.type === "histogram" && value.type === "histogram"
      ? { type: "histogram", ...withBounds(value, first.value.bounds) }
      : value;
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
function isReset(stream: Stream, { value, startNs }: Sample): boolean {
  return (
    isDrop(stream.value, value) ||
    (stream.startNs !== 0 && startNs > stream.startNs && startNs >= stream.timeNs)
  );
}

function hasOtherBounds(before: MetricValue, next: MetricValue): boolean {
  return (
    before.type === "histogram" &&
    next.type === "histogram" &&
    isDrop({ ...before, count: 0 }, next)
  );
}
