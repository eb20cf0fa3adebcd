import { sourceRanks } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { reasonOf, reasons } from "../../model/reasons.ts";
import { workKinds } from "../../model/work.ts";
import type { Evictions } from "../policy/evictions.ts";
import type { Ownership } from "../policy/ownership.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { SplitRuns } from "../policy/split-runs.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import type { Retention } from "../store/retention.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { RequestedTools } from "./requested-tools.ts";
import { lacksInnerRun } from "./split-traces.ts";

/** Spans that end this close to each other were ended together. */
const togetherMs = 250;
/**
 * A sender's times cannot lie further apart than what they speak of arrived, but for a delay on the way. So long a delay
 * is granted at least: then one of the clocks was set in between.
 */
const leastDelayMs = 10_000;
/** A tool is at most so many items. */
const mostItemsOfTool = 2;
/** Late ends of one process that are remembered. */
const mostLateEnds = 64;

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
  readonly requested: RequestedTools;
}

/**
 * What work that came finished says of orphans: a marker that outlived its owner and was ended together with others, as
 * an SDK does when it stops, was closed by somebody else (I4), and a harness run counts the items it left open (I3). Both
 * often speak of the same marker, hours apart, so what is known by name is taken off the count.
 *
 * Items are not tools: OpenClaw counts a command beside the tool that runs it, and leaves both open when it aborts the
 * tool, although that has ended. So of the open items only those count that the tools which are known cannot be.
 *
 * A harness run that came finished without its run waits here, too: that may come in another trace, and is the same run.
 */
export class FinishedWork {
  readonly #parts: FinishedWorkParts;
  /** Process → the last markers that outlived their owner. */
  readonly #lateEnds = new Map<number, number[]>();

  constructor(parts: FinishedWorkParts) {
    this.#parts = parts;
  }

