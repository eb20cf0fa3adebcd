import type { SignalResult } from "../signals/dialects.ts";
import type { SignalBatch } from "../signals/signal-batch.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { Enlistment } from "./enlistment.ts";
import type { GroupDeadlines } from "./group-deadlines.ts";
import type { Judgement } from "./judgement.ts";
import type { Pauses } from "./pauses.ts";
import type { SessionStates } from "./session-states.ts";
import type { SignalLookup } from "./signal-lookup.ts";

/** What signals say of whole sessions: that one is over, waits for a person, goes on. */
export class SessionSignals {
  readonly #lookup: SignalLookup;
  readonly #graph: ActivityGraph;
  readonly #enlistment: Enlistment;
  readonly #deadlines: GroupDeadlines;
  readonly #judgement: Judgement;
  readonly #states: SessionStates;
  readonly #pauses: Pauses;

  constructor(parts: {
    readonly lookup: SignalLookup;
    readonly graph: ActivityGraph;
    readonly enlistment: Enlistment;
    readonly deadlines: GroupDeadlines;
    readonly judgement: Judgement;
    readonly states: SessionStates;
    readonly pauses: Pauses;
  }) {
    this.#lookup = parts.lookup;
    this.#graph = parts.graph;
    this.#enlistment = parts.enlistment;
    this.#deadlines = parts.deadlines;
    this.#judgement = parts.judgement;
    this.#states = parts.states;
    this.#pauses = parts.pauses;
  }

  /** A session is over: what began in it before that has a lateness to say how it ended. */
  end(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { groups } = this.#graph;
    const group = this.#lookup.referencedGroupOf(batch, row);
    if (group === -1) {
      return "unmatched";
    }
    this.#states.hear(group);
    groups.endedAtMs.set(group, nowMs);
    groups.sessionEndMs.set(group, Math.max(groups.sessionEndMs.get(group), batch.endMs.get(row)));
    groups.sessionEndSeq.set(group, Math.max(groups.sessionEndSeq.get(group), batch.seq.get(row)));
    this.#deadlines.call(group, nowMs);
    return "session_ended";
  }

  /** A session waits for a person: that of the span, else the one that the references name. */
  pause(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const group = this.#groupOf(batch, row, nowMs);
    if (group === -1 || !this.#pauses.begin(group, pauseKeyOf(batch, row), nowMs)) {
      return "unmatched";
    }
    this.#states.pausesChanged(group);
    return "paused";
  }

  /** A wait for a person is over; without a key, all waits of the session are. */
  resume(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const hasKey = batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0;
    const known = hasKey ? this.#pauses.end(pauseKeyOf(batch, row)) : -1;
    const group = hasKey ? known : this.#groupOf(batch, row, nowMs);
    if (group === -1 || (!hasKey && !this.#pauses.endAll(group))) {
      return "unmatched";
    }
    this.#states.pausesChanged(group);
    this.#judgement.resume(group, nowMs);
    return "resumed";
  }

  /** The group of the span that a signal is about, else of the session it names; -1 when there is neither. */
  #groupOf(batch: SignalBatch, row: number, nowMs: number): number {
    const span = this.#lookup.find(batch, row);
    if (span !== -1) {
      return this.#graph.groupOf(span);
    }
    const group = this.#lookup.referencedGroupOf(batch, row);
    const hasSpan = batch.span0.get(row) !== 0 || batch.span1.get(row) !== 0;
    if (group !== -1 || !hasSpan) {
      return group;
    }
    // The span is on its way: signals of several pipelines overtake each other.
    const awaited = this.#enlistment.add(batch, row, nowMs);
    return awaited === -1 ? -1 : this.#graph.groupOf(awaited);
  }
}

function pauseKeyOf(batch: SignalBatch, row: number): string {
  return `${batch.process.get(row)}:${batch.key0.get(row)}:${batch.key1.get(row)}`;
}
