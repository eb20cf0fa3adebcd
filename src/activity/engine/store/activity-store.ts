import { workKinds } from "../../model/work.ts";
import { ColumnList } from "./column-list.ts";
import { Downtime } from "./downtime.ts";
import { GroupTable, groupFlags } from "./group-table.ts";
import { OwnerTable, ownerFlags } from "./owner-table.ts";
import { ReferenceTable } from "./reference-table.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { SpanTable, spanFlags } from "./span-table.ts";
import { SpanTree } from "./span-tree.ts";
import { TraceTable } from "./trace-table.ts";

/** Called with what happens to owners and groups. Their rows may be used again once they are gone. */
export interface StoreListeners {
  /** Called before the row of an owner is given up; `into` is where its members went, or -1. */
  readonly onOwnerRemoved: (owner: number, into: number) => void;
  /** Called before the row of `group` is given up. */
  readonly onGroupRemoved: (group: number) => void;
  /** `from` has become part of `into`; its columns still say what it was. */
  readonly onMerged: (from: number, into: number) => void;
  /** A session that was not known is that of a group. */
  readonly onReferred: (group: number, process: number, hi: number, lo: number) => void;
  /** The group has an open run now and had none, or has none any more. */
  readonly onActive: (group: number) => void;
  readonly onIdle: (group: number) => void;
}

/**
 * Who belongs to whom: spans below spans (`tree`), spans in owners, owners below owners and in groups, groups behind
 * session references. It keeps the lists and counts that decisions need, and decides nothing.
 */
export class ActivityStore {
  readonly downtime = new Downtime();
  readonly traces: TraceTable;
  readonly spans: SpanTable;
  readonly owners = new OwnerTable();
  readonly groups = new GroupTable();
  readonly references = new ReferenceTable();
  readonly tree: SpanTree;
  /** Spans of an owner; owners directly below one; owners that wait for one. */
  readonly members: ColumnList;
  readonly below: ColumnList;
  readonly waiters: ColumnList;
  /** Owners that may hold markers, of a group and of a trace; loose owners of a trace. */
  readonly live: ColumnList;
  readonly inTrace: ColumnList;
  readonly unresolvedInTrace: ColumnList;
  readonly inGroup: ColumnList;
  readonly #listeners: StoreListeners;
  readonly #maxReferences: number;
  #activeGroups = 0;

