import type { ActivityLimits } from "../../model/limits.ts";
import type { Moment } from "../../model/moment.ts";
import { workKinds } from "../../model/work.ts";
import { isSameAsParent } from "../ingest/same-work.ts";
import { lacksInnerRun, SplitTraces } from "../ingest/split-traces.ts";
import type { KeyedTimers } from "../schedule/keyed-timers.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { openMembersOf } from "../store/open-members.ts";
import { ownerFlags } from "../store/owner-table.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { Holders } from "./holders.ts";

/** Owners that were looked for above one that turns out to be its own descendant. */
const maxDepth = 200;

/** What it needs of the engine. */
interface OwnershipParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly ownerTimers: KeyedTimers;
  readonly holders: Holders;
}

/**
 * Puts runs and markers under the owners and sessions that they belong to, again when the way between them becomes
 * known, and calls for a decision when an owner has ended.
 */
export class Ownership {
  readonly #parts: OwnershipParts;
  readonly #splitTraces: SplitTraces;

  constructor(parts: OwnershipParts) {
    this.#parts = parts;
    this.#splitTraces = new SplitTraces(parts.store, parts.limits.allowedLatenessMs);
  }

  snapshot(io: SnapshotStream): void {
    this.#splitTraces.snapshot(io);
  }

