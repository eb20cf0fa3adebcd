import { type ActivityLimits, mostSearched } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import type { Confidence } from "../../model/reasons.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { ownerElsewhere, ownerNotSearched } from "../store/other-processes.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { Search } from "../store/search.ts";
import { doubtfulEnds, spanFlags } from "../store/span-table.ts";
import type { Verdicts } from "./verdicts.ts";

/** Longer chains of owners are cut, as those of spans are. */
const maxDepth = 200;

/** Stands for a holder that may be among the rows that a search has not read. */
export const holderNotSearched = -2;

/** The open holder that keeps markers from being orphans, or when the last one ended. */
export interface LastHolder {
  /** An open owner that holds them, or -1; `holderNotSearched` where the search was cut. */
  readonly holder: number;
  /** When that holder releases them if it makes no progress; Infinity when only its end does. */
  readonly releasesAtMs: number;
  /** When the last holder that has ended did so, by arrival; -Infinity when there was none. Where the search was cut, the latest that it can be. */
  readonly lastEndMs: number;
  /** The same of those holders alone that the search has read. */
  readonly knownEndMs: number;
  /** When the last silent holder released them; -Infinity when none did. */
  readonly releasedAtMs: number;
}

/** What it needs of the engine, where `lookups` counts the rows that a decision reads. */
interface HoldersParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly verdicts: Verdicts;
  lookups: number;
}

/**
 * Finds the holders of an owner's markers: its own run, the runs directly above that, which may be of another process of the trace,
 * and the runs of the same session that were open at the same time. A later run holds nothing; a sub-agent holds the tool that started it and no other; a silent run of the
 * last kind releases them after `stalledAfterMs`. Keeps nothing and changes nothing.
 */
export class Holders {
  readonly #parts: HoldersParts;

  constructor(parts: HoldersParts) {
    this.#parts = parts;
  }

  /** What holds the markers of an owner that has ended. */
  ofOwner(owner: number, nowMs: number): LastHolder {
    const { store, limits, verdicts } = this.#parts;
    const { owners, groups, live } = store;
    let lastEndMs = owners.endedAtMs.get(owner);
    let releasedAtMs = Number.NEGATIVE_INFINITY;
    const search = new Search(mostSearched(limits));
    const none = (endMs: number): LastHolder => ({
      holder: -1,
      releasesAtMs: Number.POSITIVE_INFINITY,
      lastEndMs: endMs,
      knownEndMs: lastEndMs,
      releasedAtMs,
    });
    const held = (holder: number, releasesAtMs: number): LastHolder => ({
      ...none(lastEndMs),
      holder,
      releasesAtMs,
    });
    const unknown = () =>
      // What it left open is untracked, not evicted, so in doubt nothing holds it.
      owners.hasFlag(owner, ownerFlags.unwatched)
        ? none(lastEndMs)
        : held(holderNotSearched, Number.POSITIVE_INFINITY);
    for (const above of this.#holdersAbove(owner)) {
      if (above === ownerNotSearched) {
        return unknown();
      }
      if (owners.isOpen(above)) {
        return held(above, Number.POSITIVE_INFINITY);
      }
      lastEndMs = Math.max(lastEndMs, owners.endedAtMs.get(above));
    }
    const group = owners.group.get(owner);
    if (groups.firstLive.get(group) === owner && owners.nextLive.get(owner) === -1) {
      return none(lastEndMs);
    }
    let openLeft = groups.openOwners.get(group);
    for (let other = live.first.get(group); other !== -1; other = live.after.get(other)) {
      this.#parts.lookups++;
      if (!search.reads()) {
        // Where none of the rest is open, it has ended as late as any of the session at most.
        return openLeft > 0 || owners.hasFlag(owner, ownerFlags.unwatched)
          ? unknown()
          : none(Math.max(lastEndMs, groups.lastEndAtMs.get(group)));
      }
      const isOpen = owners.isOpen(other);
      openLeft -= isOpen ? 1 : 0;
      const changesNothing = !isOpen && owners.endedAtMs.get(other) <= lastEndMs;
      const isNone = other === owner || owners.isUnresolved(other) || changesNothing;
      if (isNone || !this.#mayHold(other, owner)) {
        continue;
      }
      if (!isOpen) {
        lastEndMs = Math.max(lastEndMs, owners.endedAtMs.get(other));
        continue;
      }
      const releasesAtMs = owners.progressAtMs.get(other) + limits.stalledAfterMs;
      if (releasesAtMs > nowMs || verdicts.isWaiting(other)) {
        return held(other, releasesAtMs);
      }
      releasedAtMs = Math.max(releasedAtMs, releasesAtMs);
    }
    return none(lastEndMs);
  }

