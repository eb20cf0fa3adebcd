import { evictionReasons, workKinds } from "../kinds.ts";
import { sourceRanks } from "../signals/dialects.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { Archive } from "./archive.ts";
import type { Evictions } from "./evictions.ts";
import type { Ownership } from "./ownership.ts";
import type { ProcessWatch } from "./process-watch.ts";
import { spanFlags, spanStates } from "./span-table.ts";
import type { Tombstones } from "./tombstones.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** Spans that end this close to each other were ended together. */
const togetherMs = 1_000;
/** Late ends of one process that are remembered. */
const mostLateEnds = 64;

/**
 * What work that came finished says of orphans: a marker that outlived its owner and was ended together with others, as
 * an SDK does when it stops, was closed by somebody else (I4), and a harness run counts the items it left open (I3). Both
 * often speak of the same marker, hours apart, so what is known by name is taken off the count.
 */
export class FinishedWork {
  readonly #allowedLatenessMs: number;
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;
  readonly #tombstones: Tombstones;
  readonly #processes: ProcessWatch;
  readonly #ownership: Ownership;
  readonly #evictions: Evictions;
  /** Process → the last markers that outlived their owner. */
  readonly #lateEnds = new Map<number, number[]>();

  constructor(parts: {
    readonly allowedLatenessMs: number;
    readonly graph: ActivityGraph;
    readonly ledger: WorkLedger;
    readonly tombstones: Tombstones;
    readonly processes: ProcessWatch;
    readonly ownership: Ownership;
    readonly evictions: Evictions;
  }) {
    this.#allowedLatenessMs = parts.allowedLatenessMs;
    this.#graph = parts.graph;
    this.#ledger = parts.ledger;
    this.#tombstones = parts.tombstones;
    this.#processes = parts.processes;
    this.#ownership = parts.ownership;
    this.#evictions = parts.evictions;
  }

