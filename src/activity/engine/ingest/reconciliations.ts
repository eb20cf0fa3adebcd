import type { ActivityEvent } from "../../model/events.ts";
import { toWorkKind, type WorkKind, workKinds } from "../../model/work.ts";
import { type ActivityCounters, add } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import type { Retention } from "../store/retention.ts";
import { spanFlags } from "../store/span-table.ts";

/** What it needs of the engine. */
interface ReconciliationsParts {
  readonly events: ActivityEvent[];
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly openWork: OpenWork;
  readonly retention: Retention;
}

/** Counts and reports that work which was evicted ended by itself, or is still open, after all. Keeps nothing. */
export class Reconciliations {
  readonly #parts: ReconciliationsParts;

  constructor(parts: ReconciliationsParts) {
    this.#parts = parts;
  }

  /** The end of an evicted span arrived, or the span is reopened. Does nothing where another span of its run is counted. */
  addSpan(span: number, nowMs: number): void {
    const { store, openWork, retention } = this.#parts;
    const kind = toWorkKind(store.spans.kind.get(span));
    if (openWork.countsReconciliation(span)) {
      this.add(kind, nowMs - retention.evictedAtMs(span));
    }
  }

  /** An implied tool that was counted as evicted arrived. */
  addImplied(tool: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    spans.clearFlag(tool, spanFlags.presumedEvicted);
    this.add(workKinds.tool, nowMs - spans.seenAtMs.get(tool));
  }

  add(kind: WorkKind, lateByMs: number): void {
    add(this.#parts.counters.reconciled, kind, 1);
    this.#parts.events.push({ type: "reconciled", kind, lateByMs });
  }
}