  /**
   * Gives a run that has arrived its owner: that of the harness run directly above it, or one of its own, in `group` where
   * that is known (else -1). `waiting` is the loose owner that stood at its span, or -1.
   */
  attachRun(
    run: number,
    placed: {
      readonly group: number;
      readonly waiting: number;
      /** Called when the run has an owner, before it is known what is above that. */
      readonly refer: () => void;
    },
    nowMs: number,
  ): void {
    const { group, waiting } = placed;
    const { spans, owners } = this.#parts.store;
    const known = spans.owner.get(run);
    if (known !== -1 && !owners.isUnresolved(known)) {
      this.#parts.store.setLive(known); // It is taken back into the tracked state.
      placed.refer();
      return;
    }
    const harness = this.#harnessOf(run);
    const owner =
      harness === -1 ? this.#parts.store.addOwner(run, { isLoose: false, group }) : harness;
    this.#parts.store.join(run, owner);
    this.#parts.store.setLive(owner);
    placed.refer();
    if (harness === -1) {
      this.#attachOwner(owner, nowMs);
    }
    const { groups, traces } = this.#parts.store;
    this.#rescheduleUnowned(run, nowMs);
    groups.setFlag(this.#parts.store.groupOf(run), groupFlags.hadOwner);
    traces.hadOwner.set(spans.trace.get(run), 1);
    if (waiting !== -1) {
      this.#resolveTo(waiting, spans.owner.get(run), nowMs);
    }
    this.#rescheduleElsewhere(run, nowMs);
  }

  /** Notes when an owner started: a run of it is open or came finished. */
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

  /** Gives a marker that has arrived its owner. `waiting` is the loose owner that stood at its span, or -1. */
  attachMarker(marker: number, waiting: number, nowMs: number): void {
    const { spans, owners, tree } = this.#parts.store;
    const run = tree.runAbove(marker);
    if (run !== -1) {
      const owner = spans.owner.get(run);
      this.#parts.store.join(marker, owner);
      if (waiting !== -1) {
        this.#resolveTo(waiting, owner, nowMs);
      }
      return;
    }
    const root = tree.rootOf(marker);
    if (waiting !== -1 && root === marker) {
      owners.top.set(waiting, marker);
      spans.owner.set(marker, waiting);
    }
    const loose = this.#unresolvedOwnerAt(root);
    this.#parts.store.join(marker, loose);
    if (waiting === loose) {
      this.#parts.ownerTimers.schedule(loose, nowMs); // Less of the way to their run is unknown.
    }
    if (waiting !== -1 && waiting !== loose) {
      this.#mergeUnresolved(waiting, loose, nowMs);
    }
  }

  /**
   * Gives a marker that names a session, and of which the way to its run is not known, a loose owner of its own in that
   * session's group (-1: in a new one): its neighbours may be of other sessions. Returns that owner.
   */
  attachSeparately(marker: number, group: number, waiting: number, nowMs: number): number {
    const root = this.#parts.store.tree.rootOf(marker);
    const { owners, spans } = this.#parts.store;
    if (waiting !== -1 && root === marker) {
      owners.top.set(waiting, marker);
      spans.owner.set(marker, waiting);
    }
    const above = root === marker ? -1 : this.#unresolvedOwnerAt(root);
    const known = spans.owner.get(marker);
    const loose =
      known === -1 ? this.#parts.store.addOwner(marker, { isLoose: true, group }) : known;
    if (known !== -1 && group !== -1) {
      this.#parts.store.sessions.merge(owners.group.get(known), group);
    }
    this.#parts.store.join(marker, loose);
    if (above !== -1) {
      this.#parts.store.setAbove(loose, above, true);
    }
    if (waiting === loose) {
      this.#parts.ownerTimers.schedule(loose, nowMs);
    } else if (waiting !== -1) {
      this.#mergeUnresolved(waiting, above === -1 ? loose : above, nowMs);
    }
    return loose;
  }

  /** A span got its parent, or is a link that has arrived: what waited at it for the way to its run may know it now. */
  onParentKnown(span: number, waiting: number, nowMs: number): void {
    const { spans, owners, tree } = this.#parts.store;
    const owner = spans.owner.get(span);
    const isRun =
      spans.kind.get(span) === workKinds.run && spans.state.get(span) !== spanStates.unknown;
    if (isRun) {
      if (owner !== -1 && owners.top.get(owner) === span) {
        this.#attachOwner(owner, nowMs);
      }
      return;
    }
    const isWaitingHere =
      owner !== -1 && owners.isUnresolved(owner) && owners.top.get(owner) === span;
    const loose = waiting === -1 ? (isWaitingHere ? owner : -1) : waiting;
    if (loose === -1) {
      return;
    }
    const run = tree.runAbove(span);
    const root = tree.rootOf(span);
    if (run !== -1) {
      this.#resolveTo(loose, spans.owner.get(run), nowMs);
    } else if (root === span) {
      owners.top.set(loose, span);
      spans.owner.set(span, loose);
    } else {
      this.#mergeUnresolved(loose, this.#unresolvedOwnerAt(root), nowMs);
    }
  }

  /**
   * A run of an owner is no longer open. When it was the last, the lateness of what the owner held begins. That it ended may
   * be found later than it did.
   */
  runEnded(run: number, end: Moment, nowMs: number = end.atMs): void {
    const { owners, spans, tree } = this.#parts.store;
    const owner = spans.owner.get(run);
    const isFirst = owners.endedAtMs.get(owner) === 0;
    owners.endedAtMs.set(
      owner,
      isFirst ? end.atMs : Math.max(owners.endedAtMs.get(owner), end.atMs),
    );
    owners.endMs.set(owner, isFirst ? end.timeMs : Math.max(owners.endMs.get(owner), end.timeMs));
    owners.endSeq.set(owner, isFirst ? end.seq : Math.max(owners.endSeq.get(owner), end.seq));
    if (owners.isOpen(owner)) {
      return;
    }
    for (let at = tree.waitingParentOf(run); at !== -1; at = tree.waitingParentOf(at)) {
      if (spans.state.get(at) === spanStates.open && spans.kind.get(at) !== workKinds.run) {
        spans.releasedAtMs.set(at, Math.max(spans.releasedAtMs.get(at), end.atMs));
      }
    }
    this.#parts.store.setLive(owner);
    const dueMs = end.atMs + this.#parts.limits.allowedLatenessMs;
    this.#parts.ownerTimers.schedule(owner, dueMs);
    for (const waiter of this.#parts.store.waiters.all(owner)) {
      this.stopWaiting(waiter);
      // It may turn out not to have been open at the same time.
      this.#parts.ownerTimers.schedule(waiter, nowMs);
    }
    this.#rescheduleUnresolved(owner, dueMs);
    for (const each of this.runsOf(owner)) {
      this.#rescheduleElsewhere(each, dueMs);
    }
  }

  /** An open run was evicted: by its sender's clock, where that is set, it ended when it was as old as it is. */
  runEvicted(run: number, atMs: number): void {
    const { spans } = this.#parts.store;
    const timeMs = spans.startMs.get(run) > 0 ? spans.closedMs.get(run) : 0;
    this.runEnded(run, { atMs, timeMs, seq: 0 });
  }

  /** `owner` is decided again when `holder` has ended. */
  waitFor(owner: number, holder: number): void {
    this.stopWaiting(owner);
    this.#parts.store.owners.waitsFor.set(owner, holder);
    this.#parts.store.waiters.add(holder, owner);
  }

  stopWaiting(owner: number): void {
    const holder = this.#parts.store.owners.waitsFor.get(owner);
    if (holder !== -1) {
      this.#parts.store.waiters.remove(holder, owner);
      this.#parts.store.owners.waitsFor.set(owner, -1);
    }
  }

  /** An owner's row is given up; what waited for it is decided anew. */
  onOwnerRemoved(owner: number, into: number, nowMs: number): void {
    this.stopWaiting(owner);
    for (const waiter of this.#parts.store.waiters.all(owner)) {
      this.stopWaiting(waiter);
      if (waiter !== into) {
        this.#parts.ownerTimers.schedule(waiter, nowMs);
      }
    }
    this.#parts.ownerTimers.cancel(owner);
  }

  /** Two sessions became one: who holds loose markers of it is asked again. */
  rescheduleUnresolvedIn(group: number, nowMs: number): void {
    const { groups, owners, live } = this.#parts.store;
    if (groups.unresolvedOwners.get(group) === 0) {
      return;
    }
    for (let each = live.first(group); each !== -1; each = live.after(each)) {
      if (owners.isUnresolved(each) && owners.openMarkers.get(each) > 0) {
        this.#parts.ownerTimers.schedule(each, nowMs);
      }
    }
  }

  /** A marker turned up at `nowMs`: if its owner has ended, it has a lateness to say how it ended. */
  scheduleCheck(marker: number, nowMs: number): void {
    const owner = this.#parts.store.spans.owner.get(marker);
    const { owners } = this.#parts.store;
    if (owners.isOpen(owner)) {
      return;
    }
    this.#parts.store.setLive(owner);
    this.#parts.ownerTimers.schedule(owner, nowMs + this.#parts.limits.allowedLatenessMs);
    if (owners.isUnresolved(owner)) {
      this.#recordRelease(marker);
    }
  }

  /** Whether the owner has ended and its markers wait for its deadline; never so for a loose one. */
  hasEnded(owner: number): boolean {
    const { owners } = this.#parts.store;
    return !owners.isOpen(owner) && !owners.isUnresolved(owner);
  }

  /** The runs of an owner, open or not, as far as they are remembered. */
  runsOf(owner: number): number[] {
    const { spans, members } = this.#parts.store;
    return members.all(owner).filter((span) => spans.kind.get(span) === workKinds.run);
  }

  /** A harness run that counts open items looks for its run in another trace. */
  joinSplitTraces(owner: number, nowMs: number): void {
    const { owners } = this.#parts.store;
    if (owners.reportedOpen.get(owner) === 0 || !lacksInnerRun(this.#parts.store, owner)) {
      return;
    }
    for (const harnessRun of this.runsOf(owner)) {
      if (this.#pairHarnessRun(harnessRun, nowMs)) {
        return;
      }
    }
  }

  /**
   * Whether a run without parent is one with a harness run in another trace, or a harness run without a run with such a run.
   * They become one owner where the harness run counts open items, which may be in the run.
   */
  isSplit(run: number, nowMs: number): boolean {
    const { spans } = this.#parts.store;
    if (spans.hasFlag(run, spanFlags.harness)) {
      return (
        lacksInnerRun(this.#parts.store, spans.owner.get(run)) && this.#pairHarnessRun(run, nowMs)
      );
    }
    return (
      spans.hasFlag(run, spanFlags.innerRun) &&
      spans.parentOf(run) === -1 &&
      this.#pairRun(run, nowMs)
    );
  }

  #pairHarnessRun(harnessRun: number, nowMs: number): boolean {
    const { spans, owners } = this.#parts.store;
    const run = this.#splitTraces.addHarnessRun(harnessRun);
    const owner = spans.owner.get(harnessRun);
    if (run !== -1 && owners.reportedOpen.get(owner) > 0) {
      this.#pair(spans.owner.get(run), owner, nowMs);
    }
    return run !== -1;
  }

  #pairRun(run: number, nowMs: number): boolean {
    const { spans, owners } = this.#parts.store;
    const harnessRun = this.#splitTraces.addRun(run);
    const owner = harnessRun === -1 ? -1 : spans.owner.get(harnessRun);
    if (owner !== -1 && owners.reportedOpen.get(owner) > 0) {
      this.#pair(spans.owner.get(run), owner, nowMs);
      this.#parts.store.setLive(owner);
      this.#parts.ownerTimers.schedule(owner, nowMs + this.#parts.limits.allowedLatenessMs);
    }
    return owner !== -1;
  }

  /** A span's row is given up. */
  forget(span: number): void {
    if (this.#parts.store.spans.kind.get(span) === workKinds.run) {
      this.#splitTraces.forget(span);
    }
  }

  /** Finds the owner above, and with it the session where it has none of its own. */
  #attachOwner(owner: number, nowMs: number): void {
    const { spans, owners, groups, tree } = this.#parts.store;
    const top = owners.top.get(owner);
    if (top === -1) {
      return;
    }
    const run = tree.runAbove(top);
    if (run === -1) {
      const root = tree.rootOf(top);
      const above = root === top ? -1 : this.#unresolvedOwnerAt(root);
      this.#parts.store.setAbove(owner, above, above !== -1 && tree.hasMarkerBetween(top, -1));
      return;
    }
    const harness = this.#harnessOf(top);
    if (harness !== -1 && harness !== owner) {
      this.#mergeOwner(owner, harness, nowMs);
      return;
    }
    const above = spans.owner.get(run);
    if (above === -1 || above === owner || this.#isAbove(owner, above)) {
      return;
    }
    const isBelowMarker = tree.hasMarkerBetween(top, run);
    this.#parts.store.setAbove(owner, above, isBelowMarker);
    const own = owners.group.get(owner);
    const other = owners.group.get(above);
    const isReferenced = groups.hasFlag(own, groupFlags.referenced);
    const isAboveReferenced = groups.hasFlag(other, groupFlags.referenced);
    if (!isReferenced && (isAboveReferenced || !isBelowMarker)) {
      this.#parts.store.sessions.merge(other, own);
    }
  }