  archive(io: Archive): void {
    const processes = io.numbers([...this.#lateEnds.keys()]);
    const ends = [...this.#lateEnds.values()];
    for (const [at, process] of processes.entries()) {
      this.#lateEnds.set(process, io.numbers(ends[at] ?? []));
    }
  }

  /** A marker came finished. One that outlived its owner may have been ended together with others. */
  note(span: number): void {
    const { spans, owners, traces } = this.#graph;
    const owner = spans.owner.get(span);
    if (owner === -1 || owners.isOpen(owner) || owners.isLoose(owner)) {
      return;
    }
    if (spans.endMs.get(span) - owners.endMs.get(owner) <= this.#allowedLatenessMs) {
      return;
    }
    const process = traces.process.get(spans.trace.get(span));
    const late = this.#lateEnds.get(process) ?? [];
    late.push(span);
    this.#lateEnds.set(process, late.slice(-mostLateEnds));
  }

  /** The row of a span is given up. */
  forgetSpan(span: number): void {
    const { spans, traces } = this.#graph;
    const process = this.#lateEnds.size === 0 ? -1 : traces.process.get(spans.trace.get(span));
    const late = this.#lateEnds.get(process);
    const at = late?.indexOf(span) ?? -1;
    if (at !== -1) {
      late?.splice(at, 1);
    }
  }

  /** When the next finished work among the members is decided; Infinity when none waits. */
  nextOfMembersMs(owner: number): number {
    const { spans, members } = this.#graph;
    let nextMs = Number.POSITIVE_INFINITY;
    for (let span = members.first(owner); span !== -1; span = members.after(span)) {
      if (spans.hasFlag(span, spanFlags.undecided)) {
        nextMs = Math.min(nextMs, spans.seenAtMs.get(span) + this.#allowedLatenessMs);
      }
    }
    return nextMs;
  }

  /** Decides the finished work among the members, unless others that were ended together with it may be on their way. */
  settleMembers(owner: number, ownerEndMs: number, atMs: number): void {
    const { spans, owners, members } = this.#graph;
    const undecided = members
      .all(owner)
      .filter(
        (span) =>
          spans.hasFlag(span, spanFlags.undecided) &&
          (spans.seenAtMs.get(span) + this.#allowedLatenessMs <= atMs ||
            this.#hasEndedItself(span, ownerEndMs)),
      );
    if (undecided.length === 0) {
      return;
    }
    const channel = this.#graph.groups.channel.get(owners.group.get(owner));
    const orphans = undecided.filter((span) => this.#settle(span, owner, ownerEndMs, atMs));
    this.#emit(orphans, channel, atMs);
  }

  /** Whether nothing that is still to come can make it an orphan. */
  #hasEndedItself(span: number, ownerEndMs: number): boolean {
    const { spans } = this.#graph;
    const outlivedMs = spans.endMs.get(span) - ownerEndMs;
    return (
      Number.isFinite(ownerEndMs) &&
      !spans.hasFlag(span, spanFlags.closedByRun) &&
      outlivedMs <= this.#allowedLatenessMs
    );
  }

  /** Decides one piece of finished work; true when it is an orphan that was not counted before. */
  #settle(span: number, owner: number, ownerEndMs: number, atMs: number): boolean {
    const { spans, owners } = this.#graph;
    const outlivedMs = this.#wasOwned(span, ownerEndMs) ? spans.endMs.get(span) - ownerEndMs : 0;
    const isOrphan =
      !this.#isSuperseded(span) &&
      (spans.hasFlag(span, spanFlags.closedByRun) ||
        (outlivedMs > this.#allowedLatenessMs &&
          this.#isEndReported(owner) &&
          this.#wasClosedByOther(span)));
    const wasGuessed = owner !== -1 && owners.anonymous.get(owner) > 0;
    if (isOrphan) {
      if (wasGuessed) {
        addTo(owners.anonymous, owner, -1);
      } else if (owner !== -1) {
        addTo(owners.explained, owner, 1);
      }
      this.#ledger.condemn(span, { isCounted: wasGuessed, atMs });
      return !wasGuessed;
    }
    if (outlivedMs > 0 && wasGuessed) {
      addTo(owners.anonymous, owner, -1);
      this.#ledger.absolve(span, atMs);
      return false;
    }
    if (owner !== -1) {
      this.noteEnd(span, owner, outlivedMs > 0);
    }
    this.#ledger.finish(span, atMs);
    return false;
  }

  /** Whether it is known when an owner ended: one that was evicted for its silence may have gone on for long. */
  #isEndReported(owner: number): boolean {
    const { spans, members } = this.#graph;
    return members
      .all(owner)
      .every(
        (span) =>
          spans.kind.get(span) !== workKinds.run ||
          spans.state.get(span) !== spanStates.evicted ||
          evictionReasons[spans.reason.get(span)] === "session_ended",
      );
  }

  /**
   * Whether a marker that outlived its owner was ended by somebody else: OpenClaw ends what is left when it stops; of
   * others only that several ended at once says so.
   */
  #wasClosedByOther(span: number): boolean {
    const { spans, traces } = this.#graph;
    if (spans.hasFlag(span, spanFlags.failed)) {
      return false; // It has an outcome of its own.
    }
    if (spans.hasFlag(span, spanFlags.openclaw)) {
      return true;
    }
    const endMs = spans.endMs.get(span);
    const late = this.#lateEnds.get(traces.process.get(spans.trace.get(span))) ?? [];
    return late.some(
      (other) =>
        other !== span &&
        Math.abs(spans.endMs.get(other) - endMs) <= togetherMs &&
        // A tool that ends with the one inside it has ended by itself.
        !this.#graph.tree.isAbove(span, other) &&
        !this.#graph.tree.isAbove(other, span),
    );
  }

  #emit(orphans: readonly number[], channel: number, atMs: number): void {
    const reason = "orphaned_no_owner";
    const { spans } = this.#graph;
    const byOwnWord = (span: number) => spans.hasFlag(span, spanFlags.closedByRun);
    const reported = orphans.filter(byOwnWord);
    const inferred = orphans.filter((span) => !byOwnWord(span));
    if (reported.length > 0) {
      this.#evictions.emit(reported, { reason, channel, atMs });
    }
    if (inferred.length > 0) {
      this.#evictions.emit(inferred, { reason, confidence: "probable", channel, atMs });
    }
  }

  /** Whether a run that ended at `ownerEndMs` may have been the last owner: not of what began later, or below a run that has not arrived. */
  #wasOwned(span: number, ownerEndMs: number): boolean {
    const { spans } = this.#graph;
    return (
      Number.isFinite(ownerEndMs) &&
      ownerEndMs > 0 &&
      spans.startMs.get(span) <= ownerEndMs &&
      !this.#graph.tree.hasUnknownAbove(span)
    );
  }

  /** Reported by a source that is not its process's best. */
  #isSuperseded(span: number): boolean {
    const { spans, traces } = this.#graph;
    const process = traces.process.get(spans.trace.get(span));
    return (
      this.#processes.sourceOf(process) === sourceRanks.relay &&
      !spans.hasFlag(span, spanFlags.relayed)
    );
  }

  /** A marker of the owner ended by itself; a harness run that counted open items must account for it. */
  noteEnd(span: number, owner: number, isAfterOwner: boolean): void {
    const { owners, spans } = this.#graph;
    if (isAfterOwner) {
      addTo(owners.explained, owner, 1);
    } else if (spans.kind.get(span) === workKinds.tool) {
      addTo(owners.finishedTools, owner, 1);
    }
  }

  /** When the next finished work has waited for the lateness without its owner's end; Infinity when none waits. */
  get nextMs(): number {
    const span = this.#tombstones.longestUndecided();
    return span === -1
      ? Number.POSITIVE_INFINITY
      : this.#graph.spans.seenAtMs.get(span) + this.#allowedLatenessMs;
  }

  /** Decides that work, as of `nextMs`, and with it what else of its owner is due. */
  settleNext(): void {
    const { spans, owners, groups } = this.#graph;
    const dueMs = this.nextMs;
    const span = this.#tombstones.longestUndecided();
    const owner = spans.owner.get(span);
    if (owner !== -1 && this.#ownership.isEnding(owner)) {
      this.settleMembers(owner, owners.endMs.get(owner), dueMs);
    } else {
      const channel = owner === -1 ? 0 : groups.channel.get(owners.group.get(owner));
      if (this.#settle(span, owner, Number.NEGATIVE_INFINITY, dueMs)) {
        this.#emit([span], channel, dueMs);
      }
    }
    this.#tombstones.forgetExcess();
  }

  /**
   * How many markers a harness run's count of open items still stands for, once what is known by name
   * is taken off. A harness run that does not count tools as completed which did finish has lost track
   * (OpenClaw does, when a turn is aborted): its count then means nothing.
   */
  guessed(owner: number, orphans: number): number {
    const { owners } = this.#graph;
    const claimed = owners.claimed.get(owner);
    if (claimed === 0) {
      return 0;
    }
    const hasLostTrack = owners.finishedTools.get(owner) > owners.completed.get(owner);
    const open = owners.openMarkers.get(owner);
    const named = owners.explained.get(owner) + Math.max(open, orphans);
    for (const column of [
      owners.claimed,
      owners.completed,
      owners.finishedTools,
      owners.explained,
    ]) {
      column.set(owner, 0);
    }
    // A source that reports every start needs no count of what is open.
    const isCountNeeded =
      this.#processes.sourceOf(owners.process.get(owner)) === sourceRanks.finishedSpans;
    return hasLostTrack || !isCountNeeded ? 0 : Math.max(0, claimed - named);
  }
}

function addTo(
  column: { get(row: number): number; set(row: number, value: number): void },
  row: number,
  by: number,
): void {
  column.set(row, column.get(row) + by);
}