  snapshot(io: SnapshotStream): void {
    const processes = io.numbers([...this.#lateEnds.keys()]);
    const ends = [...this.#lateEnds.values()];
    for (const [at, process] of processes.entries()) {
      this.#lateEnds.set(process, io.numbers(ends[at] ?? []));
    }
  }

  /** A marker came finished. One that outlived its owner may have been ended together with others. */
  add(span: number): void {
    const { spans, traces } = this.#parts.store;
    const outlivedMs = this.#outlivedMs(span, spans.owner.get(span));
    if (
      outlivedMs <= this.#parts.limits.allowedLatenessMs ||
      spans.hasFlag(span, spanFlags.detached)
    ) {
      return;
    }
    const process = traces.process.get(spans.trace.get(span));
    const late = this.#lateEnds.get(process) ?? [];
    late.push(span);
    this.#lateEnds.set(process, late.slice(-mostLateEnds));
  }

  /** The row of a span is given up. */
  forgetSpan(span: number): void {
    const { spans, traces } = this.#parts.store;
    const process = this.#lateEnds.size === 0 ? -1 : traces.process.get(spans.trace.get(span));
    const late = this.#lateEnds.get(process);
    const at = late?.indexOf(span) ?? -1;
    if (at !== -1) {
      late?.splice(at, 1);
    }
    if (late?.length === 0) {
      this.#lateEnds.delete(process);
    }
  }

  /** When the next finished work among the members is decided; Infinity when none waits. */
  nextOfMembersMs(owner: number): number {
    const { spans, members } = this.#parts.store;
    let nextMs = Number.POSITIVE_INFINITY;
    for (let span = members.first(owner); span !== -1; span = members.after(span)) {
      const isMarker = spans.kind.get(span) !== workKinds.run;
      if (isMarker && spans.hasFlag(span, spanFlags.undecided)) {
        nextMs = Math.min(nextMs, spans.seenAtMs.get(span) + this.#parts.limits.allowedLatenessMs);
      }
    }
    return nextMs;
  }

  /** Decides the finished work among the members, unless others that were ended together with it may be on their way. */
  decideMembers(owner: number, atMs: number): void {
    const { spans, owners, members } = this.#parts.store;
    const undecided = members
      .all(owner)
      .filter(
        (span) =>
          spans.hasFlag(span, spanFlags.undecided) &&
          (spans.seenAtMs.get(span) + this.#parts.limits.allowedLatenessMs <= atMs ||
            this.#hasEndedItself(span, owner)),
      );
    if (undecided.length === 0) {
      return;
    }
    const channel = this.#parts.store.groups.channel.get(owners.group.get(owner));
    const orphans = undecided.filter((span) => this.#decide(span, owner, atMs));
    this.#emit(orphans, channel, atMs);
  }

  /** Whether nothing that is still to come can make it an orphan. */
  #hasEndedItself(span: number, owner: number): boolean {
    return (
      !this.#parts.store.spans.hasFlag(span, spanFlags.closedByRun) &&
      this.#outlivedMs(span, owner) <= this.#parts.limits.allowedLatenessMs
    );
  }

  /** Decides one piece of finished work; true when it is an orphan that was not counted before. */
  #decide(span: number, owner: number, atMs: number): boolean {
    const { spans, owners } = this.#parts.store;
    if (spans.kind.get(span) === workKinds.run) {
      this.#parts.openWork.finish(span, atMs, {
        isCounted: !this.#parts.splitRuns.isSplit(span, atMs),
      });
      return false;
    }
    const outlivedMs = this.#outlivedMs(span, owner);
    // Nothing closes what it leaves open before it ends.
    const hasOwnerEnded = owner !== -1 && this.#parts.ownership.hasEnded(owner);
    const isOrphan =
      !this.#isSuperseded(span) &&
      ((spans.hasFlag(span, spanFlags.closedByRun) && hasOwnerEnded) ||
        (outlivedMs > this.#parts.limits.allowedLatenessMs &&
          this.#isEndReported(owner) &&
          this.#wasClosedByOther(span)));
    const lateByMs = this.#parts.requested.takeLateness(span);
    if (lateByMs !== undefined) {
      if (isOrphan) {
        this.#parts.openWork.markOrphaned(span, { isCounted: true, atMs });
      } else {
        this.#parts.openWork.markFalsePositive(span, atMs, lateByMs);
      }
      return false;
    }
    const wasGuessed =
      owner !== -1 &&
      owners.unnamed.get(owner) > 0 &&
      spans.kind.get(span) === workKinds.tool &&
      this.#wasOwned(span, owner);
    if (isOrphan) {
      if (wasGuessed) {
        addTo(owners.unnamed, owner, -1);
      } else if (owner !== -1) {
        this.recordActive(span, owner);
      }
      this.#parts.openWork.markOrphaned(span, { isCounted: wasGuessed, atMs });
      return !wasGuessed;
    }
    if (wasGuessed) {
      // Had it been known in time, it would have explained what was counted.
      addTo(owners.unnamed, owner, -1);
      this.#parts.openWork.markFalsePositive(span, atMs);
      return false;
    }
    if (owner !== -1) {
      this.recordEnd(span, owner, outlivedMs > 0);
    }
    this.#parts.openWork.finish(span, atMs);
    return false;
  }

  /** Whether it is known when an owner ended: a run that was evicted for its silence may have continued for long. */
  #isEndReported(owner: number): boolean {
    const { spans, members } = this.#parts.store;
    return members
      .all(owner)
      .filter((span) => spans.kind.get(span) === workKinds.run)
      .every((run) => {
        const state = spans.state.get(run);
        const reason = state === spanStates.evicted ? reasonOf(spans.reason.get(run)) : undefined;
        const isKnown = reason === undefined || reasons[reason].isEndKnown;
        return isKnown && state !== spanStates.untracked;
      });
  }

  /**
   * Whether a marker that outlived its owner was ended by somebody else: OpenClaw ends what is left when it stops; of
   * others only that several ended at once says so.
   */
  #wasClosedByOther(span: number): boolean {
    const { spans, traces } = this.#parts.store;
    if (this.#hasOwnOutcome(span) || spans.hasFlag(span, spanFlags.detached)) {
      return false; // It may have gone on by itself.
    }
    if (spans.hasFlag(span, spanFlags.openclaw)) {
      return true;
    }
    const endMs = spans.endMs.get(span);
    const late = this.#lateEnds.get(traces.process.get(spans.trace.get(span))) ?? [];
    return late.some(
      (other) =>
        other !== span &&
        !this.#hasOwnOutcome(other) &&
        Math.abs(spans.endMs.get(other) - endMs) <= togetherMs &&
        // A tool that ends with the one inside it has ended by itself.
        !this.#parts.store.tree.isAncestor(span, other) &&
        !this.#parts.store.tree.isAncestor(other, span),
    );
  }

  #hasOwnOutcome(span: number): boolean {
    const { spans } = this.#parts.store;
    return spans.hasFlag(span, spanFlags.failed) || spans.hasFlag(span, spanFlags.hasOutcome);
  }

  #emit(orphans: readonly number[], channel: number, atMs: number): void {
    const reason = "orphaned_no_owner";
    const { spans } = this.#parts.store;
    const byOwnWord = (span: number) => spans.hasFlag(span, spanFlags.closedByRun);
    const reported = orphans.filter(byOwnWord);
    const inferred = orphans.filter((span) => !byOwnWord(span));
    if (reported.length > 0) {
      this.#parts.evictions.emit(reported, { reason, channel, atMs });
    }
    if (inferred.length > 0) {
      this.#parts.evictions.emit(inferred, { reason, confidence: "probable", channel, atMs });
    }
  }

