import type { Payload } from "../otlp/payload.ts";
import type { Sizer } from "./delivery-config.ts";

/** A payload in a queue. */
export interface QueuedPayload {
  readonly payload: Payload;
  /** Its number in the persistent queue; absent in a queue in memory. */
  readonly storedId?: number;
  /** Set for one of an earlier process that no sender would send again. It is not given up. */
  readonly isEndless?: boolean;
  /** Called once with how it ended. */
  readonly onSettled?: (result: SettledResult) => void;
}

/** How a queued payload ended. `stored`: it stays in the persistent queue for the next start. */
export type SettledResult =
  | { readonly status: "sent" }
  | { readonly status: "retryable" | "permanent"; readonly message: string }
  | { readonly status: "stored" };

/** The size of a payload, in the unit of a sizer. */
export function sizeOf(payload: Payload, sizer: Sizer): number {
  switch (sizer) {
    case "requests":
      return 1;
    case "items":
      return payload.items;
    case "bytes":
      return payload.bytes.length;
    default: {
      const never: never = sizer;
      return never;
    }
  }
}

/**
 * The payloads of one signal that wait for a consumer, first in, first out, and the room for those that are being sent.
 *
 * Keeps payloads up to `capacity`, in the unit of its sizer. A payload counts from `reserve` until `release`, so that one that is
 * being sent still takes up room. At the bound `reserve` refuses; `whenRoom` waits.
 */
export class SendingQueue {
  readonly capacity: number;
  readonly #sizer: Sizer;
  #entries: (QueuedPayload | undefined)[] = [];
  #first = 0;
  #size = 0;
  #items = 0;
  readonly #takers: ((entry: QueuedPayload | undefined) => void)[] = [];
  readonly #arrivals: (() => void)[] = [];
  readonly #waiting: { readonly size: number; readonly proceed: (hasRoom: boolean) => void }[] = [];
  #hasWaits = true;
  #isClosed = false;

  constructor({ capacity, sizer }: { readonly capacity: number; readonly sizer: Sizer }) {
    this.capacity = capacity;
    this.#sizer = sizer;
  }

  /** What is kept, in the unit of the sizer. */
  get size(): number {
    return this.#size;
  }

  /** The spans, data points or log records that are kept. */
  get items(): number {
    return this.#items;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the payload would fit into the empty queue. */
  fits(payload: Payload): boolean {
    return sizeOf(payload, this.#sizer) <= this.capacity;
  }

  /** Makes room for the payload, unless the queue is full. Payloads that already wait for room go first. */
  reserve(payload: Payload): boolean {
    const size = sizeOf(payload, this.#sizer);
    if (this.#isClosed || this.#waiting.length > 0 || this.#size + size > this.capacity) {
      return false;
    }
    this.#keep(payload);
    return true;
  }

  /** Waits for room and makes it. Resolves to false after `endWaits` and `close`, and when the sender leaves. For payloads that fit. */
  whenRoom(payload: Payload): Promise<boolean> {
    if (this.reserve(payload)) {
      return Promise.resolve(true);
    }
    if (!this.#hasWaits) {
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      const { sender } = payload;
      const onLeft = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        resolve(false);
        this.#letWaitingProceed();
      };
      const waiting = {
        size: sizeOf(payload, this.#sizer),
        proceed: (hasRoom: boolean) => {
          sender?.removeEventListener("abort", onLeft);
          if (hasRoom) {
            this.#keep(payload);
          }
          resolve(hasRoom);
        },
      };
      if (sender?.aborted === true) {
        resolve(false);
        return;
      }
      sender?.addEventListener("abort", onLeft, { once: true });
      this.#waiting.push(waiting);
    });
  }

  /** Adds a payload of an earlier process, or of the queue before a reload. The bound does not apply: it was accepted then. */
  restore(entry: QueuedPayload): void {
    this.#keep(entry.payload);
    this.push(entry);
  }

  /** Adds a payload for which there is room. */
  push(entry: QueuedPayload): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker(entry);
      return;
    }
    this.#entries.push(entry);
    this.#wakeArrivals();
  }

  /** The oldest payload that waits. It stays in the queue. */
  peek(): QueuedPayload | undefined {
    return this.#entries[this.#first];
  }

  /** Takes the oldest payload that waits. */
  takeNow(): QueuedPayload | undefined {
    const entry = this.#entries[this.#first];
    if (entry !== undefined) {
      this.#entries[this.#first] = undefined;
      this.#first += 1;
      if (this.#first > 1024 && this.#first * 2 > this.#entries.length) {
        this.#entries = this.#entries.slice(this.#first);
        this.#first = 0;
      }
    }
    return entry;
  }

  /** Takes the oldest payload, once there is one. Resolves to `undefined` when the queue is closed and empty. */
  take(): Promise<QueuedPayload | undefined> {
    const entry = this.takeNow();
    if (entry !== undefined || this.#isClosed) {
      return Promise.resolve(entry);
    }
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** Resolves when the next payload is added, or the queue is closed. For one caller that looks at the queue. */
  arrival(): Promise<void> {
    return this.#isClosed
      ? Promise.resolve()
      : new Promise((resolve) => this.#arrivals.push(resolve));
  }

  /** Takes all payloads that wait, and frees their room. */
  drain(): readonly QueuedPayload[] {
    const entries = this.#entries.slice(this.#first).filter((entry) => entry !== undefined);
    this.#entries = [];
    this.#first = 0;
    for (const { payload } of entries) {
      this.release(payload);
    }
    return entries;
  }

  /** Frees the room of a payload that has ended. */
  release(payload: Payload): void {
    this.#size -= sizeOf(payload, this.#sizer);
    this.#items -= payload.items;
    this.#letWaitingProceed();
  }

  #letWaitingProceed(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#size + next.size <= this.capacity;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      next.proceed(true);
    }
  }

  /** From now on no payload waits for room; those that do are refused. */
  endWaits(): void {
    this.#hasWaits = false;
    for (const { proceed } of this.#waiting.splice(0)) {
      proceed(false);
    }
  }

  /** Takes no more payloads; those that wait for room are refused. Payloads that are kept can still be taken. */
  close(): void {
    this.#isClosed = true;
    this.endWaits();
    for (const taker of this.#takers.splice(0)) {
      taker(undefined);
    }
    this.#wakeArrivals();
  }

  #wakeArrivals(): void {
    for (const wake of this.#arrivals.splice(0)) {
      wake();
    }
  }

  /** Counts a payload as kept, whatever the bound. */
  keep(payload: Payload): void {
    this.#keep(payload);
  }

  #keep(payload: Payload): void {
    this.#size += sizeOf(payload, this.#sizer);
    this.#items += payload.items;
  }
}