  constructor(seed: number, maxReferences: number, listeners: StoreListeners) {
    this.traces = new TraceTable(seed);
    this.spans = new SpanTable(seed);
    const { spans, owners, groups, traces } = this;
    this.tree = new SpanTree(spans, (marker) => this.#mayBeDone(marker));
    this.members = new ColumnList(owners.firstMember, spans.nextMember, spans.previousMember);
    this.below = new ColumnList(owners.firstBelow, owners.nextBelow, owners.previousBelow);
    this.waiters = new ColumnList(owners.firstWaiter, owners.nextWaiter, owners.previousWaiter);
    this.live = new ColumnList(groups.firstLive, owners.nextLive, owners.previousLive);
    this.inTrace = new ColumnList(traces.firstOwner, owners.nextInTrace, owners.previousInTrace);
    this.unresolvedInTrace = new ColumnList(
      traces.firstUnresolved,
      owners.nextInTrace,
      owners.previousInTrace,
    );
    this.inGroup = new ColumnList(groups.firstOwner, owners.nextInGroup, owners.previousInGroup);
    this.#listeners = listeners;
    this.#maxReferences = maxReferences;
  }

  snapshot(io: SnapshotStream, options: { readonly version: SnapshotVersion }): void {
    if (options.version > 2) {
      this.downtime.snapshot(io);
    }
    this.traces.snapshot(io);
    this.spans.snapshot(io, options);
    this.owners.snapshot(io, options);
    this.groups.snapshot(io);
    this.references.snapshot(io);
    this.#activeGroups = io.number(this.#activeGroups);
  }

  /** Groups with open work. */
  get activeGroups(): number {
    return this.#activeGroups;
  }

  /** The row of the group that a span's owner is in, or -1. */
  groupOf(span: number): number {
    const owner = this.spans.owner.get(span);
    return owner === -1 ? -1 : this.owners.group.get(owner);
  }

  /** Adds a span that is not known yet and holds its trace. */
  addSpan(trace: number, id0: number, id1: number): number {
    this.traces.retain(trace);
    return this.spans.add(trace, id0, id1);
  }

  /** Forgets a span; the last member takes its owner with it. */
  removeSpan(span: number): void {
    this.leave(span);
    this.traces.release(this.spans.trace.get(span));
    this.spans.remove(span);
  }

  /** Adds an owner and makes it live. A group of -1: one of its own. */
  addOwner(top: number, of: { readonly isLoose: boolean; readonly group: number }): number {
    const { owners, spans, traces, groups } = this;
    const trace = spans.trace.get(top);
    const process = traces.process.get(trace);
    const group = of.group === -1 ? groups.add(process) : of.group;
    const owner = owners.add({ process, trace, top, group, isLoose: of.isLoose });
    traces.retain(trace);
    this.inGroup.add(group, owner);
    groups.ownerCount.set(group, groups.ownerCount.get(group) + 1);
    this.setLive(owner);
    return owner;
  }

  /** Lists an owner among those that may hold markers. */
  setLive(owner: number): void {
    const { owners } = this;
    if (owners.isLive.get(owner) === 0) {
      owners.isLive.set(owner, 1);
      this.#countUnresolved(owner, 1);
      this.live.add(owners.group.get(owner), owner);
      this.#traceList(owner).add(owners.trace.get(owner), owner);
    }
  }

  /** Takes an owner off that list. */
  retire(owner: number): void {
    const { owners } = this;
    if (owners.isLive.get(owner) === 1) {
      owners.isLive.set(owner, 0);
      this.#countUnresolved(owner, -1);
      this.live.remove(owners.group.get(owner), owner);
      this.#traceList(owner).remove(owners.trace.get(owner), owner);
    }
  }

  /** Makes `span`, a run or a marker, a member of `owner`, leaving the one it was in. */
  join(span: number, owner: number): void {
    const { owners, spans } = this;
    if (spans.hasFlag(span, spanFlags.member) && spans.owner.get(span) === owner) {
      return;
    }
    if (spans.owner.get(span) !== owner) {
      this.leave(span);
    }
    spans.owner.set(span, owner);
    spans.setFlag(span, spanFlags.member);
    this.members.add(owner, span);
    owners.memberCount.set(owner, owners.memberCount.get(owner) + 1);
    this.#noteDetached(span);
  }

  /** Marks a tool as one that may outlive its run. */
  detach(tool: number): void {
    this.tree.detach(tool);
    this.#noteDetached(tool);
  }

  /** Takes `span` out of its owner; an owner that nothing needs any more is forgotten. */
  leave(span: number): void {
    const { owners, spans } = this;
    const owner = spans.owner.get(span);
    if (owner === -1) {
      return;
    }
    if (spans.hasFlag(span, spanFlags.member)) {
      this.members.remove(owner, span);
      spans.clearFlag(span, spanFlags.member);
      owners.memberCount.set(owner, owners.memberCount.get(owner) - 1);
    }
    spans.owner.set(span, -1);
    if (owners.top.get(owner) === span) {
      owners.top.set(owner, owners.isUnresolved(owner) ? -1 : this.runOf(owner));
      if (owners.isUnresolved(owner) && owners.memberCount.get(owner) === 0) {
        this.#removeOwner(owner, -1); // What it collected waits for nothing any more.
        return;
      }
    }
    this.dropIfEmpty(owner);
  }

  /** A span at which others wait for the way to their run gives up what collects them; -1 when nothing waits there. */
  takeUnresolved(span: number): number {
    const { owners, spans } = this;
    const owner = spans.owner.get(span);
    const isKey = owner !== -1 && owners.isUnresolved(owner) && owners.top.get(owner) === span;
    if (!isKey || spans.hasFlag(span, spanFlags.member)) {
      return -1;
    }
    spans.owner.set(span, -1);
    owners.top.set(owner, -1);
    return owner;
  }

  /** A run of an owner that is remembered, or -1. */
  runOf(owner: number): number {
    const { spans } = this;
    for (let at = this.members.first(owner); at !== -1; at = this.members.after(at)) {
      if (spans.kind.get(at) === workKinds.run) {
        return at;
      }
    }
    return -1;
  }

  /**
   * Forgets an owner without members, unless other owners wait for the way to their run with it, or it has counted tools
   * that ended before their run is known.
   */
  dropIfEmpty(owner: number): void {
    const { owners } = this;
    const isWaitedAt =
      owners.isUnresolved(owner) &&
      owners.top.get(owner) !== -1 &&
      (this.below.first(owner) !== -1 || owners.finishedTools.get(owner) > 0);
    const isNeeded = owners.memberCount.get(owner) > 0 || isWaitedAt;
    if (!isNeeded) {
      this.#removeOwner(owner, -1);
    }
  }

  /** Puts an owner below another one, or below none (-1). */
  setAbove(owner: number, above: number, isBelowMarker: boolean): void {
    const { owners } = this;
    const before = owners.above.get(owner);
    if (isBelowMarker) {
      owners.setFlag(owner, ownerFlags.belowMarker);
    } else {
      owners.clearFlag(owner, ownerFlags.belowMarker);
    }
    if (before === above) {
      return;
    }
    if (before !== -1) {
      this.below.remove(before, owner);
    }
    owners.above.set(owner, above);
    if (above !== -1) {
      this.below.add(above, owner);
    }
    if (before !== -1 && owners.isUnresolved(before)) {
      this.dropIfEmpty(before);
    }
  }

  /** Moves the members and counts of `from` to `into` and forgets it. Owners below it must have moved before. */
  mergeOwner(from: number, into: number): void {
    const { owners, spans } = this;
    for (const span of this.members.all(from)) {
      this.members.remove(from, span);
      this.members.add(into, span);
      spans.owner.set(span, into);
    }
    owners.memberCount.set(into, owners.memberCount.get(into) + owners.memberCount.get(from));
    owners.memberCount.set(from, 0);
    const runs = owners.openRuns.get(from);
    const markers = owners.openMarkers.get(from);
    this.countOpen(into, runs, markers);
    this.countOpen(from, -runs, -markers);
    for (const column of [
      owners.reportedOpen,
      owners.reportedCompleted,
      owners.finishedTools,
      owners.finishedPairs,
      owners.matched,
      owners.unnamed,
    ]) {
      column.set(into, column.get(into) + column.get(from));
    }
    for (const column of [
      owners.lastModelMs,
      owners.workedAtMs,
      owners.workedMs,
      owners.workedSeq,
      owners.idleAtMs,
      owners.idleMs,
      owners.idleSeq,
    ]) {
      column.set(into, Math.max(column.get(into), column.get(from)));
    }
    owners.setFlag(
      into,
      owners.flags.get(from) & (ownerFlags.modelFailed | ownerFlags.hasDetached),
    );
    this.#removeOwner(from, into);
  }

  /** Changes the open counts of an owner and of its group. */
  countOpen(owner: number, runs: number, markers: number): void {
    const { owners, groups } = this;
    const group = owners.group.get(owner);
    const wasOpen = owners.isOpen(owner);
    const wasActive = groups.isActive(group);
    const openBefore = groups.openOwners.get(group);
    owners.openRuns.set(owner, owners.openRuns.get(owner) + runs);
    owners.openMarkers.set(owner, owners.openMarkers.get(owner) + markers);
    groups.openMarkers.set(group, groups.openMarkers.get(group) + markers);
    const isOpen = owners.isOpen(owner);
    if (isOpen !== wasOpen) {
      groups.openOwners.set(group, openBefore + (isOpen ? 1 : -1));
    }
    const isActive = groups.isActive(group);
    if (isActive !== wasActive) {
      this.#activeGroups += isActive ? 1 : -1;
    }
    const openAfter = groups.openOwners.get(group);
    if (openBefore === 0 && openAfter > 0) {
      this.#listeners.onActive(group);
    } else if (openBefore > 0 && openAfter === 0) {
      this.#listeners.onIdle(group);
    }
  }

  /** The group of a session reference, or -1. */
  referencedGroup(process: number, hi: number, lo: number): number {
    const reference = this.references.find(process, hi, lo);
    return reference === -1 ? -1 : this.references.group.get(reference);
  }

  /**
   * Makes `group` answer to a session reference, merging it with the one that already does. Returns the
   * group that is left. Beyond the bound on references a new one is not remembered.
   */
  refer(group: number, process: number, hi: number, lo: number): number {
    const { groups, references } = this;
    const found = references.find(process, hi, lo);
    if (found !== -1) {
      return this.mergeGroups(group, references.group.get(found));
    }
    if (references.size >= this.#maxReferences) {
      return group;
    }
    const reference = references.add(process, hi, lo);
    references.group.set(reference, group);
    references.next.set(reference, groups.reference.get(group));
    groups.reference.set(group, reference);
    groups.setFlag(group, groupFlags.referenced);
    this.#listeners.onReferred(group, process, hi, lo);
    return this.inheritReference(group);
  }

  /** Owners below those of a session that have no session of their own are part of it. Returns what is left of `group`. */
  inheritReference(group: number): number {
    const { owners, groups } = this;
    let into = group;
    const left = this.inGroup.all(group);
    for (let owner = left.pop(); owner !== undefined; owner = left.pop()) {
      for (const each of owners.isUnresolved(owner) ? [] : this.below.all(owner)) {
        const other = owners.group.get(each);
        if (other !== into && !groups.hasFlag(other, groupFlags.referenced)) {
          left.push(...this.inGroup.all(other));
          into = this.mergeGroups(into, other);
        }
      }
    }
    return into;
  }

  /** Makes one group of two; the larger keeps its row, which is returned. */
  mergeGroups(a: number, b: number): number {
    if (a === b) {
      return a;
    }
    const { groups } = this;
    const [into, from] = groups.ownerCount.get(a) >= groups.ownerCount.get(b) ? [a, b] : [b, a];
    const wasReferenced = groups.hasFlag(into, groupFlags.referenced);
    this.#activeGroups -= groups.isActive(into) && groups.isActive(from) ? 1 : 0;
    groups.setFlag(into, groups.flags.get(from));
    for (const column of [
      groups.openOwners,
      groups.openMarkers,
      groups.unresolvedOwners,
      groups.pauses,
      groups.ownerCount,
    ]) {
      column.set(into, column.get(into) + column.get(from));
    }
    for (const column of [
      groups.endedAtMs,
      groups.sessionEndMs,
      groups.sessionEndSeq,
      groups.queued,
      groups.channel,
    ]) {
      column.set(into, Math.max(column.get(into), column.get(from)));
    }
    for (const owner of this.inGroup.all(from)) {
      this.inGroup.remove(from, owner);
      if (this.owners.isLive.get(owner) === 1) {
        this.live.remove(from, owner);
        this.live.add(into, owner);
      }
      this.owners.group.set(owner, into);
      this.inGroup.add(into, owner);
    }
    this.#moveReferences(from, into);
    this.#listeners.onMerged(from, into);
    groups.remove(from);
    const gotReference = !wasReferenced && groups.hasFlag(into, groupFlags.referenced);
    return gotReference ? this.inheritReference(into) : into;
  }

  /** Takes `owner` out of its group and puts it into another one. */
  moveOwner(owner: number, group: number): void {
    const { owners, groups } = this;
    const from = owners.group.get(owner);
    if (from === group) {
      return;
    }
    const runs = owners.openRuns.get(owner);
    const markers = owners.openMarkers.get(owner);
    const isLive = owners.isLive.get(owner) === 1;
    this.retire(owner);
    this.countOpen(owner, -runs, -markers);
    this.inGroup.remove(from, owner);
    owners.group.set(owner, group);
    this.inGroup.add(group, owner);
    groups.ownerCount.set(group, groups.ownerCount.get(group) + 1);
    this.countOpen(owner, runs, markers);
    if (isLive) {
      this.setLive(owner);
    }
    this.#ownerLeft(from);
  }

  #removeOwner(owner: number, into: number): void {
    const { owners, traces } = this;
    for (const each of this.below.all(owner)) {
      this.below.remove(owner, each);
      owners.above.set(each, -1);
      owners.clearFlag(each, ownerFlags.belowMarker);
    }
    const above = owners.above.get(owner);
    if (above !== -1) {
      this.setAbove(owner, -1, false);
    }
    const top = owners.top.get(owner);
    if (top !== -1 && this.spans.owner.get(top) === owner) {
      this.spans.owner.set(top, -1);
    }
    this.#listeners.onOwnerRemoved(owner, into);
    this.retire(owner);
    const group = owners.group.get(owner);
    this.inGroup.remove(group, owner);
    traces.release(owners.trace.get(owner));
    owners.remove(owner);
    this.#ownerLeft(group);
  }

