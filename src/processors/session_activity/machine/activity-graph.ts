import { workKinds } from "../kinds.ts";
import type { Archive } from "./archive.ts";
import { GroupTable, groupFlags, ReferenceTable } from "./group-table.ts";
import { SpanTable, spanStates } from "./span-table.ts";
import { SpanTree } from "./span-tree.ts";
import { TraceTable } from "./trace-table.ts";

const looseFlags = groupFlags.loose | groupFlags.fallback;

/** Told of what happens to groups. A group's row may be used again once it is gone. */
export interface GroupListeners {
  /** Called before the row of `group` is given up. */
  readonly onGone: (group: number) => void;
  /** `from` has become part of `into`; its columns still say what it was. */
  readonly onMerged: (from: number, into: number) => void;
  /** The group has open work now, and had none. */
  readonly onActive: (group: number) => void;
  /** The group has no open work any more. */
  readonly onIdle: (group: number) => void;
  /** Work of the group is no longer open. */
  readonly onClosed: (group: number) => void;
}

/**
 * Who belongs to whom: spans below spans (`tree`), spans in groups, groups behind session references. It keeps
 * the counts that decisions need, and decides nothing.
 */
export class ActivityGraph {
  readonly traces: TraceTable;
  readonly spans: SpanTable;
  readonly groups = new GroupTable();
  readonly references = new ReferenceTable();
  readonly tree: SpanTree;
  readonly #listeners: GroupListeners;
  readonly #maxReferences: number;
  #activeGroups = 0;

  constructor(seed: number, maxReferences: number, listeners: GroupListeners) {
    this.traces = new TraceTable(seed);
    this.spans = new SpanTable(seed);
    this.tree = new SpanTree(this.spans, this.groups);
    this.#maxReferences = maxReferences;
    this.#listeners = listeners;
  }

  archive(io: Archive): void {
    this.traces.archive(io);
    this.spans.archive(io);
    this.groups.archive(io);
    this.references.archive(io);
    this.#activeGroups = io.number(this.#activeGroups);
  }

  /** Groups with open work. */
  get activeGroups(): number {
    return this.#activeGroups;
  }

  /** Adds a span that is not known yet and holds its trace. */
  addSpan(trace: number, id0: number, id1: number): number {
    this.traces.hold(trace);
    return this.spans.add(trace, id0, id1);
  }

  /** Forgets a span; the last member of a group takes the group with it. */
  removeSpan(span: number): void {
    this.leave(span);
    this.traces.release(this.spans.trace.get(span));
    this.spans.remove(span);
  }

  /** Ends open work in `state`. */
  close(span: number, state: typeof spanStates.ended | typeof spanStates.evicted): void {
    this.tree.close(span, state);
    this.#listeners.onClosed(this.spans.group.get(span));
  }

