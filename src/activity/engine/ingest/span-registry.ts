import { dialects } from "../../model/dialects.ts";
import { type SignalBatch, signalFlags, signalTypes } from "../../model/signal-batch.ts";
import { toWorkKind, type WorkKind, workKinds } from "../../model/work.ts";
import type { Ownership } from "../policy/ownership.ts";
import type { SessionStates } from "../policy/session-states.ts";
import type { ActivityCounters } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import type { Retention } from "../store/retention.ts";
import { spanFlags } from "../store/span-table.ts";
import type { SignalLookup } from "./signal-lookup.ts";

/** What it needs of the engine. */
interface SpanRegistryParts {
  readonly lookup: SignalLookup;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly retention: Retention;
  readonly ownership: Ownership;
  readonly states: SessionStates;
}

/** Makes spans known that signals speak of: their rows, parents, groups and sessions. */
export class SpanRegistry {
  readonly #parts: SpanRegistryParts;

  constructor(parts: SpanRegistryParts) {
    this.#parts = parts;
  }

  /**
   * Makes a span known: its row, kind, parent and group. It comes back held, out of every queue, except
   * a mere link, which is queued to be forgotten. -1 when there is no room. `kind`: what it is, where that is not what the
   * signal says.
   */
  register(
    known: number,
    batch: SignalBatch,
    row: number,
    nowMs: number,
    kind: WorkKind = toWorkKind(batch.kind.get(row)),
  ): number {
    const { spans } = this.#parts.store;
    const span = known === -1 ? this.addPlaceholder(batch, row, nowMs) : known;
    if (span === -1) {
      return -1;
    }
    const waiting = this.#parts.store.takeUnresolved(span);
    this.#parts.retention.onArrival(span);
    const flags = batch.flags.get(row);
    spans.kind.set(span, kind);
    spans.clearFlag(span, spanFlags.endProbable | spanFlags.endPresumed);
    spans.startMs.set(span, batch.startMs.get(row));
    spans.endMs.set(span, batch.endMs.get(row));
    spans.name.set(span, batch.name.get(row));
    spans.scopeHash.set(span, batch.scopeHash.get(row));
    spans.nameHash.set(span, batch.nameHash.get(row));
    spans.seq.set(span, seqOfStart(batch, row));
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
      this.#parts.store.detach(span);
    }
    if (batch.dialect.get(row) === dialects.relay.storedId) {
      spans.setFlag(span, spanFlags.relayed);
    }
    this.#link(span, batch, row, nowMs);
    switch (kind) {
      case workKinds.run:
        this.#placeRun(span, waiting, batch, row, nowMs);
        break;
      case workKinds.tool:
      case workKinds.modelCall:
        this.#placeMarker(span, waiting, batch, row, nowMs);
        break;
      case workKinds.other:
        this.#parts.ownership.onParentKnown(span, waiting, nowMs);
        this.#parts.retention.retain(span, nowMs);
        break;
      default: {
        const never: never = kind;
        return never;
      }
    }
    return span;
  }

  #placeRun(run: number, waiting: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { groups } = this.#parts.store;
    const group = this.#parts.lookup.referencedGroupOf(batch, row);
    const refer = () => this.addReferences(run, batch, row);
    this.#parts.ownership.attachRun(run, { group, waiting, refer }, nowMs);
    this.#parts.ownership.runStarted(run, {
      atMs: nowMs,
      timeMs: batch.startMs.get(row),
      seq: seqOfStart(batch, row),
    });
    if (batch.channel.get(row) !== 0) {
      groups.channel.set(this.#parts.store.groupOf(run), batch.channel.get(row));
    }
  }

  #placeMarker(
    marker: number,
    waiting: number,
    batch: SignalBatch,
    row: number,
    nowMs: number,
  ): void {
    const { tree } = this.#parts.store;
    const hasReference = batch.referencesFrom(row) < batch.referencesTo(row);
    if (!hasReference || tree.runAbove(marker) !== -1) {
      this.#parts.ownership.attachMarker(marker, waiting, nowMs);
    } else {
      const group = this.#parts.lookup.referencedGroupOf(batch, row);
      this.#parts.ownership.attachSeparately(marker, group, waiting, nowMs);
    }
    if (hasReference && this.#isOfItsSession(marker, batch, row)) {
      this.addReferences(marker, batch, row);
    }
  }

  /** Whether the session that a marker names is that of its owner, or may be: the owner has none. */
  #isOfItsSession(marker: number, batch: SignalBatch, row: number): boolean {
    const { groups } = this.#parts.store;
    const group = this.#parts.store.groupOf(marker);
    if (!groups.hasFlag(group, groupFlags.referenced)) {
      return true;
    }
    const to = batch.referencesTo(row);
    for (let reference = batch.referencesFrom(row); reference < to; reference++) {
      if (this.#parts.lookup.groupOf(batch, row, reference) === group) {
        return true;
      }
    }
    return false;
  }

  /** Puts a span below the parent that a later signal names, and what waited at it under its run. */
  linkParent(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const before = this.#parts.store.spans.parentOf(span);
    this.#link(span, batch, row, nowMs);
    if (before === -1 && this.#parts.store.spans.parentOf(span) !== -1) {
      this.#parts.ownership.onParentKnown(span, -1, nowMs);
    }
  }

  /** Puts a span below the parent that a signal names, which may not have arrived (I1). */
  #link(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    const parent0 = batch.parent0.get(row);
    const parent1 = batch.parent1.get(row);
    if (parent0 === 0 && parent1 === 0) {
      return;
    }
    const known = spans.parentOf(span);
    if (known !== -1) {
      this.#parts.retention.renew(known, nowMs);
      return;
    }
    const trace = spans.trace.get(span);
    let parent = spans.find(trace, parent0, parent1);
    if (parent !== -1) {
      this.#parts.retention.renew(parent, nowMs);
    } else if (this.#parts.retention.makeRoom()) {
      parent = this.#parts.retention.addUnknown(trace, parent0, parent1, nowMs);
      this.#parts.counters.addSignal("implied", dialects.impliedParent.storedId);
    }
    if (parent !== -1) {
      this.#parts.store.tree.link(span, parent);
      this.#propagateProgress(span);
    }
  }

  /** What is above a span now made progress when it did. */
  #propagateProgress(span: number): void {
    const { spans, owners } = this.#parts.store;
    const ownerOf = (at: number) =>
      spans.kind.get(at) === workKinds.run ? spans.owner.get(at) : -1;
    if (spans.progressAtMs.get(span) === 0 && spans.openBelow.get(span) === 0) {
      return; // It is new.
    }
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

  /** Takes the session of a span's owner to be the one that a signal names. */
  addReferences(span: number, batch: SignalBatch, row: number): void {
    const to = batch.referencesTo(row);
    for (let reference = batch.referencesFrom(row); reference < to; reference++) {
      this.#parts.store.sessions.refer(
        this.#parts.store.groupOf(span),
        batch.process.get(row),
        batch.referenceHi(reference),
        batch.referenceLo(reference),
      );
    }
  }

  /** A span that is known by its name only; -1 when there is no room. */
  addPlaceholder(batch: SignalBatch, row: number, nowMs: number): number {
    if (!this.#parts.retention.makeRoom()) {
      return -1;
    }
    const trace = this.#parts.store.traces.findOrAdd(
      batch.process.get(row),
      batch.trace0.get(row),
      batch.trace1.get(row),
      batch.trace2.get(row),
      batch.trace3.get(row),
    );
    return this.#parts.retention.addUnknown(
      trace,
      batch.span0.get(row),
      batch.span1.get(row),
      nowMs,
    );
  }
}

/** The number of what came finished is that of its end. */
function seqOfStart(batch: SignalBatch, row: number): number {
  return batch.type.get(row) === signalTypes.start ? batch.seq.get(row) : 0;
}
