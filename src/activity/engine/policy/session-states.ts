import type { BlockedBy, SessionState } from "../../model/diagnosis.ts";
import type { ActivityEvent, Evidence, RecoveryCause } from "../../model/events.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type Progress, progressNames, workKinds } from "../../model/work.ts";
import { KeyedTimers } from "../schedule/keyed-timers.ts";
import type { ActivityCounters } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { openMembersOf } from "../store/open-members.ts";
import { ownerFlags } from "../store/owner-table.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { Claims } from "./claims.ts";
import type { EvidenceOf } from "./evidence.ts";
import type { Pauses } from "./pauses.ts";
import { decides, type OwnerVerdict, type Verdicts } from "./verdicts.ts";

/** What a session is doing and what blocks it: all that can occur. Values of `GroupTable.state` are indexes, from 1. */
export const sessionStates = [
  { state: "active", blockedBy: "none" },
  { state: "long_running", blockedBy: "none" },
  { state: "stalled", blockedBy: "model_call" },
  { state: "stalled", blockedBy: "run" },
  { state: "blocked_tool_call", blockedBy: "tool" },
  { state: "paused", blockedBy: "none" },
] as const satisfies readonly { readonly state: SessionState; readonly blockedBy: BlockedBy }[];

/** Values of `GroupTable.state`. */
const none = 0;
const active = 1;
const longRunning = 2;
const stalledByModelCall = 3;
const stalledByRun = 4;
const blockedByTool = 5;
const paused = 6;

/** What it needs of the engine. */
interface SessionStatesParts {
  readonly store: ActivityStore;
  readonly limits: ActivityLimits;
  readonly verdicts: Verdicts;
  readonly pauses: Pauses;
  readonly evidence: EvidenceOf;
  readonly counters: ActivityCounters;
  readonly events: ActivityEvent[];
  readonly claims: Claims;
}

/**
 * What sessions with open runs do, by the verdicts of those runs, and since when. An event says so once when no run makes
 * progress any more, when the work that is to blame changes, and when that is over. A session is looked at when its state
 * may change, and every `stalledAfterMs`.
 */
export class SessionStates {
  readonly #parts: SessionStatesParts;
  /** Sessions by state. */
  #sessions = [0, 0, 0, 0, 0, 0, 0];
  readonly #timers: KeyedTimers;
  /** Groups whose state may have changed, and why it may be better. */
  readonly #changed = new Map<number, RecoveryCause>();
  #nowMs = 0;
  #cost = 0;

  constructor(parts: SessionStatesParts) {
    this.#parts = parts;
    const { stalledAfterMs, longRunningAfterMs } = parts.limits;
    this.#timers = new KeyedTimers(Math.min(stalledAfterMs, longRunningAfterMs) / 64);
  }

  snapshot(io: SnapshotStream): void {
    this.#sessions = io.numbers(this.#sessions);
    this.#timers.snapshot(io);
  }

  /** How many owners were looked at since this was asked last. */
  takeCost(): number {
    const looked = this.#cost;
    this.#cost = 0;
    return looked;
  }

  /** When sessions are looked at next. */
  get timers(): KeyedTimers {
    return this.#timers;
  }

