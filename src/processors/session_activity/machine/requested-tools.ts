import { type SignalResult, sourceRanks } from "../signals/dialects.ts";
import type { SignalBatch } from "../signals/signal-batch.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { Archive } from "./archive.ts";
import type { Ownership } from "./ownership.ts";
import type { ProcessWatch } from "./process-watch.ts";
import { RecentCalls } from "./recent-calls.ts";
import { spanFlags } from "./span-table.ts";

/** Requests that wait for their tool, and tools whose request has not come, that are remembered. */
const mostRemembered = 100_000;

interface Request {
  readonly process: number;
  /** Row of its trace, which is held. */
  readonly trace: number;
  /** The model call that asked. */
  readonly span0: number;
  readonly span1: number;
  /** Interned tool name. */
  readonly name: number;
}

/**
 * I2, tools that a finished model call asked for, where only finished spans arrive. That one never came proves nothing by
 * itself: it may wait for approval, be refused, belong to the caller, or the response was thrown away. So it counts only
 * when another call of the same response ran, and the run then failed or went on to its next model call; and only for a
 * tool that its process has reported under a call id before.
 */
export class RequestedTools {
  readonly #graph: ActivityGraph;
  readonly #processes: ProcessWatch;
  readonly #ownership: Ownership;
  readonly #requests = new Map<string, Request>();
  readonly #byTrace = new Map<number, Set<string>>();
  /** Calls that a tool was seen with before their request, and its name. */
  readonly #met = new RecentCalls(mostRemembered);
  /** Per process, the tools that have reported calls which were asked for. */
  readonly #reporting = new Map<number, Set<number>>();
  /** Responses of which a call ran, while others of them are waited for. */
  readonly #ran = new Set<string>();

  constructor(graph: ActivityGraph, processes: ProcessWatch, ownership: Ownership) {
    this.#graph = graph;
    this.#processes = processes;
    this.#ownership = ownership;
  }

