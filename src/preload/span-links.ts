import { OldestFirstMap } from "../collections/oldest-first-map.ts";
import { parentIdOf, type StartedSpan } from "./started-span.ts";

/** A full table is swept once for so many parts of it that are added. */
const addsPerSweep = 16;

/**
 * Spans that are not work but may be between a run and its tools, such as the steps of an agent. If one is, the collector
 * needs it too, because a tool with an unknown parent has no owner. Beyond `max` the oldest is forgotten.
 */
export class SpanLinks {
  readonly #max: number;
  readonly #spans: OldestFirstMap<string, StartedSpan>;
  /** How many more are added to a full table before it is swept again. */
  #untilSweep = 0;

  constructor(max: number) {
    this.#max = max;
    this.#spans = new OldestFirstMap(max);
  }

  has(spanId: string): boolean {
    return this.#spans.has(spanId);
  }

  add(span: StartedSpan): void {
    if (this.#spans.size >= this.#max && this.#untilSweep-- <= 0) {
      this.#untilSweep = Math.floor(this.#max / addsPerSweep);
      this.sweep();
    }
    this.#spans.set(span.spanContext().spanId, span);
  }

  /** Removes and returns the links from `span` upwards, the topmost first. */
  takeAbove(span: StartedSpan): readonly StartedSpan[] {
    const links: StartedSpan[] = [];
    for (let link = this.#parentOf(span); link !== undefined; link = this.#parentOf(link)) {
      links.unshift(link);
      this.#spans.delete(link.spanContext().spanId);
    }
    return links;
  }

  /** Removes ended spans. */
  sweep(): void {
    for (const [id, span] of this.#spans.entries()) {
      if (span.ended) {
        this.#spans.delete(id);
      }
    }
  }

  #parentOf(span: StartedSpan): StartedSpan | undefined {
    return this.#spans.get(parentIdOf(span) ?? "");
  }
}
