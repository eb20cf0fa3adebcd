import { workKinds } from "../kinds.ts";
import { sourceRanks } from "../signals/dialects.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { Evictions } from "./evictions.ts";
import { groupFlags } from "./group-table.ts";
import type { Ownership } from "./ownership.ts";
import type { ProcessWatch } from "./process-watch.ts";
import { spanFlags, spanStates } from "./span-table.ts";
import type { Tombstones } from "./tombstones.ts";
import type { WorkLedger } from "./work-ledger.ts";

/**
 * What work that came finished says of orphans: a marker that outlived its owner was closed by somebody
 * else (I4), and a harness run counts the items it left open (I3). Both often speak of the same marker,
 * hours apart, so what is known by name is taken off the count.
 */
export class FinishedWork {
  readonly #allowedLatenessMs: number;
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;
  readonly #tombstones: Tombstones;
  readonly #processes: ProcessWatch;
  readonly #ownership: Ownership;
  readonly #evictions: Evictions;

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

  /** Decides the finished work among the members. */
  settleMembers(group: number, ownerEndMs: number, atMs: number): void {
    const { spans, groups } = this.#graph;
    const undecided: number[] = [];
    for (let span = groups.head.get(group); span !== -1; span = spans.nextMember.get(span)) {
      if (spans.hasFlag(span, spanFlags.undecided)) {
        undecided.push(span);
      }
    }
    const channel = groups.channel.get(group);
    const orphans = undecided.filter((span) => this.#settle(span, group, ownerEndMs, atMs));
    if (orphans.length > 0) {
      this.#evictions.tell(orphans, "orphaned_no_owner", channel, atMs);
    }
  }

  /** Decides one piece of finished work; true when it is an orphan that was not counted before. */
  #settle(span: number, group: number, ownerEndMs: number, atMs: number): boolean {
    const { spans, groups } = this.#graph;
    const outlivedMs = this.#wasOwned(span, ownerEndMs) ? spans.endMs.get(span) - ownerEndMs : 0;
    const isOrphan =
      !this.#isSuperseded(span) &&
      (spans.hasFlag(span, spanFlags.closedByRun) || outlivedMs > this.#allowedLatenessMs);
    // What was evicted by number had begun before that.
    const wasGuessed =
      group !== -1 &&
      groups.anonymous.get(group) > 0 &&
      spans.startMs.get(span) <= groups.cutoffMs.get(group);
    if (isOrphan) {
      if (wasGuessed) {
        addTo(groups.anonymous, group, -1);
      } else if (group !== -1) {
        addTo(groups.explained, group, 1);
      }
      this.#ledger.condemn(span, { isCounted: wasGuessed, atMs });
      return !wasGuessed;
    }
    if (outlivedMs > 0 && wasGuessed) {
      addTo(groups.anonymous, group, -1);
      this.#ledger.absolve(span, atMs);
      return false;
    }
    if (group !== -1) {
      this.noteEnd(span, group, outlivedMs > 0);
    }
    this.#ledger.finish(span, atMs);
    return false;
  }

  /** Whether a run that ended at `ownerEndMs` may have been the last owner: not of what began later, or below a run that has not arrived. */
  #wasOwned(span: number, ownerEndMs: number): boolean {
    const { spans } = this.#graph;
    return (
      Number.isFinite(ownerEndMs) &&
      spans.startMs.get(span) <= ownerEndMs &&
      !this.#graph.tree.hasUnknownAbove(span)
    );
  }

  /** Told by a source that is not its process's best. */
  #isSuperseded(span: number): boolean {
    const { spans, traces } = this.#graph;
    const process = traces.process.get(spans.trace.get(span));
    return (
      this.#processes.sourceOf(process) === sourceRanks.relay &&
      !spans.hasFlag(span, spanFlags.relayed)
    );
  }

  /** A marker of the group ended by itself; a harness run that counted open items must account for it. */
  noteEnd(span: number, group: number, isAfterOwner: boolean): void {
    const { groups, spans } = this.#graph;
    if (isAfterOwner) {
      addTo(groups.explained, group, 1);
    } else if (spans.kind.get(span) === workKinds.tool) {
      addTo(groups.finishedTools, group, 1);
    }
  }

  /** When the next finished work has waited for the lateness without its owner's end; Infinity when none waits. */
  get nextMs(): number {
    const span = this.#tombstones.longestUndecided();
    return span === -1
      ? Number.POSITIVE_INFINITY
      : this.#graph.spans.seenAtMs.get(span) + this.#allowedLatenessMs;
  }

  /** Decides that work, as of `nextMs`: it ended by itself, or its group's deadline will tell. */
  settleNext(): void {
    const dueMs = this.nextMs;
    const span = this.#tombstones.longestUndecided();
    const group = this.#graph.spans.group.get(span);
    if (group !== -1 && this.#ownership.isOwnerless(group) && !this.#ownership.isLoose(group)) {
      this.#tombstones.awaitGroup(span);
    } else {
      const channel = group === -1 ? 0 : this.#graph.groups.channel.get(group);
      if (this.#settle(span, group, Number.NEGATIVE_INFINITY, dueMs)) {
        this.#evictions.tell([span], "orphaned_no_owner", channel, dueMs);
      }
    }
    this.#tombstones.forgetExcess();
  }

  /**
   * How many markers a harness run's count of open items still stands for, once what is known by name
   * is taken off. A harness run that does not count tools as completed which did finish has lost track
   * (OpenClaw does, when a turn is aborted): its count then means nothing.
   */
  guessed(group: number, orphans: number): number {
    const { spans, groups } = this.#graph;
    const claimed = groups.claimed.get(group);
    if (claimed === 0) {
      if (groups.hasFlag(group, groupFlags.referenced)) {
        // A turn of the session is over. An owner tree's harness run may still be on its way.
        groups.finishedTools.set(group, 0);
        groups.explained.set(group, 0);
      }
      return 0;
    }
    const hasLostTrack = groups.finishedTools.get(group) > groups.completed.get(group);
    let open = 0;
    for (let span = groups.head.get(group); span !== -1; span = spans.nextMember.get(span)) {
      if (spans.state.get(span) === spanStates.open && spans.kind.get(span) !== workKinds.run) {
        open++;
      }
    }
    const named = groups.explained.get(group) + Math.max(open, orphans);
    for (const column of [
      groups.claimed,
      groups.completed,
      groups.finishedTools,
      groups.explained,
    ]) {
      column.set(group, 0);
    }
    // Who tells of every start needs no count of what is open.
    const isCountNeeded =
      this.#processes.sourceOf(groups.process.get(group)) === sourceRanks.finishedSpans;
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