  archive(io: Archive, { version }: { readonly version: 1 | 2 } = { version: 2 }): void {
    const requests = [...this.#requests];
    const keys = io.texts(requests.map(([key]) => key));
    const cells = io.numbers(
      requests.flatMap(([, { process, trace, span0, span1, name }]) => [
        process,
        trace,
        span0,
        span1,
        name,
      ]),
    );
    this.#met.archive(io);
    const reporting = io.numbers(
      [...this.#reporting].flatMap(([process, names]) =>
        [...names].flatMap((name) => [process, name]),
      ),
    );
    const ran = version === 1 ? [] : io.texts([...this.#ran]);
    if (!io.isLoading) {
      return;
    }
    for (const response of ran) {
      this.#ran.add(response);
    }
    for (const [at, key] of keys.entries()) {
      const [process = 0, trace = -1, span0 = 0, span1 = 0, name = 0] = cells.slice(at * 5);
      this.#requests.set(key, { process, trace, span0, span1, name });
      this.#byTrace.set(trace, (this.#byTrace.get(trace) ?? new Set()).add(key));
    }
    for (let at = 0; at < reporting.length; at += 2) {
      const name = reporting[at + 1] ?? 0;
      this.#learn(reporting[at] ?? 0, name, name);
    }
  }

  /** A finished model call asked for a tool. */
  request(batch: SignalBatch, row: number): SignalResult {
    const process = batch.process.get(row);
    if (this.#processes.sourceOf(process) !== sourceRanks.finishedSpans) {
      return "untracked"; // Starts are told, so there is nothing to infer.
    }
    const name = batch.name.get(row);
    const met = this.#met.take(process, batch.key0.get(row), batch.key1.get(row));
    const trace = this.#graph.traces.find(
      process,
      batch.trace0.get(row),
      batch.trace1.get(row),
      batch.trace2.get(row),
      batch.trace3.get(row),
    );
    const span0 = batch.span0.get(row);
    const span1 = batch.span1.get(row);
    if (met !== undefined) {
      this.#learn(process, name, met);
      this.#noteRan(trace, span0, span1);
      return "answered";
    }
    const key = keyOf(batch, row);
    const isKnown = trace !== -1 && this.#graph.spans.find(trace, span0, span1) !== -1;
    if (!isKnown || this.#requests.has(key)) {
      return "untracked";
    }
    if (this.#requests.size >= mostRemembered) {
      for (const oldest of this.#requests.keys()) {
        this.#forget(oldest);
        break;
      }
    }
    this.#graph.traces.hold(trace);
    this.#requests.set(key, { process, trace, span0, span1, name });
    const ofTrace = this.#byTrace.get(trace) ?? new Set();
    this.#byTrace.set(trace, ofTrace.add(key));
    return "requested";
  }

  /** A tool with this call id was seen, or (`isTool` false) a model was handed its result. */
  meet(batch: SignalBatch, row: number, isTool: boolean): SignalResult {
    const process = batch.process.get(row);
    const name = isTool ? batch.name.get(row) : 0;
    const key = this.#requests.size === 0 ? "" : keyOf(batch, row);
    const request = this.#requests.get(key);
    if (request !== undefined) {
      if (isTool) {
        this.#noteRan(request.trace, request.span0, request.span1);
      }
      this.#forget(key);
      this.#learn(request.process, request.name, name);
      return "answered";
    }
    if (isTool && this.#processes.sourceOf(process) === sourceRanks.finishedSpans) {
      this.#met.add(process, batch.key0.get(row), batch.key1.get(row), name);
    }
    return "untracked";
  }

  /** How many tools that the runs of an owner that has ended asked for never came. They are forgotten. */
  takeUnmet(owner: number): number {
    if (this.#byTrace.size === 0) {
      return 0;
    }
    const { spans, tree } = this.#graph;
    let unmet = 0;
    for (const trace of new Set(this.#ownership.runsOf(owner).map((run) => spans.trace.get(run)))) {
      for (const key of [...(this.#byTrace.get(trace) ?? [])]) {
        const { process, span0, span1, name } = this.#requests.get(key) ?? noRequest;
        const modelCall = spans.find(trace, span0, span1);
        const run = modelCall === -1 ? -1 : tree.ownerAbove(modelCall);
        if (run !== -1 && spans.owner.get(run) === owner) {
          const isMissed =
            this.#reporting.get(process)?.has(name) === true &&
            this.#ran.has(responseOf(trace, span0, span1)) &&
            this.#wentOn(owner, modelCall);
          unmet += isMissed ? 1 : 0;
          this.#forget(key);
        }
      }
    }
    return unmet;
  }

  /** The row of a span is given up: what it asked for can no longer be told to be anybody's. */
  forgetSpan(span: number): void {
    const { spans } = this.#graph;
    this.#ran.delete(responseOf(spans.trace.get(span), spans.id0.get(span), spans.id1.get(span)));
    for (const key of [...(this.#byTrace.get(spans.trace.get(span)) ?? [])]) {
      const { span0, span1 } = this.#requests.get(key) ?? noRequest;
      if (span0 === spans.id0.get(span) && span1 === spans.id1.get(span)) {
        this.#forget(key);
      }
    }
  }

  /** Whether the run failed, or called a model again after this call. */
  #wentOn(owner: number, modelCall: number): boolean {
    const { spans, owners } = this.#graph;
    const hasFailed = this.#ownership
      .runsOf(owner)
      .some((run) => spans.hasFlag(run, spanFlags.failed));
    return hasFailed || owners.lastModelMs.get(owner) >= spans.endMs.get(modelCall);
  }

  #noteRan(trace: number, span0: number, span1: number): void {
    if (trace !== -1) {
      this.#ran.add(responseOf(trace, span0, span1));
      for (const oldest of this.#ran.size > mostRemembered ? this.#ran : []) {
        this.#ran.delete(oldest);
        break;
      }
    }
  }

  #forget(key: string): void {
    const request = this.#requests.get(key);
    if (request === undefined) {
      return;
    }
    this.#requests.delete(key);
    const ofTrace = this.#byTrace.get(request.trace);
    ofTrace?.delete(key);
    if (ofTrace?.size === 0) {
      this.#byTrace.delete(request.trace);
    }
    this.#graph.traces.release(request.trace);
  }

  /** A tool of this name reports the calls it is asked for; `asTool` is how the tool itself spelled it. */
  #learn(process: number, name: number, asTool: number): void {
    if (name !== 0 && asTool === name) {
      const known = this.#reporting.get(process) ?? new Set();
      this.#reporting.set(process, known.add(name));
    }
  }
}

const noRequest: Request = { process: 0, trace: -1, span0: 0, span1: 0, name: 0 };

function responseOf(trace: number, span0: number, span1: number): string {
  return `${trace}:${span0}:${span1}`;
}

function keyOf(batch: SignalBatch, row: number): string {
  return `${batch.process.get(row)}:${batch.key0.get(row)}:${batch.key1.get(row)}`;
}
