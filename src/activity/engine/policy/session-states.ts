import type { ActivityEvent, RecoveryCause } from "../../model/events.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type Progress, progressNames, workKinds } from "../../model/work.ts";
import { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { isCrowded } from "../store/crowded-sessions.ts";
import { openMembersOf } from "../store/open-members.ts";
import { ownerFlags } from "../store/owner-table.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { Claims } from "./claims.ts";
import type { EvidenceOf } from "./evidence.ts";
import { addGroupsAbove } from "./groups-above.ts";
import type { Pauses } from "./pauses.ts";
import { isStalled, type SessionLifecycle, sessionStates } from "./session-lifecycle.ts";
import type { SilentTools } from "./silent-tools.ts";
import { decides, type OwnerVerdict, type Verdicts, verdictRows } from "./verdicts.ts";

const { none, active, longRunning, blockedByTool, paused } = sessionStates;

/** What it needs of the engine, where `lookups` counts the rows that a decision reads. */
interface SessionStatesParts {
  readonly store: ActivityStore;
  readonly limits: ActivityLimits;
  readonly lifecycle: SessionLifecycle;
  readonly verdicts: Verdicts;
  readonly silentTools: SilentTools;
  readonly pauses: Pauses;
  readonly evidence: EvidenceOf;
  readonly events: ActivityEvent[];
  readonly claims: Claims;
  lookups: number;
}

/**
 * Reviews what sessions with open runs do, by the verdicts of those runs, and emits an event when a session stalls, when the
 * work to blame changes, and when it recovers.
 *
 * Keeps a deadline for each session with an open run, and the sessions that may have changed since the last review: both are
 * bounded by the rows of groups. A session is reviewed when it may have changed, and every `stalledAfterMs`.
 */
export class SessionStates {
  readonly #parts: SessionStatesParts;
  /** When sessions are reviewed next. */
  readonly timers: KeyedTimers;
  readonly #shortestMs: number;
  /** Groups that may have changed, with the cause that a recovery would have. */
  readonly #changed = new Map<number, RecoveryCause>();
  /** The time of what happens next. */
  nowMs = 0;

  constructor(parts: SessionStatesParts) {
    this.#parts = parts;
    const { stalledAfterMs, longRunningAfterMs } = parts.limits;
    this.#shortestMs = Math.min(stalledAfterMs, longRunningAfterMs);
    this.timers = new KeyedTimers(this.#shortestMs / 64);
  }

  snapshot(io: SnapshotStream): void {
    const { lifecycle } = this.#parts;
    lifecycle.counts = io.numbers(lifecycle.counts);
    this.timers.snapshot(io);
  }

  /** `span` made progress, and with it all that is above it. */
  recordProgress(span: number, what: Progress): void {
    const { store, claims, pauses } = this.#parts;
    const { spans, owners, groups } = store;
    const index = progressNames.indexOf(what);
    for (let at = span; at !== -1; at = spans.parentOf(at)) {
      if (claims.ofGroup.size > 0) {
        claims.clear(store.groupOf(at));
      }
      if (spans.kind.get(at) !== workKinds.run) {
        spans.progressAtMs.set(at, this.nowMs);
        spans.clearFlag(at, spanFlags.silenceReported);
        continue;
      }
      const owner = spans.owner.get(at);
      if (owner === -1) {
        continue;
      }
      owners.progressAtMs.set(owner, this.nowMs);
      owners.lastProgress.set(owner, index);
      // It changes no state at once unless the session is stalled or paused: otherwise it can only end a silence.
      const group = owners.group.get(owner);
      const state = groups.state.get(group);
      if (
        state > longRunning ||
        owners.hasFlag(owner, ownerFlags.mayHideTool) ||
        (pauses.open.size > 0 && state !== none && pauses.concernsGroup(group))
      ) {
        this.markChanged(group);
      }
    }
  }

  /** A pause of open work began or ended. */
  onPauseChanged(named: readonly number[], what: Progress): void {
    const groups = new Set<number>();
    for (const span of named) {
      this.recordProgress(span, what);
      addGroupsAbove(this.#parts.store, span, groups);
    }
    for (const group of groups) {
      this.#changed.set(group, "progress");
    }
  }

  /** The sessions of a span and of all that is above it are to be reviewed. */
  reviewAbove(span: number): void {
    const groups = new Set<number>();
    addGroupsAbove(this.#parts.store, span, groups);
    for (const group of groups) {
      this.markChanged(group);
    }
  }

  /** Open work closed: it may have been what blocked the sessions above it. */
  onClosed(span: number, cause: RecoveryCause): void {
    const { store, claims, pauses } = this.#parts;
    const { spans, groups } = store;
    const isRun = spans.kind.get(span) === workKinds.run;
    for (let at = span; at !== -1; at = spans.parentOf(at)) {
      const group = store.groupOf(at);
      if (group === -1 || this.#changed.has(group)) {
        continue;
      }
      const state = groups.state.get(group);
      // The runs that are still open beside a run that closed may have been silent for long.
      const isRunBeside = at === span && isRun && groups.openOwners.get(group) > 1;
      if (
        isRunBeside ||
        state > longRunning ||
        claims.ofGroup.has(group) ||
        (pauses.open.size > 0 && state !== none && pauses.concernsGroup(group))
      ) {
        this.#changed.set(group, cause);
      }
    }
  }

  /** A session is to be reviewed. */
  markChanged(group: number): void {
    if (!this.#changed.has(group)) {
      this.#changed.set(group, "progress");
    }
  }

  /** Reviews the sessions that may have changed. */
  reviewChanged(): void {
    if (this.#changed.size === 0) {
      return;
    }
    for (const [group, cause] of [...this.#changed]) {
      this.#changed.delete(group);
      this.review(group, cause);
    }
  }

  /** The group has an open run now, and had none. */
  onActive(group: number): void {
    this.#parts.store.groups.activeSinceMs.set(group, this.nowMs);
    this.#parts.lifecycle.change(group, active, "opened");
    this.timers.schedule(group, this.nowMs + this.#shortestMs);
  }

  /** The group has no open run any more. */
  onIdle(group: number, cause: RecoveryCause): void {
    this.timers.cancel(group);
    if (this.#parts.lifecycle.change(group, none, "closed") === "recovered") {
      this.#emitRecovered(group, cause);
    }
    this.markChanged(group);
  }

  /** `from` has become part of `into`, whose columns hold the sums. */
  merge(from: number, into: number): void {
    const { store, lifecycle } = this.#parts;
    const { groups } = store;
    const state = groups.state.get(from);
    if (state === none) {
      return;
    }
    const other = groups.state.get(into);
    const sinceMs = groups.activeSinceMs.get(from);
    this.timers.cancel(from);
    if (other === none) {
      lifecycle.change(from, none, "merged");
      lifecycle.change(into, state, "absorbed");
      groups.activeSinceMs.set(into, sinceMs);
    } else {
      const areStalled = isStalled(state) && isStalled(other);
      groups.activeSinceMs.set(into, Math.min(groups.activeSinceMs.get(into), sinceMs));
      const cause = areStalled ? "merged_into_stalled" : "merged";
      if (lifecycle.change(from, none, cause) === "recovered") {
        this.#emitRecovered(into, "progress");
      } else if (isStalled(state)) {
        lifecycle.change(into, state, "absorbed");
      }
    }
    this.#changed.set(into, "progress");
  }

  /** The row of a group is freed. */
  forget(group: number): void {
    this.#changed.delete(group);
    this.timers.cancel(group);
  }

  /** The deadline of a session passed. */
  onDeadline(group: number, dueMs: number): void {
    this.nowMs = Math.max(this.nowMs, dueMs);
    this.review(group);
  }

  /** Time in which nothing could arrive does not count as silence. */
  extendBy(byMs: number, nowMs: number): void {
    const { spans, owners, groups } = this.#parts.store;
    this.nowMs = nowMs;
    const later = (atMs: number) => Math.min(nowMs, atMs + byMs);
    for (let owner = 0; owner < owners.rows.count; owner++) {
      if (owners.isOpen(owner)) {
        owners.progressAtMs.set(owner, later(owners.progressAtMs.get(owner)));
      }
    }
    for (let span = 0; span < spans.rows.count; span++) {
      if (spans.state.get(span) === spanStates.open) {
        spans.progressAtMs.set(span, later(spans.progressAtMs.get(span)));
      }
    }
    for (let group = 0; group < groups.rows.count; group++) {
      if (groups.state.get(group) !== none && groups.ownerCount.get(group) > 0) {
        this.review(group);
      }
    }
  }

  /** Finds the state of a session, emits an event if it changed, and schedules the next review. */
  review(group: number, cause: RecoveryCause = "progress"): void {
    const { store, limits, verdicts, lifecycle, claims } = this.#parts;
    const { groups, owners, live } = store;
    if (groups.state.get(group) === none) {
      if (claims.ofGroup.has(group)) {
        claims.review(group, this.nowMs);
      }
      return;
    }
    let nextMs = this.nowMs + limits.stalledAfterMs;
    // Of a crowded session it is not known that nothing makes progress.
    let isProgressing = isCrowded(store, group, limits);
    let worst: OwnerVerdict | undefined;
    for (
      let owner = isProgressing ? -1 : live.first.get(group);
      owner !== -1;
      owner = live.after.get(owner)
    ) {
      this.#parts.lookups++;
      if (!owners.isOpen(owner)) {
        continue;
      }
      const verdict = verdicts.of(owner, this.nowMs);
      if (verdict.verdict === "progressing") {
        isProgressing = true;
        nextMs = Math.min(nextMs, verdict.sinceMs + limits.stalledAfterMs);
        nextMs = Math.min(nextMs, this.#parts.silentTools.report(owner, this.nowMs));
      } else if (verdict.verdict !== "waiting_for_person") {
        // If it makes progress while its tool does not, that tool is reported.
        owners.setFlag(owner, ownerFlags.mayHideTool);
        worst = worst === undefined || decides(verdict, worst) ? verdict : worst;
      }
    }
    const longAtMs = groups.activeSinceMs.get(group) + limits.longRunningAfterMs;
    let after: number = worst === undefined ? paused : verdictRows[worst.verdict].state;
    if (isProgressing) {
      after = this.nowMs >= longAtMs ? longRunning : active;
    }
    if (after === active) {
      nextMs = Math.min(nextMs, longAtMs);
    }
    const event = lifecycle.change(group, after, "reviewed");
    this.timers.set(group, Math.max(nextMs, this.nowMs));
    if (event === "stalled" && worst !== undefined) {
      this.#emitStalled(group, after, worst);
    } else if (event === "recovered") {
      this.#emitRecovered(group, cause);
    }
    if (claims.ofGroup.has(group)) {
      claims.review(group, this.nowMs);
    }
  }

  #emitStalled(group: number, state: number, verdict: OwnerVerdict): void {
    const { store, events, evidence } = this.#parts;
    const { spans, live } = store;
    const open = live.all(group).flatMap((owner) => openMembersOf(store, owner));
    const countOf = (kind: number) => open.filter((span) => spans.kind.get(span) === kind).length;
    events.push({
      type: "stalled",
      state: state === blockedByTool ? "blocked_tool_call" : "stalled",
      atMs: this.nowMs,
      ...store.shownOf(group),
      tools: countOf(workKinds.tool),
      modelCalls: countOf(workKinds.modelCall),
      ...evidence(verdict, this.nowMs),
    });
  }

  #emitRecovered(group: number, cause: RecoveryCause): void {
    this.#parts.claims.clear(group);
    this.#parts.events.push({
      type: "recovered",
      cause,
      atMs: this.nowMs,
      ...this.#parts.store.shownOf(group),
    });
  }
}
