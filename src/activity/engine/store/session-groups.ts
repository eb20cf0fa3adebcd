import { type GroupTable, groupFlags, type ReferenceTable } from "./group-table.ts";
import type { ColumnList } from "./linked-lists.ts";
import type { OwnerTable } from "./owner-table.ts";

/** Called when something happens to a group. */
export interface SessionListeners {
  /** Called before the row of `group` is freed. */
  readonly onGroupRemoved: (group: number) => void;
  /** `from` has become part of `into`; the row of `from` still has its values. `moved` owners that may hold markers came from it, now the first of `into`. */
  readonly onMerged: (from: number, into: number, moved: number) => void;
  /** A group got a session reference that no group had. */
  readonly onReferred: (group: number, process: number, hi: number, lo: number) => void;
  /** The group got its first open run, or its last one was closed. */
  readonly onActive: (group: number) => void;
  readonly onIdle: (group: number) => void;
}

/** The tables and lists that sessions are kept in. */
interface SessionTables {
  readonly owners: OwnerTable;
  readonly groups: GroupTable;
  readonly references: ReferenceTable;
  readonly below: ColumnList;
  readonly live: ColumnList;
  readonly inGroup: ColumnList;
}

/**
 * The groups of owners: which session reference leads to which group, how two groups become one, and how much in a group is open.
 *
 * Keeps a row for each group and for each reference. A group goes with its last owner and takes its references with it.
 * At `maxReferences` new references are not kept: their session is not found by them, and its owners are grouped by their
 * tree alone.
 */
export class SessionGroups {
  /** Groups with open work. Only loading a snapshot sets it from outside. */
  active = 0;
  readonly #tables: SessionTables;
  readonly #maxReferences: number;
  readonly #listeners: SessionListeners;

  constructor(tables: SessionTables, maxReferences: number, listeners: SessionListeners) {
    this.#tables = tables;
    this.#maxReferences = maxReferences;
    this.#listeners = listeners;
  }

  /**
   * Gives `group` a session reference. A group that has the reference already is merged with it. Returns the group that is left.
   */
  refer(group: number, process: number, hi: number, lo: number): number {
    const { groups, references } = this.#tables;
    const known = references.groupOf(process, hi, lo);
    if (known !== -1) {
      return this.merge(group, known);
    }
    if (references.rows.size >= this.#maxReferences) {
      return group;
    }
    const reference = references.add(process, hi, lo);
    references.group.set(reference, group);
    references.next.set(reference, groups.reference.get(group));
    groups.reference.set(group, reference);
    const wasReferenced = groups.hasFlag(group, groupFlags.referenced);
    groups.setFlag(group, groupFlags.referenced);
    this.#listeners.onReferred(group, process, hi, lo);
    return wasReferenced ? group : this.#inheritReference(group);
  }

  /** Makes one group of two; the larger keeps its row, which is returned. */
  merge(a: number, b: number): number {
    if (a === b) {
      return a;
    }
    const { owners, groups, references, live, inGroup } = this.#tables;
    const [into, from] = groups.ownerCount.get(a) >= groups.ownerCount.get(b) ? [a, b] : [b, a];
    const wasReferenced = groups.hasFlag(into, groupFlags.referenced);
    this.active -= groups.isActive(into) && groups.isActive(from) ? 1 : 0;
    groups.addFrom(from, into);
    let moved = 0;
    for (const owner of inGroup.all(from)) {
      inGroup.remove(from, owner);
      if (owners.isLive.get(owner) === 1) {
        moved++;
        live.remove(from, owner);
        live.add(into, owner);
      }
      owners.group.set(owner, into);
      inGroup.add(into, owner);
    }
    const first = groups.reference.get(from);
    if (first !== -1) {
      references.moveAll(first, { group: into, before: groups.reference.get(into) });
      groups.reference.set(into, first);
    }
    this.#listeners.onMerged(from, into, moved);
    groups.remove(from);
    const gotReference = !wasReferenced && groups.hasFlag(into, groupFlags.referenced);
    return gotReference ? this.#inheritReference(into) : into;
  }

  /** Changes how much is open in an owner and in its group. */
  countOpen(owner: number, runs: number, markers: number): void {
    const { owners, groups } = this.#tables;
    const group = owners.group.get(owner);
    const wasOpen = owners.isOpen(owner);
    const openBefore = groups.openOwners.get(group);
    const markersBefore = groups.openMarkers.get(group);
    owners.openRuns.set(owner, owners.openRuns.get(owner) + runs);
    owners.openMarkers.set(owner, owners.openMarkers.get(owner) + markers);
    groups.openMarkers.set(group, markersBefore + markers);
    const openAfter = openBefore + Number(owners.isOpen(owner)) - Number(wasOpen);
    groups.openOwners.set(group, openAfter);
    const wasActive = openBefore > 0 || markersBefore > 0;
    const isActive = openAfter > 0 || markersBefore + markers > 0;
    this.active += Number(isActive) - Number(wasActive);
    if (openBefore === 0 && openAfter > 0) {
      this.#listeners.onActive(group);
    } else if (openBefore > 0 && openAfter === 0) {
      this.#listeners.onIdle(group);
    }
  }

  /** Frees a group without owners, and its references. */
  dropIfEmpty(group: number): void {
    const { groups, references } = this.#tables;
    if (groups.ownerCount.get(group) > 0) {
      return;
    }
    for (let reference = groups.reference.get(group); reference !== -1; ) {
      const next = references.next.get(reference);
      references.remove(reference);
      reference = next;
    }
    this.#listeners.onGroupRemoved(group);
    groups.remove(group);
  }

  /** Merges the groups without a reference that are below the owners of a session into it. Returns the group that is left. */
  #inheritReference(group: number): number {
    const { owners, groups, below, inGroup } = this.#tables;
    let into = group;
    const left = inGroup.all(group);
    for (let owner = left.pop(); owner !== undefined; owner = left.pop()) {
      for (const each of owners.isUnresolved(owner) ? [] : below.all(owner)) {
        const other = owners.group.get(each);
        if (other !== into && !groups.hasFlag(other, groupFlags.referenced)) {
          left.push(...inGroup.all(other));
          into = this.merge(into, other);
        }
      }
    }
    return into;
  }
}
