import type { SignalResult } from "../../model/dialects.ts";
import { type ActivityLimits, mostSearchedTogether } from "../../model/limits.ts";
import type { SignalBatch } from "../../model/signal-batch.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { Retention } from "../store/retention.ts";
import { Search } from "../store/search.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { SignalLookup } from "./signal-lookup.ts";

/** Implied tools that are due when an owner is decided. */
export interface ImpliedDue {
  readonly due: readonly number[];
  /** When the next one is; Infinity when none is left. */
  readonly nextMs: number;
}

/** What it needs of the engine. */
interface ImpliedToolsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly lookup: SignalLookup;
  readonly retention: Retention;
}

/**
 * Lists, by trace, the tools of which only a part has arrived: a span that is always inside a tool, such as the wait for a person
 * before it, names a parent that has not arrived. Such a tool ran. It is an orphan when the run around it has ended and its own
 * span does not arrive. Of any other parent that has not arrived the kind is not known, so it is only forgotten.
 *
 * Each tool has a row in the span table, whose bound is also the bound of these lists; it leaves them with its row.
 */
export class ImpliedTools {
  readonly #parts: ImpliedToolsParts;
  readonly #inTrace = new Map<number, Set<number>>();
  /** Trace → the implied tools in it that are not decided. */
  readonly inTrace: ReadonlyMap<number, ReadonlySet<number>> = this.#inTrace;

  constructor(parts: ImpliedToolsParts) {
    this.#parts = parts;
  }

  /** Stores nothing: the lists are built from the span table, which must be loaded. */
  snapshot(io: SnapshotStream): void {
    const { spans } = this.#parts.store;
    for (let span = 0; io.isLoading && span < spans.rows.count; span++) {
      if (this.#isUndecided(span)) {
        this.#list(span);
      }
    }
  }

  /** A part of a tool arrived, which shows what its parent is. A parent that has arrived itself needs no part. */
  onPart(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { store, lookup, retention } = this.#parts;
    const { spans } = store;
    const tool = lookup.find(batch, row);
    if (tool === -1 || spans.state.get(tool) !== spanStates.unknown) {
      return "duplicate";
    }
    const partMs = batch.startMs.get(row);
    const known = spans.startMs.get(tool);
    spans.startMs.set(tool, known > 0 && !(partMs > 0 && partMs < known) ? known : partMs);
    if (!spans.hasFlag(tool, spanFlags.presumedEvicted)) {
      spans.setFlag(tool, spanFlags.impliedTool);
      this.#list(tool);
    }
    retention.renew(tool, nowMs);
    return "link";
  }

  /** Must be called before the row of a span is removed. */
  forgetSpan(span: number): void {
    const trace = this.#parts.store.spans.trace.get(span);
    const inTrace = this.#inTrace.get(trace);
    if (inTrace?.delete(span) === true && inTrace.size === 0) {
      this.#inTrace.delete(trace);
    }
  }

  /**
   * The tools that ran in the topmost run of their trace, an owner that has ended and whose deadline has passed at `atMs`: those
   * of which the last part arrived a lateness ago, unless another run of the trace is open, in which they may have run. None in a trace of
   * which a search does not reach all runs; of more tools than it reads, the first.
   */
  dueOf(owner: number, atMs: number): ImpliedDue {
    const { limits, store } = this.#parts;
    const { owners, spans, inTrace } = store;
    const trace = owners.trace.get(owner);
    const due: number[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    const implied = this.#inTrace.get(trace);
    if (implied === undefined || owners.above.get(owner) !== -1) {
      return { due, nextMs };
    }
    const search = new Search(mostSearchedTogether(limits));
    for (let other = inTrace.first.get(trace); other !== -1; other = inTrace.after.get(other)) {
      if (!search.reads() || owners.isOpen(other)) {
        return { due, nextMs };
      }
    }
    for (const tool of implied) {
      if (!search.reads()) {
        break;
      }
      if (!this.#isUndecided(tool)) {
        this.forgetSpan(tool); // It has arrived.
        continue;
      }
      if (!this.#ranIn(tool, owner)) {
        continue;
      }
      // Open work below it is decided first; the tool is decided after that.
      const fromMs = spans.openBelow.get(tool) > 0 ? atMs : spans.seenAtMs.get(tool);
      const dueMs = fromMs + limits.allowedLatenessMs;
      if (dueMs <= atMs) {
        due.push(tool);
      } else {
        nextMs = Math.min(nextMs, dueMs);
      }
    }
    return { due, nextMs };
  }

  /** An implied tool is counted as evicted; its own span may still arrive. */
  markEvicted(tool: number, atMs: number): void {
    this.forgetSpan(tool);
    this.#parts.store.spans.setFlag(tool, spanFlags.presumedEvicted);
    this.#parts.retention.renew(tool, atMs);
  }

  /** Whether a part of the tool began while the owner was open, by the one clock that they share. */
  #ranIn(tool: number, owner: number): boolean {
    const { owners, spans } = this.#parts.store;
    const partMs = spans.startMs.get(tool);
    const startMs = owners.startMs.get(owner);
    return partMs > 0 && startMs > 0 && startMs <= partMs && partMs <= owners.endMs.get(owner);
  }

  #isUndecided(span: number): boolean {
    const { spans } = this.#parts.store;
    return (
      spans.state.get(span) === spanStates.unknown &&
      spans.hasFlag(span, spanFlags.impliedTool) &&
      !spans.hasFlag(span, spanFlags.presumedEvicted)
    );
  }

  #list(tool: number): void {
    const trace = this.#parts.store.spans.trace.get(tool);
    this.#inTrace.set(trace, (this.#inTrace.get(trace) ?? new Set()).add(tool));
  }
}