  /**
   * The group that `span` belongs to by its ancestors: its owner's, else the loose group of the ancestor
   * that has not arrived, else the loose group of its trace. The latter two are made when missing.
   */
  groupAbove(span: number): number {
    const { spans } = this;
    let last = span;
    let at = spans.parentOf(span);
    while (at !== -1 && spans.kind.get(at) !== workKinds.run) {
      last = at;
      at = spans.parentOf(at);
    }
    if (at !== -1) {
      return spans.group.get(at);
    }
    if (last !== span && spans.state.get(last) === spanStates.unknown) {
      if (spans.group.get(last) === -1) {
        this.join(last, this.#addLoose(spans.trace.get(last)));
      }
      return spans.group.get(last);
    }
    return this.#looseOf(spans.trace.get(span));
  }

  /**
   * The group in which what is below `parent` waits, as no owner is above: that of the ancestor that has
   * not arrived, else that of the trace. -1 when there is none.
   */
  waitingGroup(parent: number): number {
    const { spans } = this;
    let top = parent;
    for (let at = parent; at !== -1; at = spans.parentOf(at)) {
      top = at;
    }
    return spans.state.get(top) === spanStates.unknown
      ? spans.group.get(top)
      : this.#fallbackOf(spans.trace.get(top));
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
    const found = this.references.find(process, hi, lo);
    if (found !== -1) {
      return this.merge(group, this.references.group.get(found));
    }
    if (this.references.size >= this.#maxReferences) {
      return group;
    }
    const reference = this.references.add(process, hi, lo);
    this.references.group.set(reference, group);
    this.references.next.set(reference, this.groups.reference.get(group));
    this.groups.reference.set(group, reference);
    this.groups.setFlag(group, groupFlags.referenced);
    this.tighten(group);
    return group;
  }

  /** A loose group got an owner or a reference: it no longer waits for its trace. */
  tighten(group: number): void {
    const { groups, traces } = this;
    if (!groups.hasFlag(group, groupFlags.loose)) {
      return;
    }
    groups.clearFlag(group, groupFlags.loose | groupFlags.fallback);
    const next = groups.nextLoose.get(group);
    const previous = groups.previousLoose.get(group);
    if (previous === -1) {
      traces.looseGroup.set(groups.trace.get(group), next);
    } else {
      groups.nextLoose.set(previous, next);
    }
    if (next !== -1) {
      groups.previousLoose.set(next, previous);
    }
  }

  /** Makes one group of two; the larger keeps its row, which is returned. */
  merge(a: number, b: number): number {
    if (a === b) {
      return a;
    }
    const { groups } = this;
    const [into, from] = groups.members.get(a) >= groups.members.get(b) ? [a, b] : [b, a];
    if (!groups.hasFlag(from, groupFlags.loose)) {
      this.tighten(into);
    }
    const flags = groups.flags.get(from);
    this.tighten(from);
    this.#activeGroups -= (groups.isActive(into) ? 1 : 0) + (groups.isActive(from) ? 1 : 0);
    groups.setFlag(into, groups.hasFlag(into, groupFlags.loose) ? flags : flags & ~looseFlags);
    for (const column of [
      groups.openOwners,
      groups.openMarkers,
      groups.claimed,
      groups.completed,
      groups.finishedTools,
      groups.explained,
      groups.anonymous,
      groups.pauses,
    ]) {
      column.set(into, column.get(into) + column.get(from));
    }
    for (const column of [
      groups.closedAtMs,
      groups.ownerEndMs,
      groups.cutoffMs,
      groups.ownerEndSeq,
      groups.cutoffSeq,
      groups.endedAtMs,
      groups.sessionEndMs,
      groups.sessionEndSeq,
      groups.channel,
    ]) {
      column.set(into, Math.max(column.get(into), column.get(from)));
    }
    this.#activeGroups += groups.isActive(into) ? 1 : 0;
    for (let span = groups.head.get(from); span !== -1; ) {
      const next = this.spans.nextMember.get(span);
      this.#append(span, into);
      span = next;
    }
    this.#moveReferences(from, into);
    this.#listeners.onMerged(from, into);
    groups.remove(from);
    return into;
  }

  /** Makes `span` a member of `group`, leaving the one it was in. */
  join(span: number, group: number): void {
    if (this.spans.group.get(span) !== group) {
      this.leave(span);
      this.#append(span, group);
    }
  }

  /** Takes `span` out of its group; an empty group is forgotten. */
  leave(span: number): void {
    const { groups, spans } = this;
    const group = spans.group.get(span);
    if (group === -1) {
      return;
    }
    const next = spans.nextMember.get(span);
    const previous = spans.previousMember.get(span);
    if (previous === -1) {
      groups.head.set(group, next);
    } else {
      spans.nextMember.set(previous, next);
    }
    if (next !== -1) {
      spans.previousMember.set(next, previous);
    }
    spans.group.set(span, -1);
    groups.members.set(group, groups.members.get(group) - 1);
    if (groups.members.get(group) === 0) {
      this.#forget(group);
    }
  }

  /** Changes the open counts of a group. */
  countOpen(group: number, owners: number, markers: number): void {
    const { groups } = this;
    const wasActive = groups.isActive(group);
    groups.openOwners.set(group, groups.openOwners.get(group) + owners);
    groups.openMarkers.set(group, groups.openMarkers.get(group) + markers);
    const isActive = groups.isActive(group);
    if (isActive !== wasActive) {
      this.#activeGroups += isActive ? 1 : -1;
      if (isActive) {
        this.#listeners.onActive(group);
      } else {
        this.#listeners.onIdle(group);
      }
    }
  }

  /**
   * The group a span is judged with: its own, else its owner's, else that of the ancestor that has not
   * arrived, which is made when missing. -1 when all its ancestors are known and none is an owner.
   */
  groupOf(span: number): number {
    const { spans } = this;
    if (spans.group.get(span) !== -1) {
      return spans.group.get(span);
    }
    let last = span;
    let at = span;
    while (at !== -1 && spans.kind.get(at) !== workKinds.run) {
      last = at;
      at = spans.parentOf(at);
    }
    if (at !== -1) {
      return spans.group.get(at);
    }
    if (spans.state.get(last) !== spanStates.unknown) {
      return -1;
    }
    if (spans.group.get(last) === -1) {
      this.join(last, this.#addLoose(spans.trace.get(last)));
    }
    return spans.group.get(last);
  }

  #append(span: number, group: number): void {
    const { groups, spans } = this;
    const head = groups.head.get(group);
    spans.group.set(span, group);
    spans.previousMember.set(span, -1);
    spans.nextMember.set(span, head);
    if (head !== -1) {
      spans.previousMember.set(head, span);
    }
    groups.head.set(group, span);
    groups.members.set(group, groups.members.get(group) + 1);
  }

  #forget(group: number): void {
    this.tighten(group);
    let reference = this.groups.reference.get(group);
    while (reference !== -1) {
      const next = this.references.next.get(reference);
      this.references.remove(reference);
      reference = next;
    }
    this.#listeners.onGone(group);
    this.groups.remove(group);
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

  #looseOf(trace: number): number {
    const known = this.#fallbackOf(trace);
    if (known !== -1) {
      return known;
    }
    const group = this.#addLoose(trace);
    this.groups.setFlag(group, groupFlags.fallback);
    return group;
  }

  #fallbackOf(trace: number): number {
    const { groups, traces } = this;
    for (
      let group = traces.looseGroup.get(trace);
      group !== -1;
      group = groups.nextLoose.get(group)
    ) {
      if (groups.hasFlag(group, groupFlags.fallback)) {
        return group;
      }
    }
    return -1;
  }

  #addLoose(trace: number): number {
    const { groups, traces } = this;
    const group = groups.add(traces.process.get(trace));
    const first = traces.looseGroup.get(trace);
    groups.setFlag(group, groupFlags.loose);
    groups.trace.set(group, trace);
    groups.nextLoose.set(group, first);
    if (first !== -1) {
      groups.previousLoose.set(first, group);
    }
    traces.looseGroup.set(trace, group);
    return group;
  }
}
