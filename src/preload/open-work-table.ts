import type { Attributes } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { StartedSpan } from "./started-span.ts";

/** Work that started here and was not seen to end. */
export interface OpenWork {
  readonly span: StartedSpan;
  readonly live: ReadableSpan;
}

/**
 * The work that is open, oldest first, and which of it the collector still has to hear of. Bounded:
 * beyond `max` the oldest is forgotten.
 */
export class OpenWorkTable {
  readonly #max: number;
  /** By span id, which is unique enough within a process. */
  readonly #open = new Map<string, OpenWork>();
  readonly #unsent = new Set<OpenWork>();
  #dropped = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Starts that were forgotten before they could be sent. */
  get dropped(): number {
    return this.#dropped;
  }

  get hasUnsent(): boolean {
    return this.#unsent.size > 0;
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
    this.#unsent.add(work);
  }

  /** Up to `max` of what is unsent and still open, oldest first. They stay unsent until `markSent`. */
  unsent(max: number): readonly OpenWork[] {
    const batch: OpenWork[] = [];
    for (const work of this.#unsent) {
      if (work.span.ended) {
        // The finished span says all there is to say, and a start after it would be stale.
        this.#forget(work);
      } else if (batch.push(work) === max) {
        break;
      }
    }
    return batch;
  }

  markSent(batch: readonly OpenWork[]): void {
    for (const work of batch) {
      this.#unsent.delete(work);
    }
  }

  /** Everything open has to be sent again. */
  resend(): void {
    this.sweep();
    for (const work of this.#open.values()) {
      this.#unsent.add(work);
    }
  }

  /** Attributes of the resources of what is open and was sent. */
  openResources(): ReadonlySet<Attributes> {
    const resources = new Set<Attributes>();
    for (const work of this.#open.values()) {
      if (!work.span.ended && !this.#unsent.has(work)) {
        resources.add(work.live.resource.attributes);
      }
    }
    return resources;
  }

  /** Lets go of what has ended. */
  sweep(): void {
    for (const work of this.#open.values()) {
      if (work.span.ended) {
        this.#forget(work);
      }
    }
  }

  clear(): void {
    this.#open.clear();
    this.#unsent.clear();
  }

  #forgetOldest(): void {
    const [oldest] = this.#open.values();
    if (oldest !== undefined) {
      this.#dropped += this.#unsent.has(oldest) ? 1 : 0;
      this.#forget(oldest);
    }
  }

  #forget(work: OpenWork): void {
    this.#open.delete(idOf(work));
    this.#unsent.delete(work);
  }
}

function idOf({ live }: OpenWork): string {
  return live.spanContext().spanId;
}
