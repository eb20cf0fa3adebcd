import { dialects } from "../../model/dialects.ts";
import { workKinds } from "../../model/work.ts";
import type { ImpliedTools } from "../ingest/implied-tools.ts";
import type { MissingTools } from "../ingest/missing-tools.ts";
import type { OpenItems } from "../ingest/open-items.ts";
import type { RequestRecords } from "../ingest/request-records.ts";
import { type ActivityCounters, add } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { Evictions, UnnamedMarkers } from "./evictions.ts";

/** What it needs of the engine. */
interface UnnamedToolsParts {
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly evictions: Evictions;
  readonly openItems: OpenItems;
  readonly requests: RequestRecords;
  readonly missingTools: MissingTools;
  readonly implied: ImpliedTools;
}

/** Evicts tools without a row of their own, of which only a number, a request or a child is known. Keeps nothing. */
export class UnnamedTools {
  readonly #parts: UnnamedToolsParts;

  constructor(parts: UnnamedToolsParts) {
    this.#parts = parts;
  }

  /** Evicts the tools of an owner that are known only from a span inside them. Returns when the next is due; Infinity for none. */
  evictImplied(owner: number, atMs: number): number {
    const { implied, counters } = this.#parts;
    if (implied.inTrace.size === 0) {
      return Number.POSITIVE_INFINITY;
    }
    const { due, nextMs } = implied.dueOf(owner, atMs);
    for (const tool of due) {
      add(counters.signals.get("evicted"), dialects.impliedParent.storedId, 1);
      implied.markEvicted(tool, atMs);
      this.#evict(owner, { count: 1, about: tool, name: 0 }, atMs);
    }
    return nextMs;
  }

  /** Evicts the tools of an owner that a harness run counted as open or a model asked for, minus the `orphans` that are known. */
  evictCounted(owner: number, orphans: number, atMs: number): void {
    const { store, openItems, requests, missingTools } = this.#parts;
    const { owners } = store;
    const isCounted = owners.reportedOpen.get(owner) > 0;
    const counted = isCounted ? openItems.takeUnnamed(owner, orphans) : 0;
    const isAnyRequested = requests.responses.byTrace.size > 0;
    const missing = isAnyRequested ? missingTools.take(owner, atMs) : [];
    const count = Math.max(counted, missing.length);
    if (count > 0) {
      owners.unnamed.set(owner, owners.unnamed.get(owner) + count);
      this.#evict(owner, { count, about: store.runOf(owner), name: missing[0] ?? 0 }, atMs);
    }
  }

  #evict(owner: number, tools: UnnamedMarkers, atMs: number): void {
    const { store, counters, evictions } = this.#parts;
    const reason = "orphaned_no_owner";
    add(counters.started, workKinds.tool, tools.count);
    add(counters.evicted.get(reason), workKinds.tool, tools.count);
    const channel = store.groups.channel.get(store.owners.group.get(owner));
    evictions.emit([], { reason, confidence: "presumed", channel, atMs }, tools);
  }
}
