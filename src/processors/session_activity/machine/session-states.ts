import { workKinds } from "../kinds.ts";
import type { ActivityEvent, RecoveryCause } from "./activity-event.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import type { Archive } from "./archive.ts";
import { summaryOf } from "./marker-summary.ts";
import { openWorkOf } from "./orphans.ts";
import { TimingWheel } from "./timing-wheel.ts";

/** What a session with open work is doing, in OpenClaw's words; the values of `openclaw.state`. */
export const sessionStateNames = [
  "active",
  "long_running",
  "stalled",
  "blocked_tool_call",
  "paused",
] as const;

export type SessionState = (typeof sessionStateNames)[number];

/** Values of `GroupTable.state`; the others are indexes of `sessionStateNames`, from 1. */
const idle = 0;
const active = 1;
const longRunning = 2;
const stalled = 3;
const blocked = 4;
const paused = 5;

/**
 * Which sessions make progress and which do not. A session is stalled when nothing was heard of it for
 * `stalledAfterMs` while it has open work, blocked when that is a tool; waiting for a person is neither.
 * Told once when it stalls and once when that is over.
 */
export class SessionStates {
  /** Sessions by state, an index of `sessionStateNames` from 1. */
  #counts = [0, 0, 0, 0, 0, 0];
  readonly #graph: ActivityGraph;
  readonly #limits: ActivityLimits;
  readonly #events: ActivityEvent[];
  readonly #deadlines: TimingWheel;
  #admitted = 0;
  #nowMs = 0;

