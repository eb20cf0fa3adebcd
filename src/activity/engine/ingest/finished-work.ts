import { sourceRanks } from "../../model/dialects.ts";
import { type ActivityLimits, mostSearchedTogether } from "../../model/limits.ts";
import { reasonOf, reasons } from "../../model/reasons.ts";
import { workKinds } from "../../model/work.ts";
import type { Evictions } from "../policy/evictions.ts";
import type { Ownership } from "../policy/ownership.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { SplitRuns } from "../policy/split-runs.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import type { Retention } from "../store/retention.ts";
import { Search } from "../store/search.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import { LateEnds } from "./late-ends.ts";
import type { OpenItems } from "./open-items.ts";
import type { RequestRecords } from "./request-records.ts";

/** Spans that end this close to each other were ended together. */
const togetherMs = 250;
/**
 * A sender's times cannot be further apart than the arrivals of what they describe, except for a delay on the way. At least this
 * much delay is allowed; with more, one of the clocks was set in between.
 */
const minDelayMs = 10_000;

/** What it needs of the engine. */
interface FinishedWorkParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly retention: Retention;
  readonly processes: ProcessLiveness;
  readonly ownership: Ownership;
  readonly splitRuns: SplitRuns;
  readonly evictions: Evictions;
  readonly openItems: OpenItems;
  readonly requests: RequestRecords;
}

/**
 * Decides whether work that arrived finished ended by itself or was an orphan: a marker that outlived its owner and was ended
 * together with others, as an SDK does when it stops, was closed by somebody else (I4). It may be one of the open items that a
 * harness run counted hours before, so the two are compared by name. A harness run that arrived finished without its run waits
 * here, too, because the run may arrive in another trace.
 *
 * Work waits in the queue of undecided spans in `Retention`, whose bound holds for it: for a lateness, or until its owner is
 * decided. Keeps the last markers that outlived their owner; see `LateEnds`.
 */
export class FinishedWork {
  readonly #parts: FinishedWorkParts;
  readonly #lateEnds: LateEnds;

  constructor(parts: FinishedWorkParts) {
    this.#parts = parts;
    this.#lateEnds = new LateEnds(parts.store);
  }

  snapshot(io: SnapshotStream): void {
    this.#lateEnds.snapshot(io);
  }

  /** A marker arrived finished. One that outlived its owner may have been ended together with others. */
  add(span: number): void {
    const { limits, store } = this.#parts;
    const { spans } = store;
    if (
      this.#outlivedMs(span, spans.owner.get(span)) > limits.allowedLatenessMs &&
      !spans.hasFlag(span, spanFlags.detached)
    ) {
      this.#lateEnds.add(span);
    }
  }

  /** Must be called before the row of a span is removed. */
  forgetSpan(span: number): void {
    this.#lateEnds.forgetSpan(span);
  }

  /** When the next finished marker among the members of an owner is decided; Infinity when none waits. */
  nextOfMembersMs(owner: number): number {
    const { limits, store } = this.#parts;
    const { spans, members } = store;
    let nextMs = Number.POSITIVE_INFINITY;
    for (let span = members.first.get(owner); span !== -1; span = members.after.get(span)) {
      const isMarker = spans.kind.get(span) !== workKinds.run;
      if (isMarker && spans.hasFlag(span, spanFlags.undecided)) {
        nextMs = Math.min(nextMs, spans.seenAtMs.get(span) + limits.allowedLatenessMs);
      }
    }
    return nextMs;
  }

