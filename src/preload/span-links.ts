import { parentIdOf, type StartedSpan } from "./started-span.ts";

/**
 * Spans that are no work but may stand between a run and its tools, such as the steps of an agent. When
 * one does, the collector has to hear of it too: a tool whose parent it does not know has no owner.
 * Bounded: beyond `max` the oldest is forgotten.
 */
export class SpanLinks {
  readonly #max: number;
  readonly #spans = new Map<string, StartedSpan>();

  constructor(max: number) {
    this.#max = max;
  }

  has(spanId: string): boolean {
    return this.#spans.has(spanId);
  }

  add(span: StartedSpan): void {
    if (this.#spans.size >= this.#max) {
      this.sweep();
    }
    if (this.#spans.size >= this.#max) {
      for (const oldest of this.#spans.keys()) {
        this.#spans.delete(oldest);
        break;
      }
    }
    this.#spans.set(span.spanContext().spanId, span);
  }

  /** Takes out the links from `span` upwards, the topmost first. */
  takeAbove(span: StartedSpan): readonly StartedSpan[] {
    const links: StartedSpan[] = [];
    for (let link = this.#parentOf(span); link !== undefined; link = this.#parentOf(link)) {
      links.unshift(link);
      this.#spans.delete(link.spanContext().spanId);
    }
    return links;
  }

  /** Lets go of what has ended. */
  sweep(): void {
    for (const [id, span] of this.#spans) {
      if (span.ended) {
        this.#spans.delete(id);
      }
    }
  }

  #parentOf(span: StartedSpan): StartedSpan | undefined {
    return this.#spans.get(parentIdOf(span) ?? "");
  }
}
