import type { Moment } from "../../model/moment.ts";
import { workKinds } from "../../model/work.ts";
import { isSameAsParent } from "../ingest/same-work.ts";
import type { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { OwnerEnds } from "./owner-ends.ts";
import type { OwnerMerges } from "./owner-merges.ts";

/** What it needs of the engine. */
interface OwnershipParts {
  readonly store: ActivityStore;
  readonly ownerTimers: KeyedTimers;
  readonly ownerEnds: OwnerEnds;
  readonly ownerMerges: OwnerMerges;
}

/**
 * Attaches runs and markers to the owner and the session that they belong to, and attaches them again when the path between
 * them becomes known. A marker whose path to its run is not known belongs to an unresolved owner, which is kept at the topmost
 * known span of that path. Keeps nothing of its own.
 */
export class Ownership {
  readonly #parts: OwnershipParts;

  constructor(parts: OwnershipParts) {
    this.#parts = parts;
  }

  /**
   * Attaches a run that has arrived: to the owner of the harness run directly above it, or to a new one, in `group` where that
   * is known (else -1). `waiting` is the unresolved owner that was kept at its span, or -1.
   */
  attachRun(
    run: number,
    placed: {
      readonly group: number;
      readonly waiting: number;
      /** Called when the run has an owner, and before its owner is attached to the one above. */
      readonly refer: () => void;
    },
    nowMs: number,
  ): void {
    const { group, waiting } = placed;
    const { store, ownerEnds } = this.#parts;
    const { spans, owners, groups, traces } = store;
    const known = spans.owner.get(run);
    if (known !== -1 && !owners.isUnresolved(known)) {
      store.setLive(known, true); // The run was evicted, and is tracked again.
      placed.refer();
      return;
    }
    const harness = this.#harnessOf(run);
    const owner = harness === -1 ? store.addOwner(run, { isUnresolved: false, group }) : harness;
    store.join(run, owner);
    store.setLive(owner, true);
    placed.refer();
    if (harness === -1) {
      this.#attachOwner(owner, nowMs);
    }
    ownerEnds.rescheduleUnowned(run, nowMs);
    groups.setFlag(store.groupOf(run), groupFlags.hadOwner);
    traces.hadOwner.set(spans.trace.get(run), 1);
    if (waiting !== -1) {
      this.#resolveTo(waiting, spans.owner.get(run), nowMs);
    }
    ownerEnds.releaseElsewhere(run, nowMs);
  }

  /** A run of an owner is open or arrived finished: records when the owner started. */
  runStarted(run: number, start: Moment): void {
    const { owners, spans } = this.#parts.store;
    const owner = spans.owner.get(run);
    const isFirst = owners.startedAtMs.get(owner) === 0 && owners.startMs.get(owner) === 0;
    if (isFirst || start.atMs < owners.startedAtMs.get(owner)) {
      owners.startedAtMs.set(owner, start.atMs);
    }
    if (isFirst || (start.timeMs > 0 && start.timeMs < owners.startMs.get(owner))) {
      owners.startMs.set(owner, start.timeMs);
    }
    if (isFirst || (start.seq > 0 && start.seq < owners.startSeq.get(owner))) {
      owners.startSeq.set(owner, start.seq);
    }
  }

  /** Attaches a marker that has arrived. `waiting` is the unresolved owner that was kept at its span, or -1. */
  attachMarker(marker: number, waiting: number, nowMs: number): void {
    const { store, ownerTimers } = this.#parts;
    const { spans, tree } = store;
    const run = tree.runAbove(marker);
    if (run !== -1) {
      const owner = spans.owner.get(run);
      store.join(marker, owner);
      if (waiting !== -1) {
        this.#resolveTo(waiting, owner, nowMs);
      }
      return;
    }
    const root = tree.rootOf(marker);
    if (waiting !== -1 && root === marker) {
      this.#keepAt(marker, waiting);
    }
    const unresolved = this.#unresolvedOwnerAt(root);
    store.join(marker, unresolved);
    if (waiting === unresolved) {
      ownerTimers.schedule(unresolved, nowMs); // More of the path to their run is known.
    } else if (waiting !== -1) {
      this.#mergeUnresolved(waiting, unresolved, nowMs);
    }
  }

  /**
   * Attaches a marker that names a session, and whose path to its run is not known, to an unresolved owner of its own in that
   * session's group (-1: in a new one), because its neighbours may belong to other sessions. Returns that owner.
   */
  attachSeparately(marker: number, group: number, waiting: number, nowMs: number): number {
    const { store, ownerTimers } = this.#parts;
    const { owners, spans, tree } = store;
    const root = tree.rootOf(marker);
    if (waiting !== -1 && root === marker) {
      this.#keepAt(marker, waiting);
    }
    const above = root === marker ? -1 : this.#unresolvedOwnerAt(root);
    const known = spans.owner.get(marker);
    const unresolved = known === -1 ? store.addOwner(marker, { isUnresolved: true, group }) : known;
    if (known !== -1 && group !== -1) {
      store.sessions.merge(owners.group.get(known), group);
    }
    store.join(marker, unresolved);
    if (above !== -1) {
      store.setAbove(unresolved, above, true);
    }
    if (waiting === unresolved) {
      ownerTimers.schedule(unresolved, nowMs);
    } else if (waiting !== -1) {
      this.#mergeUnresolved(waiting, above === -1 ? unresolved : above, nowMs);
    }
    return unresolved;
  }

  /** A span got its parent, or is a link that has arrived: resolves the owner that is kept at it, as far as the path is known now. */
  onParentKnown(span: number, waiting: number, nowMs: number): void {
    const { spans, owners, tree } = this.#parts.store;
    const owner = spans.owner.get(span);
    const isKeptHere = owner !== -1 && owners.top.get(owner) === span;
    const isRun =
      spans.kind.get(span) === workKinds.run && spans.state.get(span) !== spanStates.unknown;
    if (isRun) {
      if (isKeptHere) {
        this.#attachOwner(owner, nowMs);
      }
      return;
    }
    const isUnresolvedHere = isKeptHere && owners.isUnresolved(owner);
    const unresolved = waiting === -1 ? (isUnresolvedHere ? owner : -1) : waiting;
    if (unresolved === -1) {
      return;
    }
    const run = tree.runAbove(span);
    const root = tree.rootOf(span);
    if (run !== -1) {
      this.#resolveTo(unresolved, spans.owner.get(run), nowMs);
    } else if (root === span) {
      this.#keepAt(span, unresolved);
    } else {
      this.#mergeUnresolved(unresolved, this.#unresolvedOwnerAt(root), nowMs);
    }
  }

  /** Whether the run of an owner has ended, so that its markers wait for its deadline; never so for an unresolved owner. */
  hasEnded(owner: number): boolean {
    const { owners } = this.#parts.store;
    return !owners.isOpen(owner) && !owners.isUnresolved(owner);
  }

  /** Puts an owner below the one above it, and into its session where it has none of its own. */
  #attachOwner(owner: number, nowMs: number): void {
    const { store, ownerMerges } = this.#parts;
    const { spans, owners, groups, tree } = store;
    const top = owners.top.get(owner);
    if (top === -1) {
      return;
    }
    const run = tree.runAbove(top);
    if (run === -1) {
      const root = tree.rootOf(top);
      const above = root === top ? -1 : this.#unresolvedOwnerAt(root);
      store.setAbove(owner, above, above !== -1 && tree.hasMarkerBetween(top, -1));
      return;
    }
    const harness = this.#harnessOf(top);
    if (harness !== -1 && harness !== owner) {
      ownerMerges.merge(owner, harness, nowMs);
      return;
    }
    const above = spans.owner.get(run);
    if (above === -1 || above === owner || ownerMerges.isAbove(owner, above)) {
      return;
    }
    const isBelowMarker = tree.hasMarkerBetween(top, run);
    store.setAbove(owner, above, isBelowMarker);
    const own = owners.group.get(owner);
    const other = owners.group.get(above);
    const isReferenced = groups.hasFlag(own, groupFlags.referenced);
    const isAboveReferenced = groups.hasFlag(other, groupFlags.referenced);
    if (!isReferenced && (isAboveReferenced || !isBelowMarker)) {
      store.sessions.merge(other, own);
    }
  }

  /** The path from an unresolved owner to the run of `owner` is known now. */
  #resolveTo(unresolved: number, owner: number, nowMs: number): void {
    const { store, ownerMerges } = this.#parts;
    const { owners, groups, below } = store;
    if (unresolved === owner) {
      return;
    }
    const children = below.all(unresolved);
    const own = owners.group.get(unresolved);
    const other = owners.group.get(owner);
    const areDifferent =
      groups.hasFlag(own, groupFlags.referenced) && groups.hasFlag(other, groupFlags.referenced);
    if (areDifferent) {
      store.moveOwner(unresolved, other);
    } else {
      store.sessions.merge(other, own);
    }
    ownerMerges.absorb(unresolved, owner, nowMs);
    for (const child of children) {
      this.#reattach(child, nowMs);
    }
  }

  /** The path upwards from an owner has changed. */
  #reattach(owner: number, nowMs: number): void {
    const { owners, spans, tree } = this.#parts.store;
    if (!owners.isUnresolved(owner)) {
      this.#attachOwner(owner, nowMs);
      return;
    }
    const top = owners.top.get(owner);
    const run = top === -1 ? -1 : tree.runAbove(top);
    if (run !== -1) {
      this.#resolveTo(owner, spans.owner.get(run), nowMs);
    } else if (top !== -1) {
      const root = tree.rootOf(top);
      this.#parts.store.setAbove(owner, root === top ? -1 : this.#unresolvedOwnerAt(root), true);
    }
  }

  /** The span at which an unresolved owner is kept turns out to be below the one at which another is kept. */
  #mergeUnresolved(from: number, into: number, nowMs: number): void {
    const { store, ownerMerges } = this.#parts;
    if (from === into) {
      return;
    }
    const children = store.below.all(from);
    store.sessions.merge(store.owners.group.get(into), store.owners.group.get(from));
    ownerMerges.absorb(from, into, nowMs);
    for (const child of children) {
      this.#reattach(child, nowMs);
    }
  }

  /** The owner of the run directly above that a run shares: that of its harness run, or of the same run; -1 when there is none. */
  #harnessOf(run: number): number {
    const { spans } = this.#parts.store;
    const parent = spans.parentOf(run);
    if (parent === -1 || spans.kind.get(parent) !== workKinds.run) {
      return -1;
    }
    const isInner =
      spans.hasFlag(parent, spanFlags.harness) &&
      !spans.hasFlag(run, spanFlags.harness) &&
      spans.hasFlag(run, spanFlags.innerRun);
    return isInner || isSameAsParent(this.#parts.store, run, parent) ? spans.owner.get(parent) : -1;
  }

  #unresolvedOwnerAt(root: number): number {
    const { store } = this.#parts;
    const known = store.spans.owner.get(root);
    if (known !== -1) {
      return known;
    }
    const unresolved = store.addOwner(root, { isUnresolved: true, group: -1 });
    store.spans.owner.set(root, unresolved);
    return unresolved;
  }

  #keepAt(span: number, unresolved: number): void {
    const { owners, spans } = this.#parts.store;
    owners.top.set(unresolved, span);
    spans.owner.set(span, unresolved);
  }
}