  /**
   * Decides the finished work among the members, unless others that were ended together with it may still arrive. Of an owner with more
   * members than searches read only what was found, and `oldest`, if given: the rest is decided in its turn. Returns how many were decided.
   */
  decideMembers(owner: number, atMs: number, oldest = -1): number {
    const { limits, store } = this.#parts;
    const { spans, owners, members, groups } = store;
    const search = new Search(mostSearchedTogether(limits));
    const undecided = new Set<number>();
    for (
      let span = members.first.get(owner);
      span !== -1 && search.reads();
      span = members.after.get(span)
    ) {
      const isOver = spans.seenAtMs.get(span) + limits.allowedLatenessMs <= atMs;
      const isUndecided = spans.hasFlag(span, spanFlags.undecided);
      if (isUndecided && (isOver || this.#hasEndedItself(span, owner))) {
        undecided.add(span);
      }
    }
    if (search.isCut && oldest !== -1) {
      undecided.add(oldest);
    }
    if (undecided.size === 0) {
      return 0;
    }
    const channel = groups.channel.get(owners.group.get(owner));
    const isEndReported = this.#isEndReported(owner);
    const orphans = [...undecided].filter((span) =>
      this.#decide(span, owner, { atMs, isEndReported }),
    );
    this.#emit(orphans, channel, atMs);
    return undecided.size;
  }

  /** When the work that has waited longest has waited for the lateness; Infinity when none waits. */
  get nextMs(): number {
    const { limits, store, retention } = this.#parts;
    const span = retention.oldestUndecided();
    return span === -1
      ? Number.POSITIVE_INFINITY
      : store.spans.seenAtMs.get(span) + limits.allowedLatenessMs;
  }

  /** Decides that work, as of `nextMs`, and if its owner has ended, the work of the owner that is due. Returns how many were decided. */
  decideNext(): number {
    const { store, retention, ownership } = this.#parts;
    const { spans, owners, groups } = store;
    const dueMs = this.nextMs;
    const span = retention.oldestUndecided();
    const owner = spans.owner.get(span);
    let decided = 1;
    if (owner !== -1 && ownership.hasEnded(owner)) {
      decided = this.decideMembers(owner, dueMs, span);
    } else {
      const channel = owner === -1 ? 0 : groups.channel.get(owners.group.get(owner));
      if (this.#decide(span, owner, { atMs: dueMs, isEndReported: false })) {
        this.#emit([span], channel, dueMs);
      }
    }
    retention.dropExcess();
    return decided;
  }

  /** Whether nothing that still arrives can make it an orphan. */
  #hasEndedItself(span: number, owner: number): boolean {
    const { limits, store } = this.#parts;
    return (
      !store.spans.hasFlag(span, spanFlags.closedByRun) &&
      this.#outlivedMs(span, owner) <= limits.allowedLatenessMs
    );
  }

