import type { Signal } from "../../src/otlp/payload.ts";
import { type DerivedEvent, eventsIn, isDerived } from "../support/derived-telemetry.ts";
import type { DeliveredItem } from "./delivery-oracle.ts";
import { contentsOf } from "./items.ts";

export const eventNames = [
  "session.activity.evicted",
  "session.activity.reconciled",
  "session.activity.held",
  "session.stalled",
  "session.recovered",
  "session.diagnosed",
] as const;
export type EventName = (typeof eventNames)[number];

/** What one backend has, and what it has refused for good. */
export class Ledger {
  readonly delivered: Map<string, DeliveredItem>;
  readonly refused: Set<string>;
  readonly events: DerivedEvent[] = [];
  /** By their id. An event that all backends have refused came, too. */
  readonly refusedEvents = new Map<string, DerivedEvent>();
  readonly #seenMs: Map<string, number>;
  /** Signals for the collector alone that it has passed on. */
  readonly consumed: string[] = [];
  /** Work that closing spans of the collector name. */
  readonly closed = new Set<string>();
  /** What of the senders must not leave, and did. */
  readonly leaks = new Set<string>();
  requests = 0;
  readonly #canaries: readonly string[];

  /** Several ledgers may have the items in common; each has events of its own. */
  constructor(
    canaries: readonly string[],
    shared: {
      readonly delivered: Map<string, DeliveredItem>;
      readonly refused: Set<string>;
      /** When each event came for the first time, by its id, on the clock of the process. */
      readonly seenMs: Map<string, number>;
    },
  ) {
    this.#canaries = canaries;
    this.delivered = shared.delivered;
    this.refused = shared.refused;
    this.#seenMs = shared.seenMs;
  }

  keep(signal: Signal, bytes: Uint8Array): void {
    this.requests++;
    const { items, consumed, closed } = contentsOf(signal, bytes);
    this.consumed.push(...consumed);
    for (const work of closed) {
      this.closed.add(work);
    }
    for (const { id, digest } of items) {
      const item = this.delivered.get(id) ?? { times: 0, digests: new Set() };
      item.times++;
      item.digests.add(digest);
      this.delivered.set(id, item);
    }
    for (const canary of this.#canaries) {
      if (Buffer.from(bytes).includes(canary)) {
        this.leaks.add(`${canary} in ${signal}`);
      }
    }
    if (isDerived({ signal, bytes })) {
      const events = eventsOf(signal, bytes);
      this.events.push(...events);
      for (const event of events) {
        this.#see(event);
      }
    }
  }

  refuse(signal: Signal, bytes: Uint8Array): void {
    for (const { id } of contentsOf(signal, bytes).items) {
      this.refused.add(id);
    }
    for (const event of eventsOf(signal, bytes)) {
      this.refusedEvents.set(this.#see(event), event);
    }
  }

  /** Returns its id. */
  #see({ attributes }: DerivedEvent): string {
    const uid = String(attributes["log.record.uid"]);
    this.#seenMs.set(uid, this.#seenMs.get(uid) ?? performance.now());
    return uid;
  }

  /** All events of this name that came, whatever was answered. */
  named(name: EventName): readonly DerivedEvent[] {
    return [...this.events, ...this.refusedEvents.values()].filter((event) => event.name === name);
  }
}

function eventsOf(signal: Signal, bytes: Uint8Array): readonly DerivedEvent[] {
  return signal === "logs" ? eventNames.flatMap((name) => eventsIn([{ signal, bytes }], name)) : [];
}
