import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";

/** Runs, and harness runs, of one process that wait for their pair: of each at most this many. */
const maxCandidates = 64;
/** The two begin within this time of each other, and end within it. */
const maxApartMs = 1_000;

interface Candidates {
  readonly runs: number[];
  readonly harnessRuns: number[];
}

/**
 * Finds the run of a harness run in another trace, and the reverse. OpenClaw 2026.4.30 exports the two in traces that nothing links,
 * and only the harness run reports how many items were open. Within a process they begin and end together, so the two that differ
 * least in time are one run; they become one owner only where open items must be explained.
 *
 * Keeps the last 64 runs and the last 64 harness runs of each process that have no pair, while they have a row in the span table. At
 * the bound the oldest is forgotten and stays a run of its own.
 */
export class SplitTraces {
  readonly #store: ActivityStore;
  readonly #toleranceMs: number;
  readonly #candidates = new Map<number, Candidates>();

  constructor(store: ActivityStore, toleranceMs: number) {
    this.#store = store;
    this.#toleranceMs = Math.min(toleranceMs, maxApartMs);
  }

  snapshot(io: SnapshotStream): void {
    const rows = [...this.#candidates].map(([process, { runs, harnessRuns }]) => [
      process,
      runs.length,
      ...runs,
      ...harnessRuns,
    ]);
    const count = io.number(rows.length);
    for (let at = 0; at < count; at++) {
      const [process = 0, runs = 0, ...spans] = io.numbers(rows[at] ?? []);
      this.#candidates.set(process, { runs: spans.slice(0, runs), harnessRuns: spans.slice(runs) });
    }
  }

  /** Adds a run without a parent. Returns the harness run without a run that belongs to it, or -1. */
  addRun(run: number): number {
    const store = this.#store;
    const { spans } = store;
    const { harnessRuns, runs } = this.#of(run);
    const match = this.#best(
      run,
      harnessRuns.filter((each) => lacksInnerRun(store, spans.owner.get(each))),
    );
    if (match === -1) {
      remember(runs, run);
    } else {
      harnessRuns.splice(harnessRuns.indexOf(match), 1);
    }
    return match;
  }

  /** Adds a harness run without a run. Returns the run that belongs to it, or -1. */
  addHarnessRun(harnessRun: number): number {
    const { harnessRuns, runs } = this.#of(harnessRun);
    const match = this.#best(
      harnessRun,
      runs.filter((each) => this.#store.spans.parentOf(each) === -1),
    );
    if (match === -1) {
      remember(harnessRuns, harnessRun);
    } else {
      runs.splice(runs.indexOf(match), 1);
    }
    return match;
  }

  /** Must be called before the row of a span is removed. */
  forget(span: number): void {
    const { spans, traces } = this.#store;
    const process = traces.process.get(spans.trace.get(span));
    const candidates = this.#candidates.get(process);
    for (const list of candidates === undefined ? [] : [candidates.runs, candidates.harnessRuns]) {
      const at = list.indexOf(span);
      if (at !== -1) {
        list.splice(at, 1);
      }
    }
    if (candidates?.runs.length === 0 && candidates.harnessRuns.length === 0) {
      this.#candidates.delete(process);
    }
  }

  #best(span: number, among: readonly number[]): number {
    let best = -1;
    let leastMs = Number.POSITIVE_INFINITY;
    for (const other of among) {
      const apartMs = this.#apartMs(span, other);
      if (apartMs < leastMs) {
        leastMs = apartMs;
        best = other;
      }
    }
    return best;
  }

  /** By how much two differ in time; Infinity when they cannot be one run. The relay gives both one trace, also before it links them. */
  #apartMs(span: number, other: number): number {
    const { spans } = this.#store;
    if (this.#areOfTwoSessions(span, other)) {
      return Number.POSITIVE_INFINITY;
    }
    if (spans.trace.get(other) === spans.trace.get(span)) {
      const areRoots = [span, other].every((each) => spans.parentOf(each) === -1);
      return areRoots ? 0 : Number.POSITIVE_INFINITY;
    }
    const isRelayed = [span, other].some((each) => spans.hasFlag(each, spanFlags.relayed));
    if (isRelayed || spans.startMs.get(span) === 0) {
      return Number.POSITIVE_INFINITY;
    }
    const startMs = Math.abs(spans.startMs.get(other) - spans.startMs.get(span));
    const haveEnded = [span, other].every(
      (each) => spans.state.get(each) !== spanStates.open && spans.closedMs.get(each) > 0,
    );
    const endMs = haveEnded ? Math.abs(spans.closedMs.get(other) - spans.closedMs.get(span)) : 0;
    const isNear = Math.max(startMs, endMs) <= this.#toleranceMs;
    return isNear ? startMs + endMs : Number.POSITIVE_INFINITY;
  }

  #areOfTwoSessions(span: number, other: number): boolean {
    const { groups } = this.#store;
    const [one, two] = [this.#store.groupOf(span), this.#store.groupOf(other)];
    const areNamed = [one, two].every(
      (group) => group !== -1 && groups.hasFlag(group, groupFlags.referenced),
    );
    return areNamed && one !== two;
  }

  #of(span: number): Candidates {
    const { spans, traces } = this.#store;
    const process = traces.process.get(spans.trace.get(span));
    const found = this.#candidates.get(process);
    if (found !== undefined) {
      return found;
    }
    const candidates: Candidates = { runs: [], harnessRuns: [] };
    this.#candidates.set(process, candidates);
    return candidates;
  }
}

/** Whether the runs of an owner are all harness runs, so that its run can only be in another trace. */
export function lacksInnerRun({ spans, members }: ActivityStore, owner: number): boolean {
  for (let span = members.first.get(owner); span !== -1; span = members.after.get(span)) {
    if (spans.kind.get(span) === workKinds.run && !spans.hasFlag(span, spanFlags.harness)) {
      return false;
    }
  }
  return true;
}

function remember(list: number[], span: number): void {
  if (!list.includes(span)) {
    list.push(span);
  }
  if (list.length > maxCandidates) {
    list.shift();
  }
}
