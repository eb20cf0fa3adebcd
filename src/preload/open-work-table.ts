import type { Attributes } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { SendQueue } from "../sender/send-queue.ts";
import type { StartedSpan } from "./started-span.ts";

/** Work that started here and was not seen to end. */
export interface OpenWork {
  readonly span: StartedSpan;
  readonly live: ReadableSpan;
}

/** The work that is open, oldest first. Bounded: beyond `max` the oldest is forgotten. */
export class OpenWorkTable {
  readonly #max: number;
  /** By span id, which is unique enough within a process. */
  readonly #open = new Map<string, OpenWork>();
  /** What of it the collector has not been sent. Starts that are forgotten before are lost. */
  readonly unsent: SendQueue<OpenWork>;

  constructor(max: number) {
    this.#max = max;
    this.unsent = new SendQueue({ limit: max });
  }

  get size(): number {
    return this.#open.size;
  }

  has(spanId: string): boolean {
    return this.#open.has(spanId);
  }

  add(work: OpenWork): void {
    if (this.#open.size >= this.#max) {
      this.sweep();
    }
    if (this.#open.size >= this.#max) {
      this.#forgetOldest();
    }
    this.#open.set(idOf(work), work);
    this.unsent.push(work);
  }

  /** Everything open has to be sent again. */
  resend(): void {
    this.sweep();
    for (const work of this.#open.values()) {
      this.unsent.push(work);
    }
  }

  /** Attributes of the resources of what is open and was sent. */
  openResources(): ReadonlySet<Attributes> {
    const resources = new Set<Attributes>();
    for (const work of this.#open.values()) {
      if (!work.span.ended && !this.unsent.has(work)) {
        resources.add(work.live.resource.attributes);
      }
    }
    return resources;
  }

  /** Lets go of what has ended: the finished span says all there is to say, and a start after it would be stale. */
  sweep(): void {
    for (const [id, work] of this.#open) {
      if (work.span.ended) {
        this.#open.delete(id);
        this.unsent.remove([work]);
      }
    }
  }

  clear(): void {
    this.unsent.remove([...this.#open.values()]);
    this.#open.clear();
  }

  #forgetOldest(): void {
    for (const [id, oldest] of this.#open) {
      this.#open.delete(id);
      this.unsent.drop(oldest);
      return;
    }
  }
}

function idOf({ live }: OpenWork): string {
  return live.spanContext().spanId;
}
