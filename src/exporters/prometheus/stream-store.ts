import type { FamilyHead } from "./family-head.ts";
import { type Family, MetricFamilies } from "./metric-families.ts";
import { type Merging, type Sample, Series, Stream } from "./metric-series.ts";
import { cellsOf } from "./metric-values.ts";
import type { DropReason } from "./page-instruments.ts";

export interface StoreOptions {
  /** The most series, those of overflows left out: there is at most one for each family. */
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

/** Streams for each series, because many can coincide in one. */
const streamsPerSeries = 2;
/** Numbers of streams in memory, and lines of the page, for each series. */
const cellsPerSeries = 64;
const linesPerSeries = 32;
const labelCharactersPerSeries = 1_024;
/** Expired streams are looked for at most this often when one more does not fit. */
const sweepMs = 1_000;

/**
 * The streams of all senders and the series that they make. Bounded by `maxSeries` in every way: series, streams, numbers in memory,
 * lines and label text. What is beyond a bound goes into the overflow of its family, or is dropped if it cannot be added there.
 */
export class StreamStore {
  readonly families: MetricFamilies;
  readonly #options: StoreOptions;
  /** By the hash of their identity. */
  readonly #streams = new Map<string, Stream>();
  readonly #familyOf = new Map<Series, Family>();
  #series = 0;
  #cells = 0;
  #lines = 0;
  #labelCharacters = 0;
  #turn = 0;
  #sweptMs = Number.NEGATIVE_INFINITY;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.families = new MetricFamilies(options.reserved);
  }

  /** The series on the page. */
  get seriesCount(): number {
    return this.#familyOf.size;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** A further point of a stream that is known; undefined if it is not. */
  takeKnown(identity: string, sample: Sample, nowMs: number): Outcome | undefined {
    const stream = this.#streams.get(identity);
    if (stream === undefined || this.#isExpired(stream, nowMs)) {
      return undefined;
    }
    const { series } = stream;
    const before = cellsOf(stream.value);
    const cells = cellsOf(sample.value);
    const isLarger = cells > before;
    if (isLarger && !this.#hasRoom({ cells: cells - before, lines: cells - series.lines })) {
      return "series_limit";
    }
    const taken = series.take(stream, sample, nowMs);
    if (taken !== "taken") {
      return taken;
    }
    stream.turn = ++this.#turn;
    this.#cells += cellsOf(stream.value) - before;
    this.#countLines(series, stream);
    return this.#isOverflow(series) ? "overflowed" : "shown";
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
    const before = this.#streams.get(identity);
    if (before !== undefined) {
      this.#end(identity, before);
    }
    const roomFor = (family: Family | undefined) => {
      const cells = cellsOf(sample.value);
      const isNewSeries = family?.series.get(labels) === undefined;
      return isNewSeries
        ? { streams: 1, series: 1, cells, lines: cells, labelCharacters: labels.length }
        : { streams: 1, cells };
    };
    let found = this.families.find(head.name, head.type);
    if (typeof found !== "string" && !this.#hasRoom(roomFor(found)) && this.#sweep(nowMs)) {
      found = this.families.find(head.name, head.type);
    }
    if (typeof found === "string") {
      return found;
    }
    if (this.#hasRoom(roomFor(found))) {
      const family = found ?? this.families.add(head.name, head.type, head.help);
      this.#join(identity, this.#seriesOf(family, labels, head.merging, nowMs), sample, nowMs);
      return "shown";
    }
    // A family without a series has no place for an overflow either.
    return found === undefined
      ? "series_limit"
      : this.#overflow(identity, found, { head, sample }, nowMs);
  }

  /** Ends a stream whose sender says that it has no value any more. */
  end(identity: string): void {
    const stream = this.#streams.get(identity);
    if (stream !== undefined) {
      this.#end(identity, stream);
    }
  }

  /** Ends the streams that have sent nothing for too long. */
  expire(nowMs: number): void {
    for (const [identity, stream] of this.#streams) {
      if (this.#isExpired(stream, nowMs)) {
        this.#end(identity, stream);
      }
    }
    for (const [series, family] of this.#familyOf) {
      if (series.streams.size === 0 && nowMs - series.updatedMs > this.#options.expirationMs) {
        this.#remove(series, family);
      }
    }
  }

  #overflow(
    identity: string,
    family: Family,
    { head, sample }: { readonly head: FamilyHead; readonly sample: Sample },
    nowMs: number,
  ): Outcome {
    const cells = cellsOf(sample.value);
    const canTrack = this.#hasRoom({ streams: 1, cells });
    const canAdd = sample.isDelta && head.merging === "accumulate";
    if (!canTrack && !canAdd) {
      return "series_limit";
    }
    if (family.overflow === undefined) {
      family.overflow = new Series(this.#options.overflowLabels, head.merging, nowMs, true);
      this.#familyOf.set(family.overflow, family);
    }
    if (canTrack) {
      this.#join(identity, family.overflow, sample, nowMs);
    } else {
      family.overflow.addUntracked(sample, nowMs);
    }
    return "overflowed";
  }

  #join(identity: string, series: Series, sample: Sample, nowMs: number): void {
    const stream = new Stream(series, sample, nowMs, ++this.#turn);
    series.join(stream);
    this.#streams.set(identity, stream);
    this.#cells += cellsOf(sample.value);
    this.#countLines(series, stream);
  }

  #countLines(series: Series, { value }: Stream): void {
    const more = Math.max(cellsOf(value) - series.lines, 0);
    series.lines += more;
    this.#lines += more;
  }

  #seriesOf(family: Family, labels: string, merging: Merging, nowMs: number): Series {
    const known = family.series.get(labels);
    if (known !== undefined) {
      return known;
    }
    const series = new Series(labels, merging, nowMs);
    family.series.set(labels, series);
    this.#familyOf.set(series, family);
    this.#series += 1;
    this.#labelCharacters += labels.length;
    return series;
  }

  #end(identity: string, stream: Stream): void {
    const { series } = stream;
    this.#streams.delete(identity);
    this.#cells -= cellsOf(stream.value);
    series.leave(stream);
    const family = this.#familyOf.get(series);
    if (series.streams.size === 0 && family !== undefined && family.overflow !== series) {
      this.#remove(series, family);
    }
  }

  #remove(series: Series, family: Family): void {
    this.#familyOf.delete(series);
    this.#lines -= series.lines;
    if (family.overflow === series) {
      family.overflow = undefined;
    } else {
      family.series.delete(series.labels);
      this.#series -= 1;
      this.#labelCharacters -= series.labels.length;
    }
    if (family.isEmpty) {
      this.families.remove(family);
    }
  }

  #isOverflow(series: Series): boolean {
    return this.#familyOf.get(series)?.overflow === series;
  }

  #isExpired(stream: Stream, nowMs: number): boolean {
    return nowMs - stream.updatedMs > this.#options.expirationMs;
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

  #hasRoom(more: {
    readonly streams?: number;
    readonly series?: number;
    readonly cells: number;
    readonly lines?: number;
    readonly labelCharacters?: number;
  }): boolean {
    const { maxSeries } = this.#options;
    return (
      this.#streams.size + (more.streams ?? 0) <= streamsPerSeries * maxSeries &&
      this.#series + (more.series ?? 0) <= maxSeries &&
      this.#cells + more.cells <= cellsPerSeries * maxSeries &&
      this.#lines + (more.lines ?? 0) <= linesPerSeries * maxSeries &&
      this.#labelCharacters + (more.labelCharacters ?? 0) <= labelCharactersPerSeries * maxSeries
    );
  }
}
