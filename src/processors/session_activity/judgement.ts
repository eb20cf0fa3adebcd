import { type ActivityCounts, add } from "./activity-counts.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import type { Evictions } from "./evictions.ts";
import type { FinishedWork } from "./finished-work.ts";
import type { GroupDeadlines } from "./group-deadlines.ts";
import { workKinds } from "./kinds.ts";
import { orphansOf } from "./orphans.ts";
import type { Ownership } from "./ownership.ts";
import type { ProcessWatch } from "./process-watch.ts";
import { spanFlags, spanStates } from "./span-table.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** Deadlines of one stretch of time are sorted; a stretch is never more than this part of a gap. */
const stretchesPerGap = 1000;

/** What is decided when a deadline passes, in the order of the deadlines. */
export class Judgement {
  readonly #limits: ActivityLimits;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #ledger: WorkLedger;
  readonly #processes: ProcessWatch;
  readonly #deadlines: GroupDeadlines;
  readonly #ownership: Ownership;
  readonly #evictions: Evictions;
  readonly #finished: FinishedWork;
  #decidedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    readonly limits: ActivityLimits;
    readonly graph: ActivityGraph;
    readonly counts: ActivityCounts;
    readonly ledger: WorkLedger;
    readonly processes: ProcessWatch;
    readonly deadlines: GroupDeadlines;
    readonly ownership: Ownership;
    readonly evictions: Evictions;
    readonly finished: FinishedWork;
  }) {
    this.#limits = parts.limits;
    this.#graph = parts.graph;
    this.#counts = parts.counts;
    this.#ledger = parts.ledger;
    this.#processes = parts.processes;
    this.#deadlines = parts.deadlines;
    this.#ownership = parts.ownership;
    this.#evictions = parts.evictions;
    this.#finished = parts.finished;
  }

  /** Work below members of these groups closed: if nobody owns them, their lateness starts anew. */
  drainEased(nowMs: number): void {
    for (
      let group = this.#graph.eased.pop();
      group !== undefined;
      group = this.#graph.eased.pop()
    ) {
      if (this.#graph.groups.members.get(group) > 0 && this.#ownership.isOwnerless(group)) {
        this.#deadlines.postpone(group, nowMs + this.#limits.allowedLatenessMs);
      }
    }
  }

  /** Decides everything that is due by `nowMs`, in order of the deadlines. */
  advance(nowMs: number): void {
    const fromMs = Number.isFinite(this.#decidedMs) ? this.#decidedMs : nowMs;
    const stretchMs = Math.max(
      this.#limits.allowedLatenessMs,
      (nowMs - fromMs) / stretchesPerGap,
      1,
    );
    // What one deadline leads to is due a lateness later, so within a stretch the order is known.
    for (let untilMs = fromMs; ; untilMs = Math.min(nowMs, untilMs + stretchMs)) {
      this.#decideUntil(untilMs);
      if (untilMs >= nowMs) {
        break;
      }
    }
    this.#decidedMs = nowMs;
    this.#ledger.forgetOld(nowMs);
  }

  #decideUntil(untilMs: number): void {
    const groups: number[] = [];
    this.#deadlines.due(untilMs, groups);
    const agenda = groups.map((item) => ({ dueMs: this.#deadlines.dueMsOf(item), rank: 0, item }));
    const processes: number[] = [];
    this.#processes.due(untilMs, processes);
    for (const item of processes) {
      agenda.push({ dueMs: this.#processes.dueMsOf(item), rank: 1, item });
    }
    const aged: number[] = [];
    this.#ledger.ages.due(untilMs, aged);
    for (const item of aged) {
      agenda.push({ dueMs: this.#ledger.ages.dueMsOf(item), rank: 2, item });
    }
    // Of two reasons that fall due at once the surer one comes first.
    agenda.sort((a, b) => a.dueMs - b.dueMs || a.rank - b.rank || a.item - b.item);
    for (const { dueMs, rank, item } of agenda) {
      this.#finished.settleWaiting(dueMs);
      if (rank === 0) {
        if (this.#graph.groups.members.get(item) > 0 && !this.#deadlines.isCalled(item)) {
          this.#judge(item, dueMs);
        }
      } else if (rank === 1) {
        this.#decideProcess(item, dueMs);
      } else {
        this.#expire(item, dueMs);
      }
      this.drainEased(dueMs);
    }
    this.#finished.settleWaiting(untilMs);
  }

  /** A better source of the process speaks: what the others had open is its business now. */
  supersede(process: number, nowMs: number): void {
    for (const span of this.#openOf(process)) {
      if (!this.#graph.spans.hasFlag(span, spanFlags.relayed)) {
        this.#ledger.end(span, Number.NaN, nowMs);
      }
    }
  }

  #decideProcess(process: number, dueMs: number): void {
    const reason = this.#processes.decide(process, dueMs);
    if (reason === undefined) {
      return;
    }
    const { spans } = this.#graph;
    const markers = new Map<number, number[]>();
    const runs: number[] = [];
    for (const span of this.#openOf(process)) {
      if (spans.kind.get(span) === workKinds.run) {
        runs.push(span);
      } else {
        const group = spans.group.get(span);
        markers.set(group, [...(markers.get(group) ?? []), span]);
      }
    }
    for (const [group, members] of markers) {
      this.#evictions.evict(group, members, reason, dueMs);
    }
    for (const run of runs) {
      this.#ledger.evict(run, reason, dueMs);
      this.#ownership.ownerGone(run, dueMs);
    }
  }

  /** Open work of a process. Walks every row; processes end rarely. */
  #openOf(process: number): number[] {
    const { spans, traces } = this.#graph;
    const open: number[] = [];
    for (let span = 0; span < spans.rows; span++) {
      if (
        spans.state.get(span) === spanStates.open &&
        traces.process.get(spans.trace.get(span)) === process
      ) {
        open.push(span);
      }
    }
    return open;
  }

  /** Open work that has been silent for too long. */
  #expire(span: number, dueMs: number): void {
    const { spans } = this.#graph;
    if (spans.state.get(span) !== spanStates.open) {
      return;
    }
    const silentUntilMs = spans.seenAtMs.get(span) + this.#limits.maxAgeMs;
    if (silentUntilMs > dueMs) {
      this.#ledger.ages.set(span, silentUntilMs);
      return;
    }
    if (spans.kind.get(span) === workKinds.run) {
      this.#ledger.evict(span, "max_age", dueMs);
      this.#ownership.ownerGone(span, dueMs);
    } else {
      this.#evictions.evict(spans.group.get(span), [span], "max_age", dueMs);
    }
  }

  /** The end of an open marker says that its run closed it: an orphan by its own account. */
  evictByRun(span: number, nowMs: number): void {
    const { spans, groups } = this.#graph;
    const group = spans.group.get(span);
    groups.explained.set(group, groups.explained.get(group) + 1);
    this.#evictions.tell([span], "orphaned_no_owner", groups.channel.get(group), nowMs);
    this.#ledger.evict(span, "orphaned_no_owner", nowMs);
    spans.setFlag(span, spanFlags.settled);
  }

  #judge(called: number, atMs: number): void {
    const group = this.#ownership.gather(called);
    const { groups } = this.#graph;
    if (!this.#ownership.isOwnerless(group)) {
      this.#finished.settleMembers(group, Number.NEGATIVE_INFINITY, atMs);
      return;
    }
    const closedAtMs = this.#ownership.isLoose(group) ? atMs : groups.closedAtMs.get(group);
    if (closedAtMs + this.#limits.allowedLatenessMs > atMs && group !== called) {
      this.#deadlines.postpone(group, closedAtMs + this.#limits.allowedLatenessMs);
      return;
    }
    if (this.#deadlines.isCalled(group)) {
      return;
    }
    if (this.#ownership.hasNestedOwner(group)) {
      return;
    }
    this.#finished.settleMembers(group, groups.ownerEndMs.get(group), atMs);
    if (groups.members.get(group) > 0) {
      this.#evictOrphans(group, atMs);
    }
  }

  #evictOrphans(group: number, atMs: number): void {
    const { groups } = this.#graph;
    const orphans = orphansOf(this.#graph, group);
    const guessed = this.#finished.guessed(group, orphans.length);
    const channel = groups.channel.get(group);
    if (orphans.length > 0) {
      this.#evictions.fence(group, orphans);
    }
    if (guessed > 0) {
      groups.anonymous.set(group, groups.anonymous.get(group) + guessed);
      add(this.#counts.started, workKinds.tool, guessed);
      this.#counts.addEvicted("orphaned_no_owner", workKinds.tool, guessed);
    }
    if (orphans.length + guessed > 0) {
      const owner = this.#ownership.owners(group)[0] ?? -1;
      this.#evictions.tell(orphans, "orphaned_no_owner", channel, atMs, { owner, guessed });
    }
    this.#evictions.close(orphans, "orphaned_no_owner", atMs);
  }
}
