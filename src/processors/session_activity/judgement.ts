import { type ActivityCounts, add } from "./activity-counts.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import { dialects } from "./dialects.ts";
import { groupFlags } from "./group-table.ts";
import { type EvictionReason, workKinds } from "./kinds.ts";
import type { ProcessWatch } from "./process-watch.ts";
import { spanFlags, spanStates } from "./span-table.ts";
import { lacksInnerRun, SplitTraces } from "./split-traces.ts";
import { TimingWheel } from "./timing-wheel.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** Deadlines of one stretch of time are sorted; a stretch is never more than this part of a gap. */
const stretchesPerGap = 1000;

/**
 * The deadlines, and what is decided when one passes: which markers have no owner left, which finished
 * work had been closed by somebody else, what a harness run's count of open items still means.
 */
export class Judgement {
  readonly #limits: ActivityLimits;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #ledger: WorkLedger;
  readonly #processes: ProcessWatch;
  readonly #deadlines: TimingWheel;
  readonly #splitTraces: SplitTraces;
  #admitted = 0;
  #decidedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    readonly limits: ActivityLimits;
    readonly graph: ActivityGraph;
    readonly counts: ActivityCounts;
    readonly ledger: WorkLedger;
    readonly processes: ProcessWatch;
  }) {
    const { limits, graph } = parts;
    this.#limits = limits;
    this.#graph = graph;
    this.#counts = parts.counts;
    this.#ledger = parts.ledger;
    this.#processes = parts.processes;
    this.#deadlines = new TimingWheel(limits.allowedLatenessMs / 64);
    this.#splitTraces = new SplitTraces(graph, limits.allowedLatenessMs);
  }

  /** The group is judged no earlier than `dueMs`. */
  postpone(group: number, dueMs: number): void {
    while (this.#admitted <= group) {
      this.#deadlines.admit(this.#admitted++);
    }
    if (!this.#deadlines.isSet(group) || this.#deadlines.dueMsOf(group) < dueMs) {
      this.#deadlines.set(group, dueMs);
    }
  }

  /** The group has something to be judged: within the lateness from now, unless a deadline stands. */
  call(group: number, nowMs: number): void {
    if (group >= this.#admitted || !this.#deadlines.isSet(group)) {
      this.postpone(group, nowMs + this.#limits.allowedLatenessMs);
    }
  }

  isCalled(group: number): boolean {
    return group < this.#admitted && this.#deadlines.isSet(group);
  }

  cancel(group: number): void {
    if (group < this.#admitted) {
      this.#deadlines.cancel(group);
    }
  }

  /** Two groups became one: the later deadline stands. */
  move(from: number, into: number): void {
    if (this.isCalled(from)) {
      const dueMs = this.#deadlines.dueMsOf(from);
      this.#deadlines.cancel(from);
      this.postpone(into, dueMs);
    }
  }

  /** A span's row is given up. */
  forget(span: number): void {
    if (this.#graph.spans.kind.get(span) === workKinds.run) {
      this.#splitTraces.forget(span);
    }
  }

  /** Whether nobody owns the group's markers now. A loose group's owners are its trace's. */
  isOwnerless(group: number): boolean {
    const { groups, traces } = this.#graph;
    if (groups.hasFlag(group, groupFlags.loose)) {
      const trace = groups.trace.get(group);
      return traces.hadOwner.get(trace) === 1 && traces.openOwners.get(trace) === 0;
    }
    return groups.hasFlag(group, groupFlags.hadOwner) && groups.openOwners.get(group) === 0;
  }

  /** A finished `openclaw.run` without parent may belong to a harness run in another trace. */
  pairRun(run: number, nowMs: number): void {
    const { spans } = this.#graph;
    const harnessRun = this.#splitTraces.addRun(run);
    if (harnessRun !== -1) {
      const group = this.#graph.merge(spans.group.get(run), spans.group.get(harnessRun));
      this.postpone(group, nowMs + this.#limits.allowedLatenessMs);
    }
  }

  /** Work below members of these groups closed: if nobody owns them, their lateness starts anew. */
  drainEased(nowMs: number): void {
    for (
      let group = this.#graph.eased.pop();
      group !== undefined;
      group = this.#graph.eased.pop()
    ) {
      if (this.#graph.groups.members.get(group) > 0 && this.isOwnerless(group)) {
        this.postpone(group, nowMs + this.#limits.allowedLatenessMs);
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
      this.#settleUndecided(dueMs);
      if (rank === 0) {
        if (this.#graph.groups.members.get(item) > 0 && !this.isCalled(item)) {
          this.#judge(item, dueMs);
        }
      } else if (rank === 1) {
        this.#decideProcess(item, dueMs);
      } else {
        this.#expire(item, dueMs);
      }
      this.drainEased(dueMs);
    }
    this.#settleUndecided(untilMs);
  }

  /** Finished work that has waited for the lateness without its owner's end: it ended by itself. */
  #settleUndecided(untilMs: number): void {
    const { spans } = this.#graph;
    for (let span = this.#ledger.longestUndecided(); span !== -1; ) {
      const dueMs = spans.seenAtMs.get(span) + this.#limits.allowedLatenessMs;
      if (dueMs > untilMs) {
        return;
      }
      const group = spans.group.get(span);
      if (group !== -1 && this.isOwnerless(group) && !this.#isLoose(group)) {
        this.#ledger.awaitGroup(span);
      } else {
        const channel = group === -1 ? 0 : this.#graph.groups.channel.get(group);
        if (this.#settle(span, group, Number.NEGATIVE_INFINITY, dueMs)) {
          this.#tell([span], "orphaned_no_owner", channel, dueMs);
        }
      }
      span = this.#ledger.longestUndecided();
    }
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
    const { spans, groups } = this.#graph;
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
      this.#fence(group, members);
      this.#tell(members, reason, groups.channel.get(group), dueMs);
      for (const span of members) {
        this.#ledger.evict(span, reason, dueMs);
      }
    }
    for (const run of runs) {
      this.#ledger.evict(run, reason, dueMs);
      this.ownerGone(run, dueMs);
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

  /** Starts from before an eviction come too late from now on. */
  #fence(group: number, orphans: readonly number[]): void {
    const { spans, groups, traces } = this.#graph;
    const ownerEndMs = this.#isLoose(group)
      ? traces.ownerEndMs.get(groups.trace.get(group))
      : groups.ownerEndMs.get(group);
    const lastStartMs = orphans.reduce(
      (latest, span) => Math.max(latest, spans.startMs.get(span)),
      groups.cutoffMs.get(group),
    );
    groups.cutoffMs.set(group, Math.max(lastStartMs, ownerEndMs));
  }

  /** Open work that has been silent for too long. */
  #expire(span: number, dueMs: number): void {
    const { spans, groups } = this.#graph;
    if (spans.state.get(span) !== spanStates.open) {
      return;
    }
    const silentUntilMs = spans.seenAtMs.get(span) + this.#limits.maxAgeMs;
    if (silentUntilMs > dueMs) {
      this.#ledger.ages.set(span, silentUntilMs);
      return;
    }
    const group = spans.group.get(span);
    if (spans.kind.get(span) === workKinds.run) {
      this.#ledger.evict(span, "max_age", dueMs);
      this.ownerGone(span, dueMs);
    } else {
      const channel = groups.channel.get(group);
      this.#tell([span], "max_age", channel, dueMs);
      this.#ledger.evict(span, "max_age", dueMs);
    }
  }

  /** The end of an open marker says that its run closed it: an orphan by its own account. */
  evictByRun(span: number, nowMs: number): void {
    const { spans, groups } = this.#graph;
    const group = spans.group.get(span);
    addTo(groups.explained, group, 1);
    this.#tell([span], "orphaned_no_owner", groups.channel.get(group), nowMs);
    this.#ledger.evict(span, "orphaned_no_owner", nowMs);
    spans.setFlag(span, spanFlags.settled);
  }

  /** An owner is no longer open: when it was the last, the lateness of its group starts. */
  ownerGone(run: number, nowMs: number): void {
    const { spans, groups, traces } = this.#graph;
    const group = spans.group.get(run);
    const trace = spans.trace.get(run);
    groups.setFlag(group, groupFlags.hadOwner);
    traces.hadOwner.set(trace, 1);
    const dueMs = nowMs + this.#limits.allowedLatenessMs;
    if (groups.openOwners.get(group) === 0) {
      groups.closedAtMs.set(group, nowMs);
      this.postpone(group, dueMs);
    }
    if (traces.openOwners.get(trace) === 0) {
      for (
        let loose = traces.looseGroup.get(trace);
        loose !== -1;
        loose = groups.nextLoose.get(loose)
      ) {
        this.postpone(loose, dueMs);
      }
    }
  }

  /** Puts a run under the owner or session above it, as far as they are known. */
  adopt(run: number): void {
    const { spans, groups } = this.#graph;
    const above = this.#graph.ownerAbove(run);
    if (above === -1 || spans.group.get(above) === spans.group.get(run)) {
      return;
    }
    const isInner =
      spans.parentOf(run) === above &&
      spans.hasFlag(above, spanFlags.harness) &&
      !spans.hasFlag(run, spanFlags.harness) &&
      spans.hasFlag(run, spanFlags.innerRun);
    const inheritsSession =
      groups.hasFlag(spans.group.get(above), groupFlags.referenced) &&
      !groups.hasFlag(spans.group.get(run), groupFlags.referenced);
    if (isInner || inheritsSession) {
      this.#graph.merge(spans.group.get(run), spans.group.get(above));
    }
  }

  #judge(called: number, atMs: number): void {
    const group = this.#gather(called);
    const { groups } = this.#graph;
    if (!this.isOwnerless(group)) {
      this.#settleMembers(group, Number.NEGATIVE_INFINITY, atMs);
      return;
    }
    const closedAtMs = this.#isLoose(group) ? atMs : groups.closedAtMs.get(group);
    if (closedAtMs + this.#limits.allowedLatenessMs > atMs && group !== called) {
      this.postpone(group, closedAtMs + this.#limits.allowedLatenessMs);
      return;
    }
    if (this.isCalled(group)) {
      return;
    }
    if (this.#hasNestedOwner(group)) {
      return;
    }
    this.#settleMembers(group, groups.ownerEndMs.get(group), atMs);
    if (groups.members.get(group) > 0) {
      this.#evictOrphans(group, atMs);
    }
  }

  /** Merges what turned out to belong together since the group was called. */
  #gather(called: number): number {
    const { spans, groups } = this.#graph;
    let group = called;
    for (const run of this.#owners(group)) {
      this.adopt(run);
      group = spans.group.get(run);
    }
    if (groups.claimed.get(group) > 0 && lacksInnerRun(this.#graph, group)) {
      for (const harnessRun of this.#owners(group)) {
        const run = this.#splitTraces.addHarnessRun(harnessRun);
        if (run !== -1) {
          group = this.#graph.merge(group, spans.group.get(run));
          break;
        }
      }
    }
    return group;
  }

  #owners(group: number): number[] {
    const { spans, groups } = this.#graph;
    const owners: number[] = [];
    for (let span = groups.head.get(group); span !== -1; span = spans.nextMember.get(span)) {
      if (spans.kind.get(span) === workKinds.run && spans.state.get(span) !== spanStates.unknown) {
        owners.push(span);
      }
    }
    return owners;
  }

  #hasNestedOwner(group: number): boolean {
    return this.#owners(group).some((run) => this.#graph.spans.openRunsBelow.get(run) > 0);
  }

  #isLoose(group: number): boolean {
    return this.#graph.groups.hasFlag(group, groupFlags.loose);
  }

  /** Decides the finished work among the members. */
  #settleMembers(group: number, ownerEndMs: number, atMs: number): void {
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
      this.#tell(orphans, "orphaned_no_owner", channel, atMs);
    }
  }

  /** Decides one piece of finished work; true when it is an orphan that was not counted before. */
  #settle(span: number, group: number, ownerEndMs: number, atMs: number): boolean {
    const { spans, groups } = this.#graph;
    const outlivedMs = Number.isFinite(ownerEndMs) ? spans.endMs.get(span) - ownerEndMs : 0;
    const isOrphan =
      !this.#isSuperseded(span) &&
      (spans.hasFlag(span, spanFlags.closedByRun) || outlivedMs > this.#limits.allowedLatenessMs);
    const wasGuessed = group !== -1 && groups.anonymous.get(group) > 0;
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

  /** Told by a source that is not its process's best. */
  #isSuperseded(span: number): boolean {
    const { spans, traces } = this.#graph;
    const process = traces.process.get(spans.trace.get(span));
    return (
      this.#processes.sourceOf(process) === dialects.relay &&
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

  #evictOrphans(group: number, atMs: number): void {
    const { groups } = this.#graph;
    const orphans = this.#orphansOf(group);
    const guessed = this.#guessed(group, orphans.length);
    const channel = groups.channel.get(group);
    if (orphans.length > 0) {
      this.#fence(group, orphans);
    }
    if (guessed > 0) {
      addTo(groups.anonymous, group, guessed);
      add(this.#counts.started, workKinds.tool, guessed);
      this.#counts.addEvicted("orphaned_no_owner", workKinds.tool, guessed);
    }
    if (orphans.length + guessed > 0) {
      this.#tell(orphans, "orphaned_no_owner", channel, atMs, { group, guessed });
    }
    for (const span of orphans) {
      this.#ledger.evict(span, "orphaned_no_owner", atMs);
    }
  }

  /** Open markers with no open work below that stays. */
  #orphansOf(group: number): number[] {
    const { spans, groups } = this.#graph;
    const candidates = new Set<number>();
    let hasWorkBelow = false;
    for (let span = groups.head.get(group); span !== -1; span = spans.nextMember.get(span)) {
      if (spans.state.get(span) === spanStates.open && spans.kind.get(span) !== workKinds.run) {
        candidates.add(span);
        hasWorkBelow ||= spans.openBelow.get(span) > 0;
      }
    }
    if (hasWorkBelow) {
      this.#dropOwning(candidates);
    }
    return [...candidates];
  }

  /** Removes candidates that have open work below which is not itself a candidate. */
  #dropOwning(candidates: Set<number>): void {
    const { spans } = this.#graph;
    const inside = new Map<number, number>();
    const countAbove = (span: number, by: number): void => {
      for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
        inside.set(at, (inside.get(at) ?? 0) + by);
      }
    };
    for (const span of candidates) {
      countAbove(span, 1);
    }
    for (let isStable = false; !isStable; ) {
      isStable = true;
      for (const span of candidates) {
        if (spans.openBelow.get(span) > (inside.get(span) ?? 0)) {
          candidates.delete(span);
          countAbove(span, -1);
          isStable = false;
        }
      }
    }
  }

  /**
   * How many markers a harness run's count of open items still stands for, once what is known by name
   * is taken off. A harness run that does not count tools as completed which did finish has lost track
   * (OpenClaw does, when a turn is aborted): its count then means nothing.
   */
  #guessed(group: number, orphans: number): number {
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
    const isCountNeeded = this.#processes.sourceOf(groups.process.get(group)) === dialects.span;
    return hasLostTrack || !isCountNeeded ? 0 : Math.max(0, claimed - named);
  }

  #tell(
    markers: readonly number[],
    reason: EvictionReason,
    channel: number,
    atMs: number,
    guess?: { readonly group: number; readonly guessed: number },
  ): void {
    const { spans, traces } = this.#graph;
    let tools = guess?.guessed ?? 0;
    let oldest = -1;
    let oldestAgeMs = -1;
    let name = 0;
    let oldestToolAgeMs = -1;
    for (const span of markers) {
      const ageMs = this.#ageMs(span, atMs);
      if (ageMs > oldestAgeMs) {
        oldestAgeMs = ageMs;
        oldest = span;
      }
      if (spans.kind.get(span) === workKinds.tool) {
        tools++;
        if (ageMs > oldestToolAgeMs) {
          oldestToolAgeMs = ageMs;
          name = spans.name.get(span);
        }
      }
    }
    const context = oldest !== -1 ? oldest : (this.#owners(guess?.group ?? -1)[0] ?? -1);
    const trace = context === -1 ? -1 : spans.trace.get(context);
    this.#ledger.events.push({
      type: "evicted",
      reason,
      atMs,
      tools,
      modelCalls: markers.length - (tools - (guess?.guessed ?? 0)),
      ...(oldest === -1 ? {} : { oldestAgeMs }),
      name,
      channel,
      traceId: toBytes([
        traces.id0.get(trace),
        traces.id1.get(trace),
        traces.id2.get(trace),
        traces.id3.get(trace),
      ]),
      spanId: toBytes([spans.id0.get(context), spans.id1.get(context)]),
    });
  }

  /** How old a marker was: by our clock while it is open, by its sender's when it came finished. */
  #ageMs(span: number, atMs: number): number {
    const { spans } = this.#graph;
    return spans.state.get(span) === spanStates.open
      ? atMs - spans.endMs.get(span)
      : Math.max(0, spans.endMs.get(span) - spans.startMs.get(span));
  }
}

function addTo(
  column: { get(row: number): number; set(row: number, value: number): void },
  row: number,
  by: number,
): void {
  column.set(row, column.get(row) + by);
}

function toBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setInt32(index * 4, word);
  });
  return bytes;
}