  /** Sessions in a state. */
  count(state: SessionState): number {
    return sessionStates.reduce(
      (sum, each, index) => sum + (each.state === state ? (this.#sessions[index + 1] ?? 0) : 0),
      0,
    );
  }

  /** Sessions in a state that are blocked by something. */
  countBy(state: SessionState, blockedBy: BlockedBy): number {
    const index = sessionStates.findIndex(
      (each) => each.state === state && each.blockedBy === blockedBy,
    );
    return index === -1 ? 0 : (this.#sessions[index + 1] ?? 0);
  }

  /** What a group is doing; undefined when it has no open run. */
  of(group: number): (typeof sessionStates)[number] | undefined {
    return sessionStates[this.#parts.store.groups.state.get(group) - 1];
  }

  /** What happens from now on happens at `nowMs`. */
  setNow(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** There was progress in `span`: it counts for all that is above it. */
  recordProgress(span: number, what: Progress): void {
    const { spans, owners } = this.#parts.store;
    const index = progressNames.indexOf(what);
    for (let at = span; at !== -1; at = spans.parentOf(at)) {
      this.#parts.claims.clear(this.#parts.store.groupOf(at));
      if (spans.kind.get(at) !== workKinds.run) {
        spans.progressAtMs.set(at, this.#nowMs);
        spans.clearFlag(at, spanFlags.silenceReported);
      } else {
        const owner = spans.owner.get(at);
        if (owner !== -1) {
          owners.progressAtMs.set(owner, this.#nowMs);
          owners.lastProgress.set(owner, index);
          this.#onOwnerProgress(owner);
        }
      }
    }
  }

  /** A pause of open work began or is over. */
  onPauseChanged(named: readonly number[], what: Progress): void {
    for (const span of named) {
      this.recordProgress(span, what);
    }
    const groups = new Set<number>();
    for (const span of named) {
      for (let at = span; at !== -1; at = this.#parts.store.spans.parentOf(at)) {
        groups.add(this.#parts.store.groupOf(at));
      }
    }
    groups.delete(-1);
    for (const group of groups) {
      this.#changed.set(group, "progress");
    }
  }

  /** Looks at the sessions of a span and of all that is above it. */
  reviewAbove(span: number): void {
    const groups = new Set<number>();
    for (let at = span; at !== -1; at = this.#parts.store.spans.parentOf(at)) {
      groups.add(this.#parts.store.groupOf(at));
    }
    groups.delete(-1);
    for (const group of groups) {
      this.markChanged(group);
    }
  }

  /** Open work ended or was evicted: it may have been what blocked the sessions above it. */
  onClosed(span: number, cause: RecoveryCause): void {
    const { spans, groups } = this.#parts.store;
    const isRun = spans.kind.get(span) === workKinds.run;
    for (let at = span; at !== -1; at = spans.parentOf(at)) {
      const group = this.#parts.store.groupOf(at);
      // What is left open may be silent for long, when it is a run that ended or was evicted.
      const isRunBeside = at === span && isRun && group !== -1 && groups.openOwners.get(group) > 1;
      const mayMatter =
        group !== -1 &&
        (isRunBeside ||
          this.#mayChange(groups.state.get(group)) ||
          this.#parts.claims.has(group) ||
          (groups.state.get(group) !== none && this.#parts.pauses.concernsGroup(group)));
      if (mayMatter && !this.#changed.has(group)) {
        this.#changed.set(group, cause);
      }
    }
  }

  /** A session is looked at soon. */
  markChanged(group: number): void {
    if (!this.#changed.has(group)) {
      this.#changed.set(group, "progress");
    }
  }

  /** Looks at the sessions whose state may have changed. */
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
    const { groups } = this.#parts.store;
    groups.activeSinceMs.set(group, this.#nowMs);
    this.#set(group, active);
    this.#timers.schedule(group, this.#nowMs + this.#shortestMs);
  }

  /** The group has no open run any more. */
  onIdle(group: number, cause: RecoveryCause): void {
    const before = this.#parts.store.groups.state.get(group);
    this.#timers.cancel(group);
    this.#set(group, none);
    if (isStalled(before)) {
      this.#emitRecovered(group, cause);
    }
    this.markChanged(group);
  }

  /** `from` has become part of `into`, whose columns hold the sums. */
  merge(from: number, into: number): void {
    const { groups } = this.#parts.store;
    const state = groups.state.get(from);
    if (state === none) {
      return;
    }
    const other = groups.state.get(into);
    const sinceMs = groups.activeSinceMs.get(from);
    this.#timers.cancel(from);
    this.#set(from, none);
    if (other === none) {
      this.#set(into, state);
      groups.activeSinceMs.set(into, sinceMs);
    } else {
      groups.activeSinceMs.set(into, Math.min(groups.activeSinceMs.get(into), sinceMs));
      if (isStalled(state) && isStalled(other)) {
        // Two stalled sessions turn out to be one: an event said so of each, so one of them is over.
        this.#emitRecovered(into, "progress");
      } else if (isStalled(state)) {
        this.#set(into, state);
      }
    }
    this.#changed.set(into, "progress");
  }

  /** The row of a group is given up. */
  forget(group: number): void {
    this.#changed.delete(group);
    this.#timers.cancel(group);
  }

  /** A deadline passed. */
  onDeadline(group: number, dueMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, dueMs);
    this.review(group);
  }

  /** Time in which nothing could arrive does not count as silence. */
  extendBy(byMs: number, nowMs: number): void {
    const { spans, owners, groups } = this.#parts.store;
    this.#nowMs = nowMs;
    const later = (atMs: number) => Math.min(nowMs, atMs + byMs);
    for (let owner = 0; owner < owners.rows; owner++) {
      if (owners.isOpen(owner)) {
        owners.progressAtMs.set(owner, later(owners.progressAtMs.get(owner)));
      }
    }
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open) {
        spans.progressAtMs.set(span, later(spans.progressAtMs.get(span)));
      }
    }
    for (let group = 0; group < groups.rows; group++) {
      if (groups.state.get(group) !== none && groups.ownerCount.get(group) > 0) {
        this.review(group);
      }
    }
  }

  /** Finds what a group is doing now, emits an event when that changed, and sets when to look next. */
  review(group: number, cause: RecoveryCause = "progress"): void {
    const { groups, owners, live } = this.#parts.store;
    const before = groups.state.get(group);
    if (before === none) {
      this.#parts.claims.review(group, this.#nowMs);
      return;
    }
    let nextMs = this.#nowMs + this.#parts.limits.stalledAfterMs;
    let isProgressing = false;
    let worst: OwnerVerdict | undefined;
    for (let owner = live.first(group); owner !== -1; owner = live.after(owner)) {
      this.#cost++;
      if (!owners.isOpen(owner)) {
        continue;
      }
      const verdict = this.#parts.verdicts.of(owner, this.#nowMs);
      if (verdict.verdict === "progressing") {
        isProgressing = true;
        nextMs = Math.min(nextMs, verdict.sinceMs + this.#parts.limits.stalledAfterMs);
        nextMs = Math.min(nextMs, this.#reviewTools(owner));
      } else if (verdict.verdict !== "waiting_for_person") {
        // If it goes on while its tool does not, that tool is reported.
        owners.setFlag(owner, ownerFlags.mayHideTool);
        worst = worst === undefined || decides(verdict, worst) ? verdict : worst;
      }
    }
    const longAtMs = groups.activeSinceMs.get(group) + this.#parts.limits.longRunningAfterMs;
    const after = isProgressing
      ? this.#nowMs >= longAtMs
        ? longRunning
        : active
      : worst === undefined
        ? paused
        : stateOf(worst);
    if (after === active) {
      nextMs = Math.min(nextMs, longAtMs);
    }
    this.#set(group, after);
    this.#timers.set(group, Math.max(nextMs, this.#nowMs));
    if (worst !== undefined && isStalled(after) && after !== before) {
      this.#emitStalled(group, after, worst);
    } else if (isStalled(before) && !isStalled(after)) {
      this.#emitRecovered(group, cause);
    }
    this.#parts.claims.review(group, this.#nowMs);
  }

  /** Whether progress, or the end of some work, may change a state at once: when nothing waits it can only end silence. */
  #mayChange(state: number): boolean {
    return state > longRunning;
  }

  get #shortestMs(): number {
    return Math.min(this.#parts.limits.stalledAfterMs, this.#parts.limits.longRunningAfterMs);
  }

  #onOwnerProgress(owner: number): void {
    const { owners, groups } = this.#parts.store;
    const group = owners.group.get(owner);
    const mayHideTool = owners.hasFlag(owner, ownerFlags.mayHideTool);
    const mayWait = groups.state.get(group) !== none && this.#parts.pauses.concernsGroup(group);
    if (this.#mayChange(groups.state.get(group)) || mayHideTool || mayWait) {
      this.markChanged(group);
    }
  }

  /** Emits an event for each tool that is silent beside others that are not. Gives when the next one will be. */
  #reviewTools(owner: number): number {
    const { spans, owners } = this.#parts.store;
    owners.clearFlag(owner, ownerFlags.mayHideTool);
    for (const tool of this.#parts.verdicts.silentTools(owner, this.#nowMs)) {
      const aheadMs = owners.progressAtMs.get(owner) - spans.progressAtMs.get(tool);
      if (spans.hasFlag(tool, spanFlags.silenceReported)) {
        continue;
      }
      if (aheadMs <= this.#parts.limits.allowedLatenessMs) {
        // Tools that were started together hang together: the session is about to stall.
        owners.setFlag(owner, ownerFlags.mayHideTool);
      } else {
        spans.setFlag(tool, spanFlags.silenceReported);
        const sinceMs = spans.progressAtMs.get(tool);
        this.#parts.counters.addDiagnosed("silent_tool", "none");
        this.#parts.events.push({
          type: "diagnosed",
          claim: "none",
          atMs: this.#nowMs,
          channel: this.#parts.store.groups.channel.get(this.#parts.store.groupOf(tool)),
          ...this.#parts.evidence({ verdict: "silent_tool", culprit: tool, sinceMs }, this.#nowMs),
        });
      }
    }
    let nextMs = Number.POSITIVE_INFINITY;
    for (const span of openMembersOf(this.#parts.store, owner)) {
      const dueMs = spans.progressAtMs.get(span) + this.#parts.limits.stalledAfterMs;
      if (spans.kind.get(span) === workKinds.tool && dueMs > this.#nowMs) {
        nextMs = Math.min(nextMs, dueMs);
      }
    }
    return nextMs;
  }

  #set(group: number, state: number): void {
    const { groups } = this.#parts.store;
    const before = groups.state.get(group);
    this.#sessions[before] = (this.#sessions[before] ?? 0) - 1;
    this.#sessions[state] = (this.#sessions[state] ?? 0) + 1;
    groups.state.set(group, state);
  }

  #emitStalled(group: number, state: number, verdict: OwnerVerdict): void {
    const { spans, live, groups } = this.#parts.store;
    const open = live.all(group).flatMap((owner) => openMembersOf(this.#parts.store, owner));
    const countOf = (kind: number) => open.filter((span) => spans.kind.get(span) === kind).length;
    const evidence: Evidence = this.#parts.evidence(verdict, this.#nowMs);
    this.#parts.events.push({
      type: "stalled",
      state: state === blockedByTool ? "blocked_tool_call" : "stalled",
      atMs: this.#nowMs,
      channel: groups.channel.get(group),
      tools: countOf(workKinds.tool),
      modelCalls: countOf(workKinds.modelCall),
      ...evidence,
    });
  }

  #emitRecovered(group: number, cause: RecoveryCause): void {
    this.#parts.claims.clear(group);
    this.#parts.events.push({
      type: "recovered",
      cause,
      atMs: this.#nowMs,
      channel: this.#parts.store.groups.channel.get(group),
    });
  }
}

function isStalled(state: number): boolean {
  return state >= stalledByModelCall && state <= blockedByTool;
}

function stateOf({ verdict }: OwnerVerdict): number {
  switch (verdict) {
    case "silent_tool":
      return blockedByTool;
    case "silent_model_call":
      return stalledByModelCall;
    default:
      return stalledByRun;
  }
}
