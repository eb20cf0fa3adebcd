import type { Attributes } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { OldestFirstMap } from "../collections/oldest-first-map.ts";
import { SendQueue } from "../sender/send-queue.ts";
import type { StartedSpan } from "./started-span.ts";

/** Work that started in this process and has not ended, as far as is known. */
export interface OpenWork {
  readonly span: StartedSpan;
  readonly live: ReadableSpan;
}

/** A full table is swept once for so many parts of it that are added. */
const addsPerSweep = 16;

/** The open work, oldest first. Beyond `max` the oldest is forgotten. */
export class OpenWorkTable {
  readonly #max: number;
  /** By span id, which is unique enough within a process. */
  readonly #open = new OldestFirstMap<string, OpenWork>();
  /** Open work that has not been sent. Work that is forgotten before counts as lost. */
  readonly unsent: SendQueue<OpenWork>;
  /** How many more are added to a full table before it is swept again. */
  #untilSweep = 0;

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
    if (this.#open.size >= this.#max && this.#untilSweep-- <= 0) {
      this.#untilSweep = Math.floor(this.#max / addsPerSweep);
      this.sweep();
    }
    if (this.#open.size >= this.#max) {
      this.#forgetOldest();
    }
    this.#open.set(idOf(work), work);
    this.unsent.push(work);
  }

  /** Queues all open work to be sent again. */
  resend(): void {
    this.sweep();
    for (const work of this.#open.values()) {
      this.unsent.push(work);
    }
  }

  /** Attributes of the resources that have open work that was sent. */
  openResources(): ReadonlySet<Attributes> {
    const resources = new Set<Attributes>();
    for (const work of this.#open.values()) {
      if (!work.span.ended && !this.unsent.has(work)) {
        resources.add(work.live.resource.attributes);
      }
    }
    return resources;
  }

  /** Removes ended work: the finished span contains everything, and a start sent after it would be stale. */
  sweep(): void {
    for (const [id, work] of this.#open.entries()) {
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
    const [id, oldest] = this.#open.oldest ?? [];
    if (id !== undefined && oldest !== undefined) {
      this.#open.delete(id);
      this.unsent.drop(oldest);
    }
  }
}

function idOf({ live }: OpenWork): string {
  return live.spanContext().spanId;
}