  /**
   * How sure it is that all holders of an owner's markers have ended: as sure as the least sure of their ends. `releasedAtMs`
   * is finite when a silent holder released them.
   */
  confidenceOf(owner: number, releasedAtMs: number): Confidence {
    const { owners, groups, inGroup } = this.#parts.store;
    const search = new Search(mostSearched(this.#parts.limits));
    let flags = this.#endFlagsOf(owner, search);
    for (const above of this.#holdersAbove(owner)) {
      flags |= above === ownerNotSearched ? doubtfulEnds : this.#endFlagsOf(above, search);
    }
    // Also owners that left nothing open: one that lives after all is a holder.
    const group = owners.group.get(owner);
    const isAnyDoubtful = groups.endFlags.get(group) !== 0;
    let other = isAnyDoubtful ? inGroup.first.get(group) : -1;
    for (; other !== -1; other = inGroup.after.get(other)) {
      this.#parts.lookups++;
      if (!search.reads()) {
        flags |= groups.endFlags.get(group);
        break;
      }
      const isOther = other !== owner && !owners.isUnresolved(other) && !owners.isOpen(other);
      if (isOther && this.#mayHold(other, owner)) {
        flags |= this.#endFlagsOf(other, search);
      }
    }
    if ((flags & spanFlags.endPresumed) !== 0) {
      return "presumed";
    }
    const isProbable = (flags & spanFlags.endProbable) !== 0 || Number.isFinite(releasedAtMs);
    return isProbable ? "probable" : "confirmed";
  }

  /**
   * Whether the markers of an owner were decided by `nowMs`: all its holders have ended, silent ones too, and the lateness is over. A
   * holder that a search did not reach does not count: what starts this late and is tracked may have ended long ago, and would be
   * evicted although it did; what is not tracked is no more than not seen.
   */
  isDecided(owner: number, nowMs: number): boolean {
    const { owners } = this.#parts.store;
    if (owners.isOpen(owner) || owners.isUnresolved(owner)) {
      return false;
    }
    const { holder, releasedAtMs, knownEndMs } = this.ofOwner(owner, nowMs);
    const isHeld = holder >= 0 || releasedAtMs > Number.NEGATIVE_INFINITY;
    return !isHeld && knownEndMs + this.#parts.limits.allowedLatenessMs <= nowMs;
  }

  /** Whether a start came before the end of an owner, in the order of its process. */
  isBeforeEnd(start: Moment, owner: number): boolean {
    const { store, limits } = this.#parts;
    return compareMoments(start, store.owners.endOf(owner), limits.allowedLatenessMs) < 0;
  }

  /** Whether an owner is a sub-agent, or directly below one without a tool or model call between. */
  isOfSubAgent(owner: number): boolean {
    return this.#parts.store.owners.hasFlag(this.#clusterOf(owner), ownerFlags.belowMarker);
  }

  /**
   * The flags of all runs of an owner together: `endProbable` and `endPresumed` are of interest. If the search is cut, those of all runs of
   * its session. A run that a report of an idle session may not have reached has ended as surely as those that it reached.
   */
  #endFlagsOf(owner: number, search: Search): number {
    const { spans, owners, groups, members } = this.#parts.store;
    const isUnsearched = groups.hasFlag(owners.group.get(owner), groupFlags.idleUnsearched);
    let flags = isUnsearched ? spanFlags.endProbable : 0;
    for (let span = members.first.get(owner); span !== -1; span = members.after.get(span)) {
      if (!search.reads()) {
        return flags | groups.endFlags.get(owners.group.get(owner));
      }
      flags |= spans.kind.get(span) === workKinds.run ? spans.flags.get(span) : 0;
    }
    return flags;
  }

  /**
   * The owners directly above an owner, in its process and then in other processes of its trace, the nearest first. The last is
   * `ownerNotSearched` if there are too many other processes.
   */
  #holdersAbove(owner: number): readonly number[] {
    const above: number[] = [];
    for (let at = owner; ; ) {
      this.#addDirectlyAbove(at, above);
      at = this.#elsewhereAbove(above.at(-1) ?? at);
      if (at === -1 || at === owner || above.includes(at) || above.length >= maxDepth) {
        return above;
      }
      above.push(at);
      if (at === ownerNotSearched) {
        return above;
      }
    }
  }

  /** The owner of another process that is directly above an owner; -1 when there is none. */
  #elsewhereAbove(owner: number): number {
    const { store, limits } = this.#parts;
    const { owners } = store;
    const next = owners.hasFlag(owner, ownerFlags.belowMarker) ? -1 : owners.above.get(owner);
    const isUnresolved = next !== -1 && owners.isUnresolved(next);
    const span = isUnresolved && limits.holdsAcrossProcesses ? owners.top.get(next) : -1;
    return span === -1 ? -1 : ownerElsewhere(store, span, mostSearched(limits));
  }

  /** Adds the owners of its process above an owner without a tool or model call between, the nearest first. */
  #addDirectlyAbove(owner: number, above: number[]): void {
    const { owners } = this.#parts.store;
    for (let at = owner; above.length < maxDepth; ) {
      const next = owners.hasFlag(at, ownerFlags.belowMarker) ? -1 : owners.above.get(at);
      if (next === -1 || owners.isUnresolved(next)) {
        return;
      }
      above.push(next);
      at = next;
    }
  }

  /** Whether `other`, of the same session, holds the markers of `owner` while it is open: see the class. */
  #mayHold(other: number, owner: number): boolean {
    const { owners } = this.#parts.store;
    const cluster = this.#clusterOf(other);
    if (cluster !== this.#clusterOf(owner)) {
      const isSubAgent = owners.hasFlag(cluster, ownerFlags.belowMarker);
      if (isSubAgent || this.#topOf(owner) === cluster) {
        return false;
      }
    }
    return (
      this.isBeforeEnd(owners.startOf(other), owner) &&
      (owners.isOpen(other) || this.isBeforeEnd(owners.startOf(owner), other))
    );
  }

  /** The topmost of the owners that are directly above each other. */
  #clusterOf(owner: number): number {
    const { owners } = this.#parts.store;
    let cluster = owner;
    for (let depth = 0; depth < maxDepth; depth++) {
      const next = owners.hasFlag(cluster, ownerFlags.belowMarker) ? -1 : owners.above.get(cluster);
      if (next === -1 || owners.isUnresolved(next)) {
        return cluster;
      }
      cluster = next;
    }
    return cluster;
  }

  /** The topmost owner above. */
  #topOf(owner: number): number {
    const { owners } = this.#parts.store;
    let top = owner;
    for (let depth = 0; depth < maxDepth; depth++) {
      const above = owners.above.get(top);
      if (above === -1 || owners.isUnresolved(above)) {
        return top;
      }
      top = above;
    }
    return top;
  }
}
