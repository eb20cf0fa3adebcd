import { dialects } from "../../model/dialects.ts";
import { type SignalBatch, signalFlags, signalTypes } from "../../model/signal-batch.ts";
import { toWorkKind, type WorkKind, workKinds } from "../../model/work.ts";
import type { Ownership } from "../policy/ownership.ts";
import type { SessionStates } from "../policy/session-states.ts";
import { type ActivityCounters, add } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import type { Retention } from "../store/retention.ts";
import { doubtfulEnds, spanFlags } from "../store/span-table.ts";
import type { Reconciliations } from "./reconciliations.ts";
import type { SignalLookup } from "./signal-lookup.ts";

/** What it needs of the engine. */
interface SpanRegistryParts {
  readonly lookup: SignalLookup;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly retention: Retention;
  readonly ownership: Ownership;
  readonly states: SessionStates;
  readonly reconciliations: Reconciliations;
}

/**
 * Registers the spans of signals: their rows, parents, owners and sessions. Keeps nothing; without room in the span table, which
 * holds `max_open_work` + `max_tombstones` rows, a span is not registered.
 */
export class SpanRegistry {
  readonly #parts: SpanRegistryParts;

  constructor(parts: SpanRegistryParts) {
    this.#parts = parts;
  }

  /**
   * Registers a span and returns its row, or -1 when there is no room. The row is pinned, in no queue of `Retention`, except
   * that of a mere link. `kind` overrides the kind of the signal.
   */
  register(
    known: number,
    batch: SignalBatch,
    row: number,
    nowMs: number,
    kind: WorkKind = toWorkKind(batch.kind.get(row)),
  ): number {
    const { store, retention, ownership, reconciliations } = this.#parts;
    const { spans } = store;
    const span = known === -1 ? this.addPlaceholder(batch, row, nowMs) : known;
    if (span === -1) {
      return -1;
    }
    const waiting = store.takeUnresolved(span);
    retention.onArrival(span);
    const flags = batch.flags.get(row);
    const isStart = batch.type.get(row) === signalTypes.start;
    spans.kind.set(span, kind);
    spans.clearFlag(span, doubtfulEnds);
    spans.startMs.set(span, batch.startMs.get(row));
    spans.closedMs.set(span, isStart ? 0 : batch.endMs.get(row)); // With a start comes when it was reported.
    spans.name.set(span, batch.name.get(row));
    spans.scopeHash.set(span, batch.scopeHash.get(row));
    spans.nameHash.set(span, batch.nameHash.get(row));
    spans.seq.set(span, isStart ? batch.seq.get(row) : 0); // A finished span carries the number of its end.
    if ((flags & signalFlags.harness) !== 0) {
      spans.setFlag(span, spanFlags.harness);
    }
    if ((flags & signalFlags.innerRun) !== 0) {
      spans.setFlag(span, spanFlags.innerRun);
    }
    if ((flags & signalFlags.hasOutcome) !== 0) {
      spans.setFlag(span, spanFlags.hasOutcome);
    }
    if ((flags & signalFlags.openclaw) !== 0) {
      spans.setFlag(span, spanFlags.openclaw);
    }
    if ((flags & signalFlags.countsTwoItems) !== 0) {
      spans.setFlag(span, spanFlags.countsTwoItems);
    }
    if (kind === workKinds.tool && (flags & signalFlags.detached) !== 0) {
      store.detach(span);
    }
    if (batch.dialect.get(row) === dialects.relay.storedId) {
      spans.setFlag(span, spanFlags.relayed);
    }
    this.#link(span, batch, row, nowMs);
    switch (kind) {
      case workKinds.run:
        this.#attachRun(span, waiting, batch, row, nowMs);
        break;
      case workKinds.tool:
      case workKinds.modelCall:
        this.#attachMarker(span, waiting, batch, row, nowMs);
        break;
      case workKinds.other:
        ownership.onParentKnown(span, waiting, nowMs);
        retention.retain(span, nowMs);
        break;
      default: {
        const never: never = kind;
        return never;
      }
    }
    if (spans.hasFlag(span, spanFlags.presumedEvicted)) {
      reconciliations.addImplied(span, nowMs);
    }
    return span;
  }

