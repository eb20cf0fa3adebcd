import { workKinds } from "../kinds.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { Archive } from "./archive.ts";
import { spanFlags } from "./span-table.ts";

/** As many runs and harness runs of one process are remembered for pairing. */
const remembered = 64;

interface Candidates {
  readonly runs: number[];
  readonly harnessRuns: number[];
}

/**
 * OpenClaw 2026.4.30 exports a run and its harness run in two traces that nothing links, and only the
 * harness run says how many items were open. Within a process the two begin and end together, so the
 * pair that differs least in time is taken as one owner.
 */
export class SplitTraces {
  readonly #graph: ActivityGraph;
  readonly #toleranceMs: number;
  readonly #candidates = new Map<number, Candidates>();

  constructor(graph: ActivityGraph, toleranceMs: number) {
    this.#graph = graph;
    this.#toleranceMs = toleranceMs;
  }

  archive(io: Archive): void {
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

  /** A finished run without parent. Gives the harness run with claims that it belongs to, or -1. */
  addRun(run: number): number {
    const { harnessRuns, runs } = this.#of(run);
    const match = this.#best(run, harnessRuns);
    if (match === -1) {
      remember(runs, run);
    } else {
      harnessRuns.splice(harnessRuns.indexOf(match), 1);
    }
    return match;
  }

  /** A finished harness run with claims. Gives the run that belongs to it, or -1. */
  addHarnessRun(harnessRun: number): number {
    const { harnessRuns, runs } = this.#of(harnessRun);
    const match = this.#best(harnessRun, runs);
    if (match === -1) {
      remember(harnessRuns, harnessRun);
    } else {
      runs.splice(runs.indexOf(match), 1);
    }
    return match;
  }

  /** Must be called when a span's row is given up. */
  forget(span: number): void {
    const { spans, traces } = this.#graph;
    const candidates = this.#candidates.get(traces.process.get(spans.trace.get(span)));
    for (const list of candidates === undefined ? [] : [candidates.runs, candidates.harnessRuns]) {
      const at = list.indexOf(span);
      if (at !== -1) {
        list.splice(at, 1);
      }
    }
  }

  #best(span: number, among: readonly number[]): number {
    const { spans } = this.#graph;
    let best = -1;
    let leastMs = Number.POSITIVE_INFINITY;
    for (const other of among) {
      const startMs = Math.abs(spans.startMs.get(other) - spans.startMs.get(span));
      const endMs = Math.abs(spans.endMs.get(other) - spans.endMs.get(span));
      if (Math.max(startMs, endMs) <= this.#toleranceMs && startMs + endMs < leastMs) {
        leastMs = startMs + endMs;
        best = other;
      }
    }
    return best;
  }

  #of(span: number): Candidates {
    const { spans, traces } = this.#graph;
    const process = traces.process.get(spans.trace.get(span));
    const found = this.#candidates.get(process);
    if (found !== undefined) {
      return found;
    }
    const made: Candidates = { runs: [], harnessRuns: [] };
    this.#candidates.set(process, made);
    return made;
  }
}

/** Whether an owner's runs are all harness runs: its run is in another trace, if anywhere. */
export function lacksInnerRun({ spans, members }: ActivityGraph, owner: number): boolean {
  for (let span = members.first(owner); span !== -1; span = members.after(span)) {
    if (spans.kind.get(span) === workKinds.run && !spans.hasFlag(span, spanFlags.harness)) {
      return false;
    }
  }
  return true;
}

function remember(list: number[], span: number): void {
  list.push(span);
  if (list.length > remembered) {
    list.shift();
  }
}
