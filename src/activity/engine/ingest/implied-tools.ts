import type { ActivityLimits } from "../../model/limits.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { Retention } from "../store/retention.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";

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
  readonly retention: Retention;
}

/**
 * Tools of which only a part has arrived: a span that is always inside a tool, such as the wait for a person in front of
 * it, names a parent that has not arrived. Such a tool ran. It is an orphan when the run that it ran in has ended and its
 * own span does not come. Of any other parent that has not arrived the kind is not known, so it is only forgotten.
 */
export class ImpliedTools {
  readonly #parts: ImpliedToolsParts;
  /** Trace → the implied tools in it that are not decided. */
  readonly #inTrace = new Map<number, Set<number>>();

  constructor(parts: ImpliedToolsParts) {
    this.#parts = parts;
  }

  /** Nothing is stored: which they are stands in the table of spans, which must be loaded. */
  snapshot(io: SnapshotStream): void {
    const { spans } = this.#parts.store;
    for (let span = 0; io.isLoading && span < spans.rows; span++) {
      if (this.#isUndecided(span)) {
        this.#list(span);
      }
    }
  }

  /** A part of a tool began at `partMs` by the sender's clock. False when that tool is known otherwise. */
  add(tool: number, partMs: number, nowMs: number): boolean {
    const { spans } = this.#parts.store;
    if (spans.state.get(tool) !== spanStates.unknown) {
      return false;
    }
    const known = spans.startMs.get(tool);
    spans.startMs.set(tool, known > 0 && !(partMs > 0 && partMs < known) ? known : partMs);
    if (!spans.hasFlag(tool, spanFlags.presumedEvicted)) {
      spans.setFlag(tool, spanFlags.impliedTool);
      this.#list(tool);
    }
    this.#parts.retention.renew(tool, nowMs);
    return true;
  }

  /** The row of a span is given up. */
  forgetSpan(span: number): void {
    const trace = this.#parts.store.spans.trace.get(span);
    const inTrace = this.#inTrace.get(trace);
    if (inTrace?.delete(span) === true && inTrace.size === 0) {
      this.#inTrace.delete(trace);
    }
  }

  /**
   * The tools that ran in the topmost run of their trace, an owner that has ended and whose deadline has passed at `atMs`:
   * those of which the last part arrived a lateness ago, unless another run of the trace is open, which may be theirs.
   */
  dueOf(owner: number, atMs: number): ImpliedDue {
    const { owners, spans, inTrace } = this.#parts.store;
    const trace = owners.trace.get(owner);
    const due: number[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    const implied = this.#inTrace.get(trace);
    if (
      implied === undefined ||
      owners.above.get(owner) !== -1 ||
      inTrace.all(trace).some((other) => owners.isOpen(other))
    ) {
      return { due, nextMs };
    }
    for (const tool of [...implied]) {
      if (!this.#isUndecided(tool)) {
        this.forgetSpan(tool); // It has arrived.
        continue;
      }
      if (!this.#ranIn(tool, owner)) {
        continue;
      }
      // What is open below it is decided first; it is asked about again then.
      const fromMs = spans.openBelow.get(tool) > 0 ? atMs : spans.seenAtMs.get(tool);
      const dueMs = fromMs + this.#parts.limits.allowedLatenessMs;
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
