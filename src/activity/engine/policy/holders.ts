import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import type { Confidence } from "../../model/reasons.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { Verdicts } from "./verdicts.ts";

/** Longer chains of owners are cut, as those of spans are. */
const maxDepth = 200;

/** Who keeps markers from being orphans. */
export interface Hold {
  /** An open owner that holds them, or -1. */
  readonly holder: number;
  /** Of that holder: when it holds no longer if it makes no progress; Infinity when only its end counts. */
  readonly releasesAtMs: number;
  /** When the last holder that has ended did so, by arrival; -Infinity when there was none. */
  readonly lastEndMs: number;
  /** When the last silent holder let go; -Infinity when none did. */
  readonly releasedAtMs: number;
}

/** What it needs of the engine. */
interface HoldersParts {
  lookups: number;
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly verdicts: Verdicts;
}

/**
 * The holders of markers: their own run, the runs directly above that one, and the runs of the same session that were
 * open at the same time. A later run holds nothing; a sub-agent holds the tool that started it and no other; a silent
 * run of the last kind lets go after `stalledAfterMs`. Asks and changes nothing.
 */
export class Holders {
  readonly #parts: HoldersParts;

  constructor(parts: HoldersParts) {
    this.#parts = parts;
  }

  /** Of the markers of an owner that has ended. */
  ofOwner(owner: number, nowMs: number): Hold {
    const { owners, groups } = this.#parts.store;
    let lastEndMs = owners.endedAtMs.get(owner);
    let releasedAtMs = Number.NEGATIVE_INFINITY;
    for (const above of this.#directlyAbove(owner)) {
      if (owners.isOpen(above)) {
        return { holder: above, releasesAtMs: Number.POSITIVE_INFINITY, lastEndMs, releasedAtMs };
      }
      lastEndMs = Math.max(lastEndMs, owners.endedAtMs.get(above));
    }
    const group = owners.group.get(owner);
    if (groups.firstLive.get(group) === owner && owners.nextLive.get(owner) === -1) {
      return { holder: -1, releasesAtMs: Number.POSITIVE_INFINITY, lastEndMs, releasedAtMs };
    }
    const { live } = this.#parts.store;
    for (let other = live.first(group); other !== -1; other = live.after(other)) {
      this.#parts.lookups++;
      if (other === owner || owners.isUnresolved(other) || !this.#mayHold(other, owner)) {
        continue;
      }
      if (!owners.isOpen(other)) {
        lastEndMs = Math.max(lastEndMs, owners.endedAtMs.get(other));
        continue;
      }
      const releasesAtMs = owners.progressAtMs.get(other) + this.#parts.limits.stalledAfterMs;
      if (releasesAtMs > nowMs || this.#parts.verdicts.isWaiting(other)) {
        return { holder: other, releasesAtMs, lastEndMs, releasedAtMs };
      }
      releasedAtMs = Math.max(releasedAtMs, releasesAtMs);
    }
    return { holder: -1, releasesAtMs: Number.POSITIVE_INFINITY, lastEndMs, releasedAtMs };
  }

