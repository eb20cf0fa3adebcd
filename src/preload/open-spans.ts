import type { Attributes } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { OldestFirstMap } from "../collections/oldest-first-map.ts";
import { SendQueue } from "../sender/send-queue.ts";
import { type StartedSpan, spanIdOf } from "./started-span.ts";

/** What the collector is to be told of a span: that it started, or that it ended. */
export interface Report {
  readonly of: OpenSpan;
  readonly live: ReadableSpan;
  readonly isEnd: boolean;
}

/** A span that started in this process and has not ended, as far as is known. */
export interface OpenSpan {
  readonly span: StartedSpan;
  /** The report of its start. A later one replaces it when the span says more. */
  start: Report;
  /** An attribute or its name says what the span is. */
  isDecided: boolean;
  /** The collector accepted its start. */
  isKnown: boolean;
}

/** A full table is swept once for so many parts of it that are added. */
const addsPerSweep = 16;

/**
 * The open spans that the collector is told of, oldest first, and the reports of starts and ends that wait. Beyond `max` the oldest span is
 * forgotten, and the oldest report is dropped.
 */
export class OpenSpans {
  readonly #max: number;
  readonly #endOf: (span: StartedSpan) => ReadableSpan;
  /** By span id, which is unique enough within a process. */
  readonly #open = new OldestFirstMap<string, OpenSpan>();
  /** Spans that have started since the last request, not read yet. */
  #started: StartedSpan[] = [];
  #lostStarted = 0;
  readonly #starts: SendQueue<Report>;
  readonly #ends: SendQueue<Report>;
  /** The reports that are being sent. */
  #sent: ReadonlySet<Report> = new Set();
  /** How many more are added to a full table before it is swept again. */
  #untilSweep = 0;

  /** `endOf` makes the report of the end of a span that has ended. */
  constructor(max: number, endOf: (span: StartedSpan) => ReadableSpan) {
    this.#max = max;
    this.#endOf = endOf;
    this.#starts = new SendQueue({ limit: max });
    this.#ends = new SendQueue({ limit: max });
  }

  get size(): number {
    return this.#open.size;
  }

  /** Starts that were dropped before the collector got them. */
  get lost(): number {
    return this.#starts.lost + this.#lostStarted;
  }

  /** Whether an end waits to be sent. */
  get hasEnds(): boolean {
    return this.#ends.length > 0;
  }

  /** Whether an end or a start waits to be sent. */
  get hasReports(): boolean {
    return this.#ends.length > 0 || this.#starts.length > 0;
  }

  /** Keeps a span that has just started, until `takeStarted` is called. */
  collect(span: StartedSpan): void {
    if (this.#started.length >= this.#max) {
      this.#started = this.#started.filter(({ ended }) => !ended);
      const excess = Math.max(0, this.#started.length - this.#max + 1);
      this.#started.splice(0, excess);
      this.#lostStarted += excess;
    }
    this.#started.push(span);
  }

  /** The spans that have started since the last call and are still open. */
  takeStarted(): readonly StartedSpan[] {
    const started = this.#started.filter(({ ended }) => !ended);
    this.#started = [];
    return started;
  }

  /** Adds an open span, whose start is to be sent. */
  add(span: StartedSpan, live: ReadableSpan, { isDecided }: { readonly isDecided: boolean }): void {
    if (this.#open.size >= this.#max && this.#untilSweep-- <= 0) {
      this.#untilSweep = Math.floor(this.#max / addsPerSweep);
      this.sweep();
    }
    if (this.#open.size >= this.#max) {
      this.#forgetOldest();
    }
    const open = { span, isDecided, isKnown: false } as OpenSpan;
    open.start = { of: open, live, isEnd: false };
    this.#open.set(spanIdOf(span), open);
    this.#starts.push(open.start);
  }

  /** Has the start of a span sent again where `read` finds that it says more than before. */
  readAgain(read: (span: StartedSpan) => ReadableSpan | undefined): void {
    for (const open of this.#open.values()) {
      const live = open.isDecided || open.span.ended ? undefined : read(open.span);
      if (live !== undefined) {
        this.#starts.remove([open.start]);
        open.isDecided = true;
        open.start = { of: open, live, isEnd: false };
        this.#starts.push(open.start);
      }
    }
  }

  /** The reports of the next request, at most `most`; ends first. They are being sent until `settle`. */
  take(most: number): readonly Report[] {
    const ends = this.#ends.head(most);
    const batch = [...ends, ...this.#starts.head(most - ends.length)];
    this.#sent = new Set(batch);
    return batch;
  }

  /** The reports of a request will not be sent again: the collector accepted them, or refused them for good. */
  settle(batch: readonly Report[], { isAccepted }: { readonly isAccepted: boolean }): void {
    this.#starts.remove(batch);
    this.#ends.remove(batch);
    for (const { of } of isAccepted ? batch : []) {
      of.isKnown = true;
    }
    this.#sent = new Set();
  }

  /** Queues the starts of all open spans to be sent again. */
  resend(): void {
    this.sweep();
    for (const { start } of this.#open.values()) {
      this.#starts.push(start);
    }
  }

  /** Attributes of the resources that have open spans that the collector knows. */
  openResources(): ReadonlySet<Attributes> {
    const resources = new Set<Attributes>();
    for (const { span, start, isKnown } of this.#open.values()) {
      if (isKnown && !span.ended) {
        resources.add(start.live.resource.attributes);
      }
    }
    return resources;
  }

  /**
   * Takes out spans that have ended. The end of one that the collector knows is to be sent; of one whose start it does not have, neither: the
   * finished span contains everything, and a start sent after it would be stale.
   */
  sweep(): void {
    const ended: OpenSpan[] = [];
    for (const [id, open] of this.#open.entries()) {
      if (!open.span.ended || this.#sent.has(open.start)) {
        continue; // Whether the collector has its start is known soon.
      }
      this.#open.delete(id);
      this.#starts.remove([open.start]);
      if (open.isKnown) {
        ended.push(open);
      }
    }
    for (const open of ended.sort(inOrderOfEnd)) {
      this.#ends.push({ of: open, live: this.#endOf(open.span), isEnd: true });
    }
  }

  /** The request failed, and its reports wait again. */
  keep(): void {
    this.#sent = new Set();
  }

  clear(): void {
    this.#started = [];
    this.#starts.remove([...this.#open.values()].map(({ start }) => start));
    this.#open.clear();
  }

  #forgetOldest(): void {
    const [id, oldest] = this.#open.oldest ?? [];
    if (id !== undefined && oldest !== undefined) {
      this.#open.delete(id);
      this.#starts.drop(oldest.start);
    }
  }
}

function inOrderOfEnd({ span: a }: OpenSpan, { span: b }: OpenSpan): number {
  const [secondsA, nanosA] = a.endTime ?? [0, 0];
  const [secondsB, nanosB] = b.endTime ?? [0, 0];
  return secondsA - secondsB || nanosA - nanosB;
}