  /**
   * By how much a marker outlived its owner by the clock of their process. 0 while that is open, where it may not have been
   * the last owner (the marker began later, or below a run that has not arrived) and where a time is not set. Where that
   * clock was set in between only arrival is left to go by, which tells no more than that it ended after its owner.
   */
  #outlivedMs(span: number, owner: number): number {
    const { spans, owners, downtime } = this.#parts.store;
    if (owner === -1 || !this.#wasOwned(span, owner)) {
      return 0;
    }
    const outlivedMs = spans.endMs.get(span) - owners.endMs.get(owner);
    const laterMs = downtime.elapsedMs(owners.endedAtMs.get(owner), spans.seenAtMs.get(span));
    return outlivedMs <= laterMs + Math.max(this.#parts.limits.allowedLatenessMs, leastDelayMs)
      ? outlivedMs
      : Math.min(laterMs, this.#parts.limits.allowedLatenessMs);
  }

  /** Whether an owner that has ended may have been the last: not of what began later, or below a run that has not arrived. */
  #wasOwned(span: number, owner: number): boolean {
    const { spans, owners, tree } = this.#parts.store;
    const ownerEndMs = owners.endMs.get(owner);
    return (
      this.#parts.ownership.hasEnded(owner) &&
      ownerEndMs > 0 &&
      spans.startMs.get(span) <= ownerEndMs &&
      !tree.hasUnknownAncestor(span)
    );
  }

  /** Reported by a source that is not its process's best. */
  #isSuperseded(span: number): boolean {
    const { spans, traces } = this.#parts.store;
    const process = traces.process.get(spans.trace.get(span));
    return (
      this.#parts.processes.sourceOf(process) === sourceRanks.relay &&
      !spans.hasFlag(span, spanFlags.relayed)
    );
  }

  /** A marker of the owner ended by itself; a harness run that counted open items must account for it. */
  recordEnd(span: number, owner: number, isAfterOwner: boolean): void {
    const { owners, spans } = this.#parts.store;
    if (isAfterOwner) {
      this.recordActive(span, owner);
    } else if (spans.kind.get(span) === workKinds.tool) {
      addTo(owners.finishedTools, owner, 1);
      addTo(owners.finishedPairs, owner, this.#itemsOf(span) - 1);
    }
  }

  /** A marker that is known by name was open when its owner ended. */
  recordActive(span: number, owner: number): void {
    const { owners, spans } = this.#parts.store;
    if (spans.kind.get(span) === workKinds.tool) {
      addTo(owners.matched, owner, this.#itemsOf(span));
    }
  }

  /** As how many items a harness run may count a tool. */
  #itemsOf(tool: number): number {
    return this.#parts.store.spans.hasFlag(tool, spanFlags.countsTwoItems) ? mostItemsOfTool : 1;
  }

  /** When the next finished work has waited for the lateness without its owner's end; Infinity when none waits. */
  get nextMs(): number {
    const span = this.#parts.retention.oldestUndecided();
    return span === -1
      ? Number.POSITIVE_INFINITY
      : this.#parts.store.spans.seenAtMs.get(span) + this.#parts.limits.allowedLatenessMs;
  }

  /** Decides that work, as of `nextMs`, and with it what else of its owner is due. */
  decideNext(): void {
    const { spans, owners, groups } = this.#parts.store;
    const dueMs = this.nextMs;
    const span = this.#parts.retention.oldestUndecided();
    const owner = spans.owner.get(span);
    if (owner !== -1 && this.#parts.ownership.hasEnded(owner)) {
      this.decideMembers(owner, dueMs);
    } else {
      const channel = owner === -1 ? 0 : groups.channel.get(owners.group.get(owner));
      if (this.#decide(span, owner, dueMs)) {
        this.#emit([span], channel, dueMs);
      }
    }
    this.#parts.retention.dropExcess();
  }

  /**
   * How many tools a harness run's count of open items still stands for, at least, once the tools are taken off that are
   * known by name. Of those that ended before it some completed and the others may be open items of an aborted turn. Nothing
   * is known where fewer ended than completed, because their spans do not come, or more did: the harness run lost track.
   */
  takeUnnamed(owner: number, orphans: number): number {
    const { owners } = this.#parts.store;
    const claimed = owners.reportedOpen.get(owner);
    const completed = owners.reportedCompleted.get(owner);
    const tools = owners.finishedTools.get(owner);
    const pairs = owners.finishedPairs.get(owner);
    const active = owners.matched.get(owner);
    if (claimed === 0 || (tools + active === 0 && lacksInnerRun(this.#parts.store, owner))) {
      return 0; // Its run, and with it the tools, are in another trace that may be on its way.
    }
    for (const column of [
      owners.reportedOpen,
      owners.reportedCompleted,
      owners.finishedTools,
      owners.finishedPairs,
      owners.matched,
    ]) {
      column.set(owner, 0);
    }
    // A source that reports every start needs no count of what is open.
    const isCountNeeded =
      this.#parts.processes.sourceOf(owners.process.get(owner)) === sourceRanks.finishedSpans;
    if (!isCountNeeded || tools + pairs < completed || tools > completed) {
      return 0;
    }
    const isPairCountedOnce = completed % 2 === 1 && pairs === tools;
    const aborted = tools + pairs - completed - (isPairCountedOnce ? 1 : 0);
    const open = Math.max(owners.openMarkers.get(owner), orphans) * mostItemsOfTool;
    return Math.ceil(Math.max(0, claimed - aborted - active - open) / mostItemsOfTool);
  }
}

function addTo(
  column: { get(row: number): number; set(row: number, value: number): void },
  row: number,
  by: number,
): void {
  column.set(row, column.get(row) + by);
}