  /**
   * Decides one piece of finished work; true when it is an orphan that was not counted before. `isEndReported`: whether its owner has ended
   * and it is known when.
   */
  #decide(
    span: number,
    owner: number,
    { atMs, isEndReported }: { readonly atMs: number; readonly isEndReported: boolean },
  ): boolean {
    const { store, openWork, splitRuns, openItems, requests } = this.#parts;
    const { spans, owners } = store;
    if (spans.kind.get(span) === workKinds.run) {
      openWork.finish(span, atMs, { isCounted: !splitRuns.isSplit(span, atMs) });
      return false;
    }
    const outlivedMs = this.#outlivedMs(span, owner);
    const isOrphan = this.#isOrphan(span, owner, isEndReported ? outlivedMs : 0);
    const lateByMs = requests.evicted.lateByMs.get(span);
    if (lateByMs !== undefined) {
      requests.evicted.lateByMs.delete(span);
      if (isOrphan) {
        openWork.markOrphaned(span, { isCounted: true, atMs });
      } else {
        openWork.markFalsePositive(span, atMs, lateByMs);
      }
      return false;
    }
    const unnamed = owner === -1 ? 0 : owners.unnamed.get(owner);
    const isTool = spans.kind.get(span) === workKinds.tool;
    if (unnamed > 0 && isTool && this.#wasOwned(span, owner)) {
      // It was counted as evicted without a name. Had it arrived in time and ended by itself, it would not have been.
      owners.unnamed.set(owner, unnamed - 1);
      if (isOrphan) {
        openWork.markOrphaned(span, { isCounted: true, atMs });
      } else {
        openWork.markFalsePositive(span, atMs);
      }
      return false;
    }
    if (isOrphan) {
      if (owner !== -1) {
        openItems.recordActive(span, owner);
      }
      openWork.markOrphaned(span, { isCounted: false, atMs });
      return true;
    }
    if (owner !== -1) {
      openItems.recordEnd(span, owner, outlivedMs > 0);
    }
    openWork.finish(span, atMs);
    return false;
  }

  #isOrphan(span: number, owner: number, outlivedMs: number): boolean {
    const { limits, store, processes, ownership } = this.#parts;
    const { spans, traces } = store;
    const process = traces.process.get(spans.trace.get(span));
    if (
      processes.sourceOf(process) === sourceRanks.relay &&
      !spans.hasFlag(span, spanFlags.relayed)
    ) {
      return false; // The relay reports the work of this process better.
    }
    // Nothing closes what an owner leaves open before the owner ends.
    const hasOwnerEnded = owner !== -1 && ownership.hasEnded(owner);
    return (
      (spans.hasFlag(span, spanFlags.closedByRun) && hasOwnerEnded) ||
      (outlivedMs > limits.allowedLatenessMs && this.#wasClosedByOther(span))
    );
  }

  /**
   * Whether it is known when an owner ended: a run that was evicted for its silence may have continued for long. Not known where the owner
   * has more members than a search reads.
   */
  #isEndReported(owner: number): boolean {
    const { store, limits } = this.#parts;
    const { spans, members } = store;
    const search = new Search(mostSearchedTogether(limits));
    for (let span = members.first.get(owner); span !== -1; span = members.after.get(span)) {
      if (!search.reads()) {
        return false;
      }
      if (spans.kind.get(span) === workKinds.run) {
        const state = spans.state.get(span);
        const reason = state === spanStates.evicted ? reasonOf(spans.reason.get(span)) : undefined;
        const isKnown = reason === undefined || reasons[reason].isEndKnown;
        if (!isKnown || state === spanStates.untracked) {
          return false;
        }
      }
    }
    return true;
  }

  /**
   * Whether a marker that outlived its owner was ended by somebody else. OpenClaw ends what is left when it stops; other senders
   * are believed to do so only when several markers ended at once.
   */
  #wasClosedByOther(span: number): boolean {
    const { spans, tree } = this.#parts.store;
    if (this.#hasOwnOutcome(span) || spans.hasFlag(span, spanFlags.detached)) {
      return false; // It may have continued and ended by itself.
    }
    if (spans.hasFlag(span, spanFlags.openclaw)) {
      return true;
    }
    const endMs = spans.closedMs.get(span);
    return this.#lateEnds.sameProcess(span).some(
      (other) =>
        other !== span &&
        !this.#hasOwnOutcome(other) &&
        Math.abs(spans.closedMs.get(other) - endMs) <= togetherMs &&
        // A tool that ends with the one inside it has ended by itself.
        !tree.isAncestor(span, other) &&
        !tree.isAncestor(other, span),
    );
  }

  #hasOwnOutcome(span: number): boolean {
    const { spans } = this.#parts.store;
    return spans.hasFlag(span, spanFlags.failed) || spans.hasFlag(span, spanFlags.hasOutcome);
  }

  #emit(orphans: readonly number[], channel: number, atMs: number): void {
    const { store, evictions } = this.#parts;
    const reason = "orphaned_no_owner";
    const isReported = (span: number) => store.spans.hasFlag(span, spanFlags.closedByRun);
    const reported = orphans.filter(isReported);
    const inferred = orphans.filter((span) => !isReported(span));
    if (reported.length > 0) {
      evictions.emit(reported, { reason, channel, atMs });
    }
    if (inferred.length > 0) {
      evictions.emit(inferred, { reason, confidence: "probable", channel, atMs });
    }
  }

  /**
   * By how much a marker outlived its owner by the clock of their process. 0 while the owner is open, and where it may not have
   * been the last owner. Where that clock was set in between only the arrivals count, which show no more than that the marker
   * ended after its owner.
   */
  #outlivedMs(span: number, owner: number): number {
    const { limits, store } = this.#parts;
    const { spans, owners, downtime } = store;
    if (owner === -1 || !this.#wasOwned(span, owner)) {
      return 0;
    }
    const outlivedMs = spans.closedMs.get(span) - owners.endMs.get(owner);
    const laterMs = downtime.elapsedMs(owners.endedAtMs.get(owner), spans.seenAtMs.get(span));
    return outlivedMs <= laterMs + Math.max(limits.allowedLatenessMs, minDelayMs)
      ? outlivedMs
      : Math.min(laterMs, limits.allowedLatenessMs);
  }

  /** Whether an owner that has ended may have been the last: not if the marker began later, or below a run that has not arrived. */
  #wasOwned(span: number, owner: number): boolean {
    const { store, ownership } = this.#parts;
    const { spans, owners, tree } = store;
    const ownerEndMs = owners.endMs.get(owner);
    return (
      ownership.hasEnded(owner) &&
      ownerEndMs > 0 &&
      spans.startMs.get(span) <= ownerEndMs &&
      !tree.hasUnknownAncestor(span)
    );
  }
}