  /** `waiting`: the unresolved owner of what arrived below the span before it, or -1. */
  #attachRun(run: number, waiting: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { store, lookup, ownership } = this.#parts;
    const group = lookup.referencedGroupOf(batch, row);
    const refer = () => this.addReferences(run, batch, row);
    ownership.attachRun(run, { group, waiting, refer }, nowMs);
    ownership.runStarted(run, {
      atMs: nowMs,
      timeMs: batch.startMs.get(row),
      seq: store.spans.seq.get(run),
    });
    if (batch.channel.get(row) !== 0) {
      store.groups.channel.set(store.groupOf(run), batch.channel.get(row));
    }
  }

  #attachMarker(
    marker: number,
    waiting: number,
    batch: SignalBatch,
    row: number,
    nowMs: number,
  ): void {
    const { store, lookup, ownership } = this.#parts;
    const hasReference = batch.referencesFrom.get(row) < batch.referencesTo.get(row);
    if (!hasReference || store.tree.runAbove(marker) !== -1) {
      ownership.attachMarker(marker, waiting, nowMs);
    } else {
      ownership.attachSeparately(marker, lookup.referencedGroupOf(batch, row), waiting, nowMs);
    }
    if (hasReference) {
      // A session that is named otherwise already is not the one that the marker names.
      const group = store.groupOf(marker);
      if (
        !store.groups.hasFlag(group, groupFlags.referenced) ||
        lookup.refersTo(group, batch, row)
      ) {
        this.addReferences(marker, batch, row);
      }
    }
  }

  /** Links a span to the parent that a later signal names, and attaches what waited below the span to its run. */
  linkParent(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { store, ownership } = this.#parts;
    const before = store.spans.parentOf(span);
    this.#link(span, batch, row, nowMs);
    if (before === -1 && store.spans.parentOf(span) !== -1) {
      ownership.onParentKnown(span, -1, nowMs);
    }
  }

  /** Links a span to the parent that a signal names, which may not have arrived (I1). */
  #link(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { store, counters, retention } = this.#parts;
    const { spans, tree } = store;
    const parent0 = batch.parent0.get(row);
    const parent1 = batch.parent1.get(row);
    if (parent0 === 0 && parent1 === 0) {
      return;
    }
    const known = spans.parentOf(span);
    if (known !== -1) {
      retention.renew(known, nowMs);
      return;
    }
    const trace = spans.trace.get(span);
    let parent = spans.find(trace, parent0, parent1);
    if (parent !== -1) {
      retention.renew(parent, nowMs);
    } else if (retention.makeRoom()) {
      parent = retention.addUnknown(trace, parent0, parent1, nowMs);
      add(counters.signals.get("implied"), dialects.impliedParent.storedId, 1);
    }
    if (parent !== -1) {
      tree.link(span, parent);
      const isNew = spans.progressAtMs.get(span) === 0 && spans.openBelow.get(span) === 0;
      if (!isNew) {
        this.#propagateProgress(span);
      }
    }
  }

  /** What is above a span from now on made progress when the span did. */
  #propagateProgress(span: number): void {
    const { spans, owners } = this.#parts.store;
    const ownerOf = (at: number) =>
      spans.kind.get(at) === workKinds.run ? spans.owner.get(at) : -1;
    const own = ownerOf(span);
    const atMs = own === -1 ? spans.progressAtMs.get(span) : owners.progressAtMs.get(own);
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      const owner = ownerOf(at);
      if (owner === -1) {
        spans.progressAtMs.set(at, Math.max(spans.progressAtMs.get(at), atMs));
      } else {
        owners.progressAtMs.set(owner, Math.max(owners.progressAtMs.get(owner), atMs));
        this.#parts.states.markChanged(owners.group.get(owner));
      }
    }
  }

  /** Binds the references of a signal to the session of a span. */
  addReferences(span: number, batch: SignalBatch, row: number): void {
    const { store } = this.#parts;
    const process = batch.process.get(row);
    const to = batch.referencesTo.get(row);
    for (let reference = batch.referencesFrom.get(row); reference < to; reference++) {
      const hi = batch.referenceHi.get(reference);
      const lo = batch.referenceLo.get(reference);
      store.sessions.refer(store.groupOf(span), process, hi, lo);
      const shown = batch.referenceShown.get(reference);
      if (shown !== 0) {
        store.references.show(process, hi, lo, { shown, rank: batch.referenceRank.get(reference) });
      }
    }
  }

  /** Adds a row for a span of which only the id is known; -1 when there is no room. */
  addPlaceholder(batch: SignalBatch, row: number, nowMs: number): number {
    const { store, retention } = this.#parts;
    if (!retention.makeRoom()) {
      return -1;
    }
    const trace = store.traces.findOrAdd(
      batch.process.get(row),
      batch.trace0.get(row),
      batch.trace1.get(row),
      batch.trace2.get(row),
      batch.trace3.get(row),
    );
    return retention.addUnknown(trace, batch.span0.get(row), batch.span1.get(row), nowMs);
  }
}
