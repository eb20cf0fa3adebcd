import { workKinds } from "../kinds.ts";
import type { Archive } from "./archive.ts";
import { GroupTable, groupFlags, ReferenceTable } from "./group-table.ts";
import { SpanTable, spanFlags, spanStates } from "./span-table.ts";
import { TraceTable } from "./trace-table.ts";

const looseFlags = groupFlags.loose | groupFlags.fallback;

/** Longer parent chains are cut: nobody nests agents that deep, and a walk must end. */
const maxDepth = 200;

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
 * Who belongs to whom: spans under spans, spans in groups, groups behind session references. It keeps
 * the counts that decisions need (open work below a span, open owners of a group) and decides nothing.
 */
export class ActivityGraph {
  readonly traces: TraceTable;
  readonly spans: SpanTable;
  readonly groups = new GroupTable();
  readonly references = new ReferenceTable();
  /**
   * Open work that has less open work below, and runs that have fewer open runs below, where that may be
   * what its group waits for; the machine drains it.
   */
  readonly eased: number[] = [];
  readonly #listeners: GroupListeners;
  readonly #maxReferences: number;
  #activeGroups = 0;

  constructor(seed: number, maxReferences: number, listeners: GroupListeners) {
    this.traces = new TraceTable(seed);
    this.spans = new SpanTable(seed);
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

  /** Whether `child` may be put below `parent`: no ring, no chain beyond any sense. */
  canLink(child: number, parent: number): boolean {
    const { spans } = this;
    let depth = spans.height.get(child) + 1;
    for (let at = parent; at !== -1; at = spans.parentOf(at)) {
      if (at === child || ++depth > maxDepth) {
        return false;
      }
    }
    return true;
  }

  /** Puts `child` below `parent` and counts its open work there. Nothing happens where it may not, or has a parent. */
  link(child: number, parent: number): void {
    const { spans } = this;
    if (spans.parentOf(child) !== -1 || !this.canLink(child, parent)) {
      return;
    }
    spans.setParent(child, parent);
    let height = spans.height.get(child);
    for (let at = parent; at !== -1 && spans.height.get(at) <= height; at = spans.parentOf(at)) {
      spans.height.set(at, ++height);
    }
    this.#countAbove(child, this.#openWorkOf(child), this.#openRunsOf(child));
  }

  /** Marks `span` as open work and counts it above. */
  open(span: number): void {
    this.spans.state.set(span, spanStates.open);
    this.#countAbove(span, 1, this.#isFreeRun(span) ? 1 : 0);
  }

  /** Ends open work in `state`; groups that waited for it become `eased`. */
  close(span: number, state: typeof spanStates.ended | typeof spanStates.evicted): void {
    this.#countAbove(span, -1, this.#isFreeRun(span) ? -1 : 0);
    this.spans.state.set(span, state);
    this.#listeners.onClosed(this.spans.group.get(span));
  }

  /** Notes that a run carries a session reference of its own: it no longer keeps the owner tree above. */
  setOwnReference(span: number): void {
    const { spans } = this;
    if (spans.hasFlag(span, spanFlags.ownReference)) {
      return;
    }
    if (spans.kind.get(span) === workKinds.run) {
      this.#countAbove(span, 0, -this.#openRunsOf(span));
    }
    spans.setFlag(span, spanFlags.ownReference);
  }

  /** The nearest run above `span`, or -1 when there is none or the way to it is not known. */
  ownerAbove(span: number): number {
    const { spans } = this;
    let at = spans.parentOf(span);
    while (at !== -1 && spans.kind.get(at) !== workKinds.run) {
      at = spans.parentOf(at);
    }
    return at;
  }

  /** Whether an ancestor of `span`, below the nearest run that is known, has not arrived. */
  hasUnknownAbove(span: number): boolean {
    const { spans } = this;
    let at = spans.parentOf(span);
    while (at !== -1 && spans.kind.get(at) !== workKinds.run) {
      if (spans.state.get(at) === spanStates.unknown) {
        return true;
      }
      at = spans.parentOf(at);
    }
    return false;
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

  #isFreeRun(span: number): boolean {
    return (
      this.spans.kind.get(span) === workKinds.run &&
      !this.spans.hasFlag(span, spanFlags.ownReference)
    );
  }

  #openWorkOf(span: number): number {
    const self = this.spans.state.get(span) === spanStates.open ? 1 : 0;
    return this.spans.openBelow.get(span) + self;
  }

  /** What `span` and its descendants add to `openRunsBelow` above it. */
  #openRunsOf(span: number): number {
    const { spans } = this;
    if (spans.kind.get(span) !== workKinds.run) {
      return spans.openRunsBelow.get(span);
    }
    if (spans.hasFlag(span, spanFlags.ownReference)) {
      return 0;
    }
    return spans.openRunsBelow.get(span) + (spans.state.get(span) === spanStates.open ? 1 : 0);
  }

  #countAbove(span: number, work: number, freeRuns: number): void {
    if (work === 0 && freeRuns === 0) {
      return;
    }
    const { spans, groups } = this;
    let runs = freeRuns;
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      spans.openBelow.set(at, spans.openBelow.get(at) + work);
      spans.openRunsBelow.set(at, spans.openRunsBelow.get(at) + runs);
      const group = spans.group.get(at);
      const isRun = spans.kind.get(at) === workKinds.run;
      const isEased = (work < 0 && spans.state.get(at) === spanStates.open) || (runs < 0 && isRun);
      if (isEased && group !== -1 && groups.mayBeOver(group)) {
        this.eased.push(at);
      }
      if (isRun && spans.hasFlag(at, spanFlags.ownReference)) {
        runs = 0;
      }
    }
  }
}
