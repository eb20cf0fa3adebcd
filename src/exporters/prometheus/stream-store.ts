import type { FamilyHead } from "./family-head.ts";
import { type Family, MetricFamilies } from "./metric-families.ts";
import { type Merging, type Sample, Series, Stream } from "./metric-series.ts";
import { cellsOf } from "./metric-values.ts";
import type { DropReason } from "./page-instruments.ts";
import { isSmall, type Needs, StoreUsage } from "./store-usage.ts";

export interface StoreOptions {
  /** The most series, those of overflows left out: there is at most one for each family, and as many in all, or 1,000 if that is more. */
  readonly maxSeries: number;
  /** Until a stream that sends nothing any more ends. */
  readonly expirationMs: number;
  /** Names of lines that others write. */
  readonly reserved: ReadonlySet<string>;
  /** The labels of an overflow's series. */
  readonly overflowLabels: string;
}

/** Where a point went. */
export type Outcome = "shown" | "overflowed" | DropReason;

/** Expired streams are looked for at most this often when one more does not fit. */
const sweepMs = 1_000;

/**
 * The streams of all senders and the series that they make. Bounded by `maxSeries` in every way: series, streams, numbers in memory,
 * lines and label text. What is beyond a bound goes into the overflow of its family, or is dropped if it cannot be added there. Streams
 * that ended while others keep their total are remembered as long as there is room, those that ended first are forgotten first.
 */