  constructor(graph: ActivityGraph, limits: ActivityLimits, events: ActivityEvent[]) {
    this.#graph = graph;
    this.#limits = limits;
    this.#events = events;
    this.#deadlines = new TimingWheel(
      Math.min(limits.stalledAfterMs, limits.longRunningAfterMs) / 64,
    );
  }

  archive(io: Archive): void {
    this.#counts = io.numbers(this.#counts);
    this.#admitted = io.number(this.#admitted);
    this.#deadlines.archive(io, this.#admitted);
  }

  /** Sessions in a state. */
  count(state: SessionState): number {
    return this.#counts[sessionStateNames.indexOf(state) + 1] ?? 0;
  }

  /** What happens from now on happens at `nowMs`. */
  at(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** Something was heard of the group. */
  hear(group: number): void {
    const { groups } = this.#graph;
    groups.heardAtMs.set(group, this.#nowMs);
    if (groups.state.get(group) >= stalled) {
      this.#review(group, "progress");
    }
  }

  /** The group begins or ceases to wait for a person. */
  pausesChanged(group: number): void {
    this.#graph.groups.heardAtMs.set(group, this.#nowMs);
    this.#review(group, "progress");
  }

  becomeActive(group: number): void {
    const { groups } = this.#graph;
    groups.activeSinceMs.set(group, this.#nowMs);
    groups.heardAtMs.set(group, this.#nowMs);
    while (this.#admitted <= group) {
      this.#deadlines.admit(this.#admitted++);
    }
    this.#set(group, active);
    this.#review(group, "progress");
  }

  /** `cause` is why it has no open work any more. */
  becomeIdle(group: number, cause: RecoveryCause): void {
    const before = this.#graph.groups.state.get(group);
    this.#deadlines.cancel(group);
    this.#set(group, idle);
    if (isStalled(before)) {
      this.#tellRecovered(group, cause);
    }
  }

  /** Work of the group is no longer open: perhaps the tool that blocked it. */
  workClosed(group: number): void {
    if (this.#graph.groups.state.get(group) === blocked) {
      this.#review(group, "progress");
    }
  }

  /** `from` has become part of `into`. */
  merge(from: number, into: number): void {
    const { groups } = this.#graph;
    const state = groups.state.get(from);
    if (state === idle) {
      // It may wait for a person all the same: the wait was told before the work.
      this.#review(into, "progress");
      return;
    }
    const other = groups.state.get(into);
    const sinceMs = groups.activeSinceMs.get(from);
    const heardAtMs = groups.heardAtMs.get(from);
    this.#deadlines.cancel(from);
    this.#set(from, idle);
    if (other === idle) {
      this.#set(into, state);
      groups.activeSinceMs.set(into, sinceMs);
      groups.heardAtMs.set(into, heardAtMs);
    } else {
      groups.activeSinceMs.set(into, Math.min(groups.activeSinceMs.get(into), sinceMs));
      groups.heardAtMs.set(into, Math.max(groups.heardAtMs.get(into), heardAtMs));
      if (isStalled(state) && isStalled(other)) {
        // Two stalled sessions turn out to be one: each was told of, so one of them is over.
        this.#tellRecovered(from, "progress");
      } else if (isStalled(state)) {
        this.#set(into, state);
      }
    }
    while (this.#admitted <= into) {
      this.#deadlines.admit(this.#admitted++);
    }
    this.#review(into, "progress");
  }

  /** Takes out the groups whose state is due to change, in no particular order. */
  due(untilMs: number, into: number[]): void {
    this.#deadlines.due(untilMs, into);
  }

  hasMoreDue(untilMs: number, most: number): boolean {
    return this.#deadlines.hasMoreDue(untilMs, most);
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** When the state of a group that `due` took out changes, unless it is heard of before. */
  dueMsOf(group: number): number {
    return Math.max(this.#deadlines.dueMsOf(group), this.#nextMs(group));
  }

  postpone(group: number, dueMs: number): void {
    this.#deadlines.postpone(group, dueMs);
  }

  /** A deadline passed. */
  decide(group: number, dueMs: number): void {
    this.#nowMs = dueMs;
    if (this.#graph.groups.state.get(group) !== idle && !this.#deadlines.isSet(group)) {
      this.#review(group, "progress");
    }
  }

  /** Time in which nothing could be heard does not count as silence. */
  extend(byMs: number, nowMs: number): void {
    const { groups } = this.#graph;
    this.#nowMs = nowMs;
    for (let group = 0; group < groups.rows; group++) {
      if (groups.state.get(group) !== idle && groups.members.get(group) > 0) {
        groups.heardAtMs.set(group, Math.min(nowMs, groups.heardAtMs.get(group) + byMs));
        this.#review(group, "progress");
      }
    }
  }

  /** Finds the state that a group is in now, tells of a change, and sets the deadline of the next one. */
  #review(group: number, cause: RecoveryCause): void {
    const { groups } = this.#graph;
    const before = groups.state.get(group);
    if (before === idle) {
      return;
    }
    const isSilent = this.#nowMs >= this.#stalledAtMs(group);
    const after =
      groups.pauses.get(group) > 0
        ? paused
        : isSilent
          ? this.#hasOpenTool(group)
            ? blocked
            : stalled
          : this.#nowMs >= this.#longAtMs(group)
            ? longRunning
            : active;
    this.#set(group, after);
    if (after === active || after === longRunning) {
      this.#deadlines.set(group, this.#nextMs(group));
    } else {
      this.#deadlines.cancel(group);
    }
    if (isStalled(after) && !isStalled(before)) {
      this.#tellStalled(group, after === blocked ? "blocked_tool_call" : "stalled");
    } else if (isStalled(before) && !isStalled(after)) {
      this.#tellRecovered(group, cause);
    }
  }

  #stalledAtMs(group: number): number {
    return this.#graph.groups.heardAtMs.get(group) + this.#limits.stalledAfterMs;
  }

  #longAtMs(group: number): number {
    return this.#graph.groups.activeSinceMs.get(group) + this.#limits.longRunningAfterMs;
  }

  /** When a group that makes progress changes its state if it is not heard of. */
  #nextMs(group: number): number {
    return this.#graph.groups.state.get(group) === active
      ? Math.min(this.#stalledAtMs(group), this.#longAtMs(group))
      : this.#stalledAtMs(group);
  }

  #set(group: number, state: number): void {
    const { groups } = this.#graph;
    const before = groups.state.get(group);
    this.#counts[before] = (this.#counts[before] ?? 0) - 1;
    this.#counts[state] = (this.#counts[state] ?? 0) + 1;
    groups.state.set(group, state);
  }

  #hasOpenTool(group: number): boolean {
    const { spans } = this.#graph;
    return this.#openMarkers(group).some((span) => spans.kind.get(span) === workKinds.tool);
  }

  #openMarkers(group: number): readonly number[] {
    const { spans } = this.#graph;
    return openWorkOf(this.#graph, group).filter((span) => spans.kind.get(span) !== workKinds.run);
  }

  #tellStalled(group: number, state: "stalled" | "blocked_tool_call"): void {
    const { groups } = this.#graph;
    this.#events.push({
      type: "stalled",
      state,
      atMs: this.#nowMs,
      silentMs: this.#nowMs - groups.heardAtMs.get(group),
      channel: groups.channel.get(group),
      ...summaryOf(this.#graph, this.#openMarkers(group), this.#nowMs),
    });
  }

  #tellRecovered(group: number, cause: RecoveryCause): void {
    this.#events.push({
      type: "recovered",
      cause,
      atMs: this.#nowMs,
      channel: this.#graph.groups.channel.get(group),
    });
  }
}

function isStalled(state: number): boolean {
  return state === stalled || state === blocked;
}