  /** The way from what waits in `loose` to the run of `owner` is known now. */
  #resolveTo(loose: number, owner: number, nowMs: number): void {
    const { owners, groups, below } = this.#parts.store;
    if (loose === owner) {
      return;
    }
    const children = below.all(loose);
    const own = owners.group.get(loose);
    const other = owners.group.get(owner);
    const areDifferent =
      groups.hasFlag(own, groupFlags.referenced) && groups.hasFlag(other, groupFlags.referenced);
    if (areDifferent) {
      this.#parts.store.moveOwner(loose, other);
    } else {
      this.#parts.store.sessions.merge(other, own);
    }
    this.#absorb(loose, owner, nowMs);
    for (const child of children) {
      this.#reattach(child, nowMs);
    }
  }

  /** An owner whose way upwards has changed. */
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

  /** What waited at one span turns out to wait at another one further up. */
  #mergeUnresolved(from: number, into: number, nowMs: number): void {
    if (from === into) {
      return;
    }
    const children = this.#parts.store.below.all(from);
    const { owners } = this.#parts.store;
    this.#parts.store.sessions.merge(owners.group.get(into), owners.group.get(from));
    this.#absorb(from, into, nowMs);
    for (const child of children) {
      this.#reattach(child, nowMs);
    }
  }

  /** Two owners of one group become one. */
  #absorb(from: number, into: number, nowMs: number): void {
    const { owners, spans } = this.#parts.store;
    const dueMs = this.#parts.ownerTimers.currentOf(from);
    const hasWork = owners.memberCount.get(from) > 0;
    const wasLoose = owners.isUnresolved(from) && !owners.isUnresolved(into);
    for (const marker of wasLoose ? openMembersOf(this.#parts.store, from) : []) {
      // What held it was somebody else's run.
      if (spans.hasFlag(marker, spanFlags.wasHeld)) {
        spans.clearFlag(marker, spanFlags.wasHeld);
        spans.releasedAtMs.set(marker, 0);
      }
    }
    this.#parts.store.mergeOwner(from, into);
    if (hasWork && !owners.isOpen(into)) {
      this.#parts.store.setLive(into);
      // What was waited for may have been somebody else's.
      this.#parts.ownerTimers.schedule(into, wasLoose ? nowMs : (dueMs ?? nowMs));
    }
  }

  /** A run and its harness run, or two that turn out to be one, become one owner. */
  #mergeOwner(from: number, into: number, nowMs: number): void {
    const { owners, below } = this.#parts.store;
    this.#parts.store.sessions.merge(owners.group.get(into), owners.group.get(from));
    const children = below.all(from).filter((each) => each !== into);
    for (const child of children) {
      this.#parts.store.setAbove(child, into, owners.hasFlag(child, ownerFlags.belowMarker));
    }
    const started = owners.startOf(from);
    const ended = owners.endOf(from);
    const progressAtMs = owners.progressAtMs.get(from);
    if (owners.lastModelMs.get(from) > owners.lastModelMs.get(into)) {
      owners.lastModelMs.set(into, owners.lastModelMs.get(from));
      owners.clearFlag(into, ownerFlags.modelFailed);
      owners.setFlag(into, owners.flags.get(from) & ownerFlags.modelFailed);
    }
    owners.setFlag(into, owners.flags.get(from) & ownerFlags.unwatched);
    const wasOpen = owners.isOpen(from);
    const waiters = this.#parts.store.waiters.all(from);
    this.#absorb(from, into, nowMs);
    owners.startedAtMs.set(into, earlier(owners.startedAtMs.get(into), started.atMs));
    owners.startMs.set(into, earlier(owners.startMs.get(into), started.timeMs));
    owners.startSeq.set(into, earlier(owners.startSeq.get(into), started.seq));
    owners.endedAtMs.set(into, Math.max(owners.endedAtMs.get(into), ended.atMs));
    owners.endMs.set(into, Math.max(owners.endMs.get(into), ended.timeMs));
    owners.endSeq.set(into, Math.max(owners.endSeq.get(into), ended.seq));
    owners.progressAtMs.set(into, Math.max(owners.progressAtMs.get(into), progressAtMs));
    if (wasOpen) {
      for (const waiter of waiters.filter((each) => each !== into)) {
        this.waitFor(waiter, into);
      }
    } else if (!owners.isOpen(into)) {
      this.#parts.ownerTimers.schedule(
        into,
        owners.endedAtMs.get(into) + this.#parts.limits.allowedLatenessMs,
      );
    }
  }

  #pair(from: number, into: number, nowMs: number): void {
    if (from !== into && !this.#isAbove(from, into) && !this.#isAbove(into, from)) {
      this.#mergeOwner(from, into, nowMs);
    }
  }

  /** Whether `owner` stands somewhere above `below`. */
  #isAbove(owner: number, below: number): boolean {
    const { owners } = this.#parts.store;
    let at = owners.above.get(below);
    for (let depth = 0; at !== -1 && depth < maxDepth; depth++) {
      if (at === owner) {
        return true;
      }
      at = owners.above.get(at);
    }
    return false;
  }

  /** The owner of the run directly above that a run is the same owner as: its harness run, or the same run; -1 when it has none. */
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
    const { spans } = this.#parts.store;
    const known = spans.owner.get(root);
    if (known !== -1) {
      return known;
    }
    const loose = this.#parts.store.addOwner(root, { isLoose: true, group: -1 });
    spans.owner.set(root, loose);
    return loose;
  }

  /** The first run of a session, or of a trace: what is there without one may be its, or nobody's. */
  #rescheduleUnowned(run: number, nowMs: number): void {
    const { spans, groups, traces, owners, live, unresolvedInTrace } = this.#parts.store;
    const group = this.#parts.store.groupOf(run);
    const trace = spans.trace.get(run);
    const inGroup = groups.hasFlag(group, groupFlags.hadOwner) ? [] : live.all(group);
    const inTrace = traces.hadOwner.get(trace) === 1 ? [] : unresolvedInTrace.all(trace);
    for (const each of [...inGroup, ...inTrace]) {
      if (owners.isUnresolved(each) && owners.openMarkers.get(each) > 0) {
        this.#parts.ownerTimers.schedule(each, nowMs);
      }
    }
  }

  /** An owner has ended that may have held markers without a run of their own. */
  #rescheduleUnresolved(owner: number, dueMs: number): void {
    const { owners, groups, traces, live, unresolvedInTrace } = this.#parts.store;
    const group = owners.group.get(owner);
    const inGroup = groups.unresolvedOwners.get(group) === 0 ? [] : live.all(group);
    for (const each of inGroup) {
      if (owners.isUnresolved(each)) {
        this.#release(each, dueMs, owner);
      }
    }
    const trace = owners.trace.get(owner);
    for (
      let each = traces.firstUnresolved.get(trace);
      each !== -1;
      each = unresolvedInTrace.after(each)
    ) {
      this.#release(each, dueMs, owner);
    }
  }

  /** Notes when the last of the holders ended, which is not remembered for as long as the marker may be. */
  #release(loose: number, dueMs: number, ended = -1): void {
    const { owners, spans } = this.#parts.store;
    if (owners.openMarkers.get(loose) > 0) {
      for (const marker of openMembersOf(this.#parts.store, loose)) {
        // What has been held is held by all that were open when it started; only those need to be asked.
        const isKnown = ended !== -1 && spans.hasFlag(marker, spanFlags.wasHeld);
        if (!isKnown) {
          this.#recordRelease(marker);
        } else if (this.#parts.holders.wasOpenAt(ended, marker)) {
          const atMs = owners.endedAtMs.get(ended);
          spans.releasedAtMs.set(marker, Math.max(spans.releasedAtMs.get(marker), atMs));
        }
      }
      this.#parts.ownerTimers.schedule(loose, dueMs);
    }
  }

  #recordRelease(marker: number): void {
    const { spans } = this.#parts.store;
    const { lastEndMs } = this.#parts.holders.ofUnresolvedMarker(marker);
    if (Number.isFinite(lastEndMs)) {
      spans.setFlag(marker, spanFlags.wasHeld);
      spans.releasedAtMs.set(marker, Math.max(spans.releasedAtMs.get(marker), lastEndMs));
    }
  }

  /** Markers of other processes that name this run as their parent. */
  #rescheduleElsewhere(run: number, dueMs: number): void {
    const { spans, owners, traces } = this.#parts.store;
    traces.eachElsewhere(spans.trace.get(run), (trace) => {
      const named = spans.find(trace, spans.id0.get(run), spans.id1.get(run));
      const loose = named === -1 ? -1 : spans.owner.get(named);
      if (loose === -1 || !owners.isUnresolved(loose)) {
        return;
      }
      this.#release(loose, dueMs);
      for (const below of this.#parts.store.below
        .all(loose)
        .filter((each) => owners.isUnresolved(each))) {
        this.#release(below, dueMs); // Of a session of its own.
      }
    });
  }
}

/** The earlier of two times of which 0 means that there is none. */
function earlier(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}