export class StreamStore {
  readonly families: MetricFamilies;
  readonly #options: StoreOptions;
  /** By the hash of their identity. */
  readonly #streams = new Map<string, Stream>();
  /** In the order in which they ended. */
  readonly #ended = new Map<string, Stream>();
  readonly #familyOf = new Map<Series, Family>();
  readonly #usage: StoreUsage;
  #turn = 0;
  #sweptMs = Number.NEGATIVE_INFINITY;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#usage = new StoreUsage(options.maxSeries);
    this.families = new MetricFamilies(options.reserved);
  }

  /** The series on the page. */
  get seriesCount(): number {
    return this.#familyOf.size;
  }

  /** A further point of a stream that is known, if only from before it ended; undefined if it is not. */
  takeKnown(identity: string, sample: Sample, nowMs: number): Outcome | undefined {
    const stream = this.#known(identity, nowMs);
    if (stream === undefined) {
      return undefined;
    }
    const { series } = stream;
    const step = series.stepOf(stream, sample);
    if (typeof step === "string") {
      return step;
    }
    const cells = cellsOf(step.value);
    const more = cells - cellsOf(stream.value);
    const needs = { cells: more, lines: Math.max(cells - series.lines, 0) };
    if (more > 0 && !this.#makeRoom(needs, stream)) {
      return "series_limit";
    }
    this.#ended.delete(identity);
    this.#streams.set(identity, stream);
    series.take(stream, step, sample, nowMs);
    stream.turn = ++this.#turn;
    this.#usage.cells += more;
    this.#countLines(series, cells);
    return series.isOverflow ? "overflowed" : "shown";
  }

  /** The first point of a stream. */
  takeNew(
    identity: string,
    {
      head,
      labels,
      sample,
    }: { readonly head: FamilyHead; readonly labels: string; readonly sample: Sample },
    nowMs: number,
  ): Outcome {
    const roomFor = (family: Family | undefined) => {
      const cells = cellsOf(sample.value);
      const isNewSeries = family?.series.get(labels) === undefined;
      return isNewSeries
        ? { streams: 1, series: 1, cells, lines: cells, labelCharacters: labels.length }
        : { streams: 1, cells };
    };
    let found = this.families.find(head.name, head.type);
    if (typeof found !== "string" && !this.#makeRoom(roomFor(found)) && this.#sweep(nowMs)) {
      found = this.families.find(head.name, head.type);
    }
    if (typeof found === "string") {
      return found;
    }
    if (this.#makeRoom(roomFor(found))) {
      const family = found ?? this.families.add(head.name, head.type, head.help);
      this.#join(identity, this.#seriesOf(family, labels, head.merging, nowMs), sample, nowMs);
      return "shown";
    }
    return this.#overflow(identity, found, { head, sample }, nowMs);
  }

  /** Ends a stream whose sender says that it has no value any more. */
  end(identity: string): void {
    const stream = this.#streams.get(identity);
    if (stream !== undefined) {
      this.#end(stream);
    }
  }

  /** Ends the streams that have sent nothing for too long. */
  expire(nowMs: number): void {
    for (const stream of this.#streams.values()) {
      if (this.#isExpired(stream, nowMs)) {
        this.#end(stream);
      }
    }
    for (const [series, family] of this.#familyOf) {
      if (series.streams.size === 0 && this.#isExpired(series, nowMs)) {
        this.#remove(series, family);
      }
    }
  }

  /** The stream, if what it counted before is still part of a series that is shown. */
  #known(identity: string, nowMs: number): Stream | undefined {
    const stream = this.#streams.get(identity);
    if (stream !== undefined && !this.#isExpired(stream, nowMs)) {
      return stream;
    }
    if (stream !== undefined) {
      this.#end(stream);
    }
    const ended = this.#ended.get(identity);
    if (ended === undefined) {
      return undefined;
    }
    // Its series may have no stream left, and only not have been looked at since.
    const { series } = ended;
    for (const other of series.streams) {
      if (!this.#isExpired(other, nowMs)) {
        return ended;
      }
      this.#end(other);
    }
    const family = this.#familyOf.get(series);
    if (family !== undefined && this.#isExpired(series, nowMs)) {
      this.#remove(series, family);
    }
    return this.#ended.get(identity);
  }

  #overflow(
    identity: string,
    known: Family | undefined,
    { head, sample }: { readonly head: FamilyHead; readonly sample: Sample },
    nowMs: number,
  ): Outcome {
    const cells = cellsOf(sample.value);
    let series = known?.overflow;
    if (series === undefined && !this.#usage.fitsOverflow(cells)) {
      return "series_limit";
    }
    // The first stream of an overflow has room in any case, so that a metric that is new is shown.
    const isFirst = series === undefined && isSmall(cells);
    const canTrack = this.#makeRoom({ streams: 1, cells }) || isFirst;
    if (!canTrack && !(sample.isDelta && head.merging === "accumulate")) {
      return "series_limit";
    }
    if (series === undefined) {
      const family = known ?? this.families.add(head.name, head.type, head.help);
      series = new Series(this.#options.overflowLabels, head.merging, nowMs, true);
      family.overflow = series;
      this.#familyOf.set(series, family);
      this.#usage.overflows += 1;
    }
    if (canTrack) {
      this.#join(identity, series, sample, nowMs);
    } else {
      series.addUntracked(sample, nowMs);
      this.#countLines(series, cells);
    }
    return "overflowed";
  }

  #join(identity: string, series: Series, sample: Sample, nowMs: number): void {
    const stream = new Stream({ identity, series }, sample, nowMs, ++this.#turn);
    series.join(stream);
    this.#streams.set(identity, stream);
    const cells = cellsOf(stream.value);
    this.#usage.streams += 1;
    this.#usage.cells += cells;
    this.#countLines(series, cells);
  }

  #countLines(series: Series, lines: number): void {
    const more = Math.max(lines - series.lines, 0);
    series.lines += more;
    this.#usage.lines += more;
  }

  #seriesOf(family: Family, labels: string, merging: Merging, nowMs: number): Series {
    const known = family.series.get(labels);
    if (known !== undefined) {
      return known;
    }
    const series = new Series(labels, merging, nowMs);
    family.series.set(labels, series);
    this.#familyOf.set(series, family);
    this.#usage.series += 1;
    this.#usage.labelCharacters += labels.length;
    return series;
  }

  /** Of a total, the stream is remembered. */
  #end(stream: Stream): void {
    const { series, identity } = stream;
    this.#streams.delete(identity);
    series.streams.delete(stream);
    if (series.isTotal) {
      series.ended.add(stream);
      this.#ended.set(identity, stream);
    } else {
      this.#release(stream);
    }
    const family = this.#familyOf.get(series);
    if (series.streams.size === 0 && family !== undefined && !series.isOverflow) {
      this.#remove(series, family);
    }
  }

  #forget(stream: Stream): void {
    this.#ended.delete(stream.identity);
    stream.series.ended.delete(stream);
    this.#release(stream);
  }

  #release({ value }: Stream): void {
    this.#usage.streams -= 1;
    this.#usage.cells -= cellsOf(value);
  }

  #remove(series: Series, family: Family): void {
    for (const stream of series.ended) {
      this.#forget(stream);
    }
    this.#familyOf.delete(series);
    this.#usage.lines -= series.lines;
    if (series.isOverflow) {
      family.overflow = undefined;
      this.#usage.overflows -= 1;
    } else {
      family.series.delete(series.labels);
      this.#usage.series -= 1;
      this.#usage.labelCharacters -= series.labels.length;
    }
    if (family.isEmpty) {
      this.families.remove(family);
    }
  }

  #isExpired({ updatedMs }: { readonly updatedMs: number }, nowMs: number): boolean {
    return nowMs - updatedMs > this.#options.expirationMs;
  }

  /** Makes room; false if that was tried a moment ago. */
  #sweep(nowMs: number): boolean {
    if (nowMs - this.#sweptMs < sweepMs) {
      return false;
    }
    this.#sweptMs = nowMs;
    this.expire(nowMs);
    return true;
  }

  /** Forgets streams that ended for it, but for the one that comes back. */
  #makeRoom(needs: Needs, returning?: Stream): boolean {
    if (!this.#usage.fitsPage(needs)) {
      return false;
    }
    for (const stream of this.#ended.values()) {
      if (this.#usage.fitsMemory(needs)) {
        break;
      }
      if (stream !== returning) {
        this.#forget(stream);
      }
    }
    return this.#usage.fitsMemory(needs);
  }
}