  #ownerLeft(group: number): void {
    const { groups } = this;
    groups.ownerCount.set(group, groups.ownerCount.get(group) - 1);
    this.dropGroupIfEmpty(group);
  }

  /** Forgets a group without owners. */
  dropGroupIfEmpty(group: number): void {
    const { groups } = this;
    if (groups.ownerCount.get(group) > 0) {
      return;
    }
    for (let reference = groups.reference.get(group); reference !== -1; ) {
      const next = this.references.next.get(reference);
      this.references.remove(reference);
      reference = next;
    }
    this.#listeners.onGroupRemoved(group);
    groups.remove(group);
  }

  #moveReferences(from: number, into: number): void {
    let last = -1;
    for (
      let reference = this.groups.reference.get(from);
      reference !== -1;
      reference = this.references.next.get(reference)
    ) {
      this.references.group.set(reference, into);
      last = reference;
    }
    if (last !== -1) {
      this.references.next.set(last, this.groups.reference.get(into));
      this.groups.reference.set(into, this.groups.reference.get(from));
    }
  }

  #countUnresolved(owner: number, by: number): void {
    const { owners, groups } = this;
    if (owners.isUnresolved(owner)) {
      const group = owners.group.get(owner);
      groups.unresolvedOwners.set(group, groups.unresolvedOwners.get(group) + by);
    }
  }

  #noteDetached(span: number): void {
    const { owners, spans } = this;
    const owner = spans.owner.get(span);
    if (owner !== -1 && spans.hasFlag(span, spanFlags.detached)) {
      owners.setFlag(owner, ownerFlags.hasDetached);
    }
  }

  #traceList(owner: number): ColumnList {
    return this.owners.isUnresolved(owner) ? this.unresolvedInTrace : this.inTrace;
  }

  #mayBeDone(marker: number): boolean {
    const owner = this.spans.owner.get(marker);
    return (
      owner !== -1 &&
      (!this.owners.isOpen(owner) || this.groups.hasEnded(this.owners.group.get(owner)))
    );
  }
}