  /**
   * How sure it is that all holders of an owner's markers have ended, `releasedAtMs` when a silent one let go: as sure as the least
   * sure of their ends.
   */
  confidenceOf(owner: number, releasedAtMs: number): Confidence {
    const { owners, inGroup } = this.#parts.store;
    const holders = [owner, ...this.#directlyAbove(owner)];
    // Also those that left nothing behind: if one of them lives after all, it holds.
    for (const other of inGroup.all(owners.group.get(owner))) {
      this.#parts.lookups++;
      const isOther = other !== owner && !owners.isUnresolved(other) && !owners.isOpen(other);
      if (isOther && this.#mayHold(other, owner)) {
        holders.push(other);
      }
    }
    const flags = holders.map((holder) => this.#endFlagsOf(holder));
    if (flags.some((each) => (each & spanFlags.endPresumed) !== 0)) {
      return "presumed";
    }
    const isProbable = flags.some((each) => (each & spanFlags.endProbable) !== 0);
    return isProbable || releasedAtMs > Number.NEGATIVE_INFINITY ? "probable" : "confirmed";
  }

  #endFlagsOf(owner: number): number {
    const { spans, members } = this.#parts.store;
    let flags = 0;
    for (let span = members.first(owner); span !== -1; span = members.after(span)) {
      flags |= spans.kind.get(span) === workKinds.run ? spans.flags.get(span) : 0;
    }
    return flags;
  }

  /**
   * Of a marker whose own run is not known: the runs of its session, else of its trace, that were open when it started;
   * else the next one that starts within the lateness, which may be its own, out of order. `lastEndMs` is -Infinity when
   * there is none. A run of another process that it names as its parent comes first.
   */
  ofUnresolvedMarker(marker: number): Hold {
    const { owners, spans } = this.#parts.store;
    const start: Moment = {
      atMs: spans.startedAtMs.get(marker),
      timeMs: spans.startMs.get(marker),
      seq: spans.seq.get(marker),
    };
    const elsewhere = this.#parentElsewhere(marker);
    let lastEndMs = Number.NEGATIVE_INFINITY;
    let next = -1;
    const releasedAtMs = Number.NEGATIVE_INFINITY;
    const releasesAtMs = Number.POSITIVE_INFINITY;
    for (const other of elsewhere === -1 ? this.#inScope(marker) : [elsewhere]) {
      this.#parts.lookups++;
      if (owners.hasFlag(this.#clusterOf(other), ownerFlags.belowMarker)) {
        continue; // A sub-agent holds the tool that it runs in, and stands in for no run above or beside that.
      }
      const isBefore = other === elsewhere || this.#compare(owners.startOf(other), start) <= 0;
      if (!isBefore) {
        const startedAtMs = owners.startedAtMs.get(other);
        const isInTime = startedAtMs <= start.atMs + this.#parts.limits.allowedLatenessMs;
        if (isInTime && (next === -1 || startedAtMs < owners.startedAtMs.get(next))) {
          next = other;
        }
      } else if (owners.isOpen(other)) {
        return { holder: other, releasesAtMs, lastEndMs, releasedAtMs };
      } else if (other === elsewhere || this.#compare(start, owners.endOf(other)) < 0) {
        lastEndMs = Math.max(lastEndMs, owners.endedAtMs.get(other));
      }
    }
    const wasHeld = spans.hasFlag(marker, spanFlags.wasHeld);
    if (lastEndMs === Number.NEGATIVE_INFINITY && next !== -1 && !wasHeld) {
      return owners.isOpen(next)
        ? { holder: next, releasesAtMs, lastEndMs, releasedAtMs }
        : { holder: -1, releasesAtMs, lastEndMs: owners.endedAtMs.get(next), releasedAtMs };
    }
    return { holder: -1, releasesAtMs, lastEndMs, releasedAtMs };
  }

  /** Whether a marker belongs to a run of another process that is not watched any more. */
  isOfUnwatched(marker: number): boolean {
    const { owners } = this.#parts.store;
    const elsewhere = this.#parentElsewhere(marker);
    return (
      elsewhere !== -1 &&
      owners.hasFlag(elsewhere, ownerFlags.unwatched) &&
      !owners.isOpen(elsewhere)
    );
  }

  /** Whether an owner that may hold a marker of which the own run is not known was open when that started. */
  wasOpenAt(owner: number, marker: number): boolean {
    const { owners, spans, groups } = this.#parts.store;
    const group = this.#parts.store.groupOf(marker);
    const isOfSession = group !== -1 && groups.hasFlag(group, groupFlags.hadOwner);
    if (isOfSession && owners.group.get(owner) !== group) {
      return false;
    }
    const start: Moment = {
      atMs: spans.startedAtMs.get(marker),
      timeMs: spans.startMs.get(marker),
      seq: spans.seq.get(marker),
    };
    return (
      this.#compare(owners.startOf(owner), start) <= 0 &&
      (owners.isOpen(owner) || this.#compare(start, owners.endOf(owner)) < 0)
    );
  }

  /** Whether any run is known that a marker without a run of its own could belong to. */
  hasScope(marker: number): boolean {
    const { spans, groups, traces } = this.#parts.store;
    const group = this.#parts.store.groupOf(marker);
    return (
      (group !== -1 && groups.hasFlag(group, groupFlags.hadOwner)) ||
      traces.hadOwner.get(spans.trace.get(marker)) === 1
    );
  }

  /** Whether the owner's end was judged by `nowMs`: all its holders have ended, silent ones too, and the lateness is over. */
  isDecided(owner: number, nowMs: number): boolean {
    const { owners } = this.#parts.store;
    if (owners.isOpen(owner) || owners.isUnresolved(owner)) {
      return false;
    }
    const { holder, releasedAtMs, lastEndMs } = this.ofOwner(owner, nowMs);
    const isHeld = holder !== -1 || releasedAtMs > Number.NEGATIVE_INFINITY;
    return !isHeld && lastEndMs + this.#parts.limits.allowedLatenessMs <= nowMs;
  }

  /** Whether a start came before the end of an owner, in the order of its process. */
  isBeforeEnd(start: Moment, owner: number): boolean {
    return this.#compare(start, this.#parts.store.owners.endOf(owner)) < 0;
  }

  /** The runs directly above an owner's: no tool or model call between. */
  #directlyAbove(owner: number): readonly number[] {
    const { owners } = this.#parts.store;
    if (owners.above.get(owner) === -1) {
      return [];
    }
    const above: number[] = [];
    for (let at = owner; above.length < maxDepth; ) {
      const next = owners.hasFlag(at, ownerFlags.belowMarker) ? -1 : owners.above.get(at);
      if (next === -1 || owners.isUnresolved(next)) {
        return above;
      }
      above.push(next);
      at = next;
    }
    return above;
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
    const startsBefore = (a: number, b: number) =>
      this.#compare(owners.startOf(a), owners.endOf(b)) < 0;
    return startsBefore(other, owner) && (owners.isOpen(other) || startsBefore(owner, other));
  }

  /** The topmost owner of those that stand directly below each other. */
  #clusterOf(owner: number): number {
    return this.#directlyAbove(owner).at(-1) ?? owner;
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

  #inScope(marker: number): readonly number[] {
    const { owners, groups, spans, live, inTrace } = this.#parts.store;
    const group = this.#parts.store.groupOf(marker);
    return group !== -1 && groups.hasFlag(group, groupFlags.hadOwner)
      ? live.all(group).filter((owner) => !owners.isUnresolved(owner))
      : inTrace.all(spans.trace.get(marker));
  }

  /** The owner of the run in another process of the trace that is named above the marker; -1 when there is none. */
  #parentElsewhere(marker: number): number {
    const { spans, traces, tree } = this.#parts.store;
    const root = tree.rootOf(marker);
    if (spans.state.get(root) !== spanStates.unknown) {
      return -1;
    }
    let found = -1;
    traces.eachElsewhere(spans.trace.get(root), (trace) => {
      const run = spans.find(trace, spans.id0.get(root), spans.id1.get(root));
      found = run === -1 || found !== -1 ? found : this.#ownerOfRun(run);
    });
    return found;
  }

  #ownerOfRun(run: number): number {
    const { spans, owners } = this.#parts.store;
    const owner = spans.owner.get(run);
    const isRun = spans.kind.get(run) === workKinds.run;
    return !isRun || owner === -1 || owners.isUnresolved(owner) ? -1 : owner;
  }

  #compare(a: Moment, b: Moment): number {
    return compareMoments(a, b, this.#parts.limits.allowedLatenessMs);
  }
}
