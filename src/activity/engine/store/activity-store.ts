import { workKinds } from "../../model/work.ts";
import { GroupTable, ReferenceTable } from "./group-table.ts";
import { ColumnList } from "./linked-lists.ts";
import { OwnerTable, ownerFlags } from "./owner-table.ts";
import { SessionGroups, type SessionListeners } from "./session-groups.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { spanStates } from "./span-lifecycle.ts";
import { doubtfulEnds, SpanTable, spanFlags } from "./span-table.ts";
import { SpanTree } from "./span-tree.ts";
import type { TabulationHash } from "./tabulation-hash.ts";
import { type ClientOf, TraceTable } from "./trace-table.ts";
import { Downtime } from "./work-durations.ts";

/** Called when something happens to an owner or to a group. A freed row may be used again. */
export interface StoreListeners extends SessionListeners {
  /** Called before the row of an owner is freed; `into` is the owner that got its members, or -1. */
  readonly onOwnerRemoved: (owner: number, into: number) => void;
}

/**
 * The state that decisions read: spans below spans (`tree`), spans in owners, owners below owners and in groups, and groups
 * behind session references (`sessions`). It keeps lists and counts consistent, and decides nothing.
 *
 * Keeps the rows of five tables. `Retention` bounds the spans; a trace goes with its last span or owner, an owner with its
 * last member, a group with its last owner. `maxReferences` bounds the references.
 */
export class ActivityStore {
  /** Of every index by key, also of those that other parts keep. */
  readonly hash: TabulationHash;
  readonly downtime = new Downtime();
  readonly traces: TraceTable;
  readonly spans: SpanTable;
  readonly owners = new OwnerTable();
  readonly groups = new GroupTable();
  readonly references: ReferenceTable;
  readonly tree: SpanTree;
  /** Spans of an owner; owners directly below one; owners that wait for one. */
  readonly members: ColumnList;
  readonly below: ColumnList;
  readonly waiters: ColumnList;
  /** Owners that may hold markers: of a group, and of a trace with a run and without one. All owners of a group. */
  readonly live: ColumnList;
  readonly inTrace: ColumnList;
  readonly unresolvedInTrace: ColumnList;
  readonly inGroup: ColumnList;
  readonly sessions: SessionGroups;
  readonly #listeners: StoreListeners;

  constructor(
    {
      hash,
      clientOf,
      maxReferences,
    }: {
      readonly hash: TabulationHash;
      readonly clientOf: ClientOf;
      readonly maxReferences: number;
    },
    listeners: StoreListeners,
  ) {
    this.hash = hash;
    this.traces = new TraceTable(hash, clientOf);
    this.spans = new SpanTable(hash);
    this.references = new ReferenceTable(hash);
    const { spans, owners, groups, traces } = this;
    this.tree = new SpanTree(spans, (marker) => this.mayBeDone(spans.owner.get(marker)));
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
    this.sessions = new SessionGroups(this, maxReferences, listeners);
    this.#listeners = listeners;
  }

  snapshot(stream: SnapshotStream, options: { readonly version: SnapshotVersion }): void {
    if (options.version > 2) {
      this.downtime.snapshot(stream);
    }
    this.traces.snapshot(stream);
    this.spans.snapshot(stream, options);
    this.owners.snapshot(stream, options);
    this.groups.snapshot(stream, options);
    this.references.snapshot(stream, options);
    this.sessions.active = stream.number(this.sessions.active);
    if (stream.isLoading && options.version < 4) {
      this.recordEnds();
    }
  }

  /** Sums up the ends of the owners of each group, which versions before 4 did not store. */
  recordEnds(): void {
    const { spans, owners, groups } = this;
    for (let span = 0; span < spans.rows.count; span++) {
      const owner = spans.state.get(span) === spanStates.free ? -1 : spans.owner.get(span);
      if (owner !== -1 && spans.kind.get(span) === workKinds.run) {
        const flags = owners.isOpen(owner) ? 0 : spans.flags.get(span);
        groups.recordEnd(
          owners.group.get(owner),
          owners.endedAtMs.get(owner),
          flags & doubtfulEnds,
        );
      }
    }
  }

  /** What events show of a session: its channel, 0 for none, and its reference, if that is to be shown. `group` may be -1. */
  shownOf(group: number): { readonly channel: number; readonly sessionRef?: number } {
    if (group === -1) {
      return { channel: 0 };
    }
    const sessionRef = this.references.shownOf(this.groups.reference.get(group));
    const channel = this.groups.channel.get(group);
    return sessionRef === 0 ? { channel } : { channel, sessionRef };
  }

  /** The group of a span's owner, or -1. */
  groupOf(span: number): number {
    const owner = this.spans.owner.get(span);
    return owner === -1 ? -1 : this.owners.group.get(owner);
  }

  /** Adds an owner and makes it live. It gets a group of its own where `group` is -1. */
  addOwner(top: number, of: { readonly isUnresolved: boolean; readonly group: number }): number {
    const { owners, spans, traces, groups } = this;
    const trace = spans.trace.get(top);
    const process = traces.process.get(trace);
    const group = of.group === -1 ? groups.add(process) : of.group;
    const owner = owners.add({ process, trace, top, group, isUnresolved: of.isUnresolved });
    traces.retain(trace);
    this.inGroup.add(group, owner);
    groups.ownerCount.set(group, groups.ownerCount.get(group) + 1);
    this.setLive(owner, true);
    return owner;
  }

