import { workKinds } from "../kinds.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { Archive } from "./archive.ts";
import type { GroupDeadlines } from "./group-deadlines.ts";
import { groupFlags } from "./group-table.ts";
import { spanFlags, spanStates } from "./span-table.ts";
import { lacksInnerRun, SplitTraces } from "./split-traces.ts";

/** Who owns a group's markers: its runs, those it inherits a session from, those in another trace. */
export class Ownership {
  readonly #graph: ActivityGraph;
  readonly #deadlines: GroupDeadlines;
  readonly #allowedLatenessMs: number;
  readonly #splitTraces: SplitTraces;
  /** A span that has not arrived → inner runs that named it as their parent. */
  readonly #awaiting = new Map<number, Set<number>>();

  constructor(graph: ActivityGraph, deadlines: GroupDeadlines, allowedLatenessMs: number) {
    this.#graph = graph;
    this.#deadlines = deadlines;
    this.#allowedLatenessMs = allowedLatenessMs;
    this.#splitTraces = new SplitTraces(graph, allowedLatenessMs);
  }

  archive(io: Archive): void {
    this.#splitTraces.archive(io);
    const { spans } = this.#graph;
    for (let span = 0; io.isLoading && span < spans.rows; span++) {
      if (spans.state.get(span) !== spanStates.free) {
        this.#awaitParent(span);
      }
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

  /** The runs of a group, open or not. */
  owners(group: number): number[] {
    const { spans, groups } = this.#graph;
    const owners: number[] = [];
    for (let span = groups.head.get(group); span !== -1; span = spans.nextMember.get(span)) {
      if (spans.kind.get(span) === workKinds.run && spans.state.get(span) !== spanStates.unknown) {
        owners.push(span);
      }
    }
    return owners;
  }

  /** Whether a run below an owner of the group is open that has no session of its own. */
  hasNestedOwner(group: number): boolean {
    return this.owners(group).some((run) => this.#graph.spans.openRunsBelow.get(run) > 0);
  }

  /** Whether the group has no owner of its own. */
  isLoose(group: number): boolean {
    return this.#graph.groups.hasFlag(group, groupFlags.loose);
  }

  /** Puts a run under the owner or session above it, as far as they are known, and under it what waited for it. */
  adopt(run: number): void {
    this.#adoptAbove(run);
    const inner = this.#awaiting.get(run);
    this.#awaiting.delete(run);
    for (const each of inner ?? []) {
      this.#adoptAbove(each);
    }
    this.#awaitParent(run);
  }

  #adoptAbove(run: number): void {
    const { spans, groups } = this.#graph;
    const above = this.#graph.tree.ownerAbove(run);
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

  /** Merges what turned out to belong together since the group was called. */
  gather(called: number): number {
    const { spans, groups } = this.#graph;
    let group = called;
    for (const run of this.owners(group)) {
      this.adopt(run);
      group = spans.group.get(run);
    }
    if (groups.claimed.get(group) > 0 && lacksInnerRun(this.#graph, group)) {
      for (const harnessRun of this.owners(group)) {
        const run = this.#splitTraces.addHarnessRun(harnessRun);
        if (run !== -1) {
          group = this.#graph.merge(group, spans.group.get(run));
          break;
        }
      }
    }
    return group;
  }

  /** A finished `openclaw.run` without parent may belong to a harness run in another trace. */
  pairRun(run: number, nowMs: number): void {
    const { spans } = this.#graph;
    const harnessRun = this.#splitTraces.addRun(run);
    if (harnessRun !== -1) {
      const group = this.#graph.merge(spans.group.get(run), spans.group.get(harnessRun));
      this.#deadlines.postpone(group, nowMs + this.#allowedLatenessMs);
    }
  }

  /** An owner is no longer open: when it was the last, the lateness of its group starts. */
  ownerGone(run: number, nowMs: number): void {
    const { spans, groups, traces } = this.#graph;
    const group = spans.group.get(run);
    const trace = spans.trace.get(run);
    groups.setFlag(group, groupFlags.hadOwner);
    traces.hadOwner.set(trace, 1);
    const dueMs = nowMs + this.#allowedLatenessMs;
    if (groups.openOwners.get(group) === 0) {
      groups.closedAtMs.set(group, nowMs);
      this.#deadlines.postpone(group, dueMs);
    }
    if (traces.openOwners.get(trace) === 0) {
      for (
        let loose = traces.looseGroup.get(trace);
        loose !== -1;
        loose = groups.nextLoose.get(loose)
      ) {
        this.#deadlines.postpone(loose, dueMs);
      }
    }
  }

  /** Work turned up in a group: if nobody owns it, it has a lateness to say how it ended. */
  callIfOwnerless(span: number, nowMs: number): void {
    const group = this.#graph.spans.group.get(span);
    if (group !== -1 && this.isOwnerless(group)) {
      this.#deadlines.call(group, nowMs);
    }
  }

  /** A span's row is given up. */
  forget(span: number): void {
    this.#awaiting.delete(span);
    this.#awaiting.get(this.#graph.spans.parentOf(span))?.delete(span);
    if (this.#graph.spans.kind.get(span) === workKinds.run) {
      this.#splitTraces.forget(span);
    }
  }

  /** An inner run whose parent has not arrived is one owner with it if that is a harness run. */
  #awaitParent(run: number): void {
    const { spans } = this.#graph;
    const parent = spans.parentOf(run);
    if (
      parent !== -1 &&
      spans.state.get(parent) === spanStates.unknown &&
      spans.kind.get(run) === workKinds.run &&
      spans.hasFlag(run, spanFlags.innerRun)
    ) {
      this.#awaiting.set(parent, (this.#awaiting.get(parent) ?? new Set()).add(run));
    }
  }
}