  /** Lists an owner among those that may hold markers, of its group and of its trace, or takes it off those lists. */
  setLive(owner: number, isLive: boolean): void {
    const { owners, groups } = this;
    if (owners.isLive.get(owner) === Number(isLive)) {
      return;
    }
    owners.isLive.set(owner, Number(isLive));
    const group = owners.group.get(owner);
    const trace = owners.trace.get(owner);
    const isUnresolved = owners.isUnresolved(owner);
    const inTrace = isUnresolved ? this.unresolvedInTrace : this.inTrace;
    if (isLive) {
      this.live.add(group, owner);
      inTrace.add(trace, owner);
    } else {
      this.live.remove(group, owner);
      inTrace.remove(trace, owner);
    }
    if (isUnresolved) {
      groups.unresolvedOwners.set(group, groups.unresolvedOwners.get(group) + (isLive ? 1 : -1));
    }
  }

  /** Makes `span`, a run or a marker, a member of `owner`. It leaves its owner before. */
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
    if (spans.hasFlag(span, spanFlags.detached)) {
      owners.setFlag(owner, ownerFlags.hasDetached);
    }
  }

  /** Marks a tool as one that may outlive its run. */
  detach(tool: number): void {
    this.tree.detach(tool);
    const owner = this.spans.owner.get(tool);
    if (owner !== -1) {
      this.owners.setFlag(owner, ownerFlags.hasDetached);
    }
  }

  /** Takes `span` out of its owner, which is freed when nothing needs it any more. */
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
        this.#removeOwner(owner, -1); // Its members have moved on or closed.
        return;
      }
    }
    this.dropIfEmpty(owner);
  }

  /** Detaches from `span` the unresolved owner that collects markers there, and returns it; -1 when there is none. */
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

  /** A run among the members of an owner, or -1. */
  runOf(owner: number): number {
    const { spans } = this;
    for (let at = this.members.first.get(owner); at !== -1; at = this.members.after.get(at)) {
      if (spans.kind.get(at) === workKinds.run) {
        return at;
      }
    }
    return -1;
  }

  /**
   * Frees an owner without members. An unresolved one stays while owners are below it, or while it counts finished tools of
   * which the run is not known.
   */
  dropIfEmpty(owner: number): void {
    const { owners } = this;
    const isWaitedAt =
      owners.isUnresolved(owner) &&
      owners.top.get(owner) !== -1 &&
      (this.below.first.get(owner) !== -1 || owners.finishedTools.get(owner) > 0);
    const isNeeded = owners.memberCount.get(owner) > 0 || isWaitedAt;
    if (!isNeeded) {
      this.#removeOwner(owner, -1);
    }
  }

  /** Puts an owner directly below `above`, or below none (-1). `isBelowMarker`: a tool or model call is between them. */
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

  /** Moves the members and counts of `from` to `into` and frees it. Owners below it must have moved before. */
  mergeOwner(from: number, into: number): void {
    const { owners, spans } = this;
    for (const span of this.members.all(from)) {
      this.members.remove(from, span);
      this.members.add(into, span);
      spans.owner.set(span, into);
    }
    const runs = owners.openRuns.get(from);
    const markers = owners.openMarkers.get(from);
    this.sessions.countOpen(into, runs, markers);
    this.sessions.countOpen(from, -runs, -markers);
    owners.addFrom(from, into);
    this.#removeOwner(from, into);
  }

  /** Moves `owner` to another group. */
  moveOwner(owner: number, group: number): void {
    const { owners, groups } = this;
    const from = owners.group.get(owner);
    if (from === group) {
      return;
    }
    const runs = owners.openRuns.get(owner);
    const markers = owners.openMarkers.get(owner);
    const isLive = owners.isLive.get(owner) === 1;
    this.setLive(owner, false);
    this.sessions.countOpen(owner, -runs, -markers);
    this.inGroup.remove(from, owner);
    owners.group.set(owner, group);
    this.inGroup.add(group, owner);
    groups.ownerCount.set(group, groups.ownerCount.get(group) + 1);
    groups.recordEnd(group, groups.lastEndAtMs.get(from), groups.endFlags.get(from));
    this.sessions.countOpen(owner, runs, markers);
    if (isLive) {
      this.setLive(owner, true);
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
    this.setLive(owner, false);
    const group = owners.group.get(owner);
    this.inGroup.remove(group, owner);
    traces.release(owners.trace.get(owner));
    owners.remove(owner);
    this.#ownerLeft(group);
  }

  #ownerLeft(group: number): void {
    const { groups } = this;
    groups.ownerCount.set(group, groups.ownerCount.get(group) - 1);
    this.sessions.dropIfEmpty(group);
  }

  /** Whether the open work of an owner may wait for nothing but the open work below it. */
  mayBeDone(owner: number): boolean {
    return (
      owner !== -1 &&
      (!this.owners.isOpen(owner) || this.groups.hasEnded(this.owners.group.get(owner)))
    );
  }
}
