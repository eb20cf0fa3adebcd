import { type SignalResult, sourceRanks } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import type { SignalBatch } from "../../model/signal-batch.ts";
import { signalFlags } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";
import { runsOf } from "../policy/owner-runs.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream, SnapshotVersion } from "../store/snapshot.ts";
import { spanFlags } from "../store/span-table.ts";
import { EvictedRequests } from "./evicted-requests.ts";
import { FinishedSpans } from "./finished-spans.ts";
import { RecentCalls } from "./recent-calls.ts";
import { RecentWaits } from "./recent-waits.ts";
import {
  type RequestedCall,
  type RequestedResponse,
  RequestedResponses,
} from "./requested-responses.ts";
import { SeenToolNames } from "./seen-tool-names.ts";
import { type ToolPhases, toolPhasesOf } from "./tool-phases.ts";

/** Calls whose tool or run is waited for, tools and answers whose request has not come, evicted calls: of each so many. */
const maxRemembered = 100_000;
/** A tool that is cut off with its run ends with it. One that ended this long before did so by itself, and its run went on. */
const wentOnForMs = 100;

/** What it needs of the engine. */
interface RequestedToolsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly processes: ProcessLiveness;
}

/**
 * I2, tools that a finished model call asked for and that did not come, where only finished spans arrive. That one did not
 * come proves nothing by itself: it may wait for approval, be refused, belong to the caller, stand beside a final answer,
 * or the response was thrown away. One is an orphan, `presumed`, only when all of this holds:
 *
 * - another call of the same response ran, and ended without an error: the response was taken up, and the framework
 *   reports its tools. Where tools have no call id they go by their name;
 * - the run did not go on without an answer to it. A later model call of the run with its input captured says so: it
 *   names the answer (then the call was answered, by whomever), or it does not (then the framework dropped the call, or it
 *   waits, for no provider takes a request in which an answer is missing). Answered or not, it is no orphan;
 * - either the run called a model again and nothing is known of that one's input: it went on as if the call had been
 *   answered. Or no model call followed, and the run failed or was broken off some time after the sibling had ended;
 * - its process has reported a tool of that name before, so that the tool has a span when it runs. A run that was broken
 *   off in the middle does without: its instrumentation reports each tool that its framework runs, as it did the sibling;
 * - nobody was reported to wait for a person in that trace or session since the model call;
 * - nothing that could say otherwise was lost at a limit.
 *
 * A tool that comes later with the id of an evicted call is that tool: it is not counted again, and the eviction is
 * reconciled.
 */
export class RequestedTools {
  readonly #parts: RequestedToolsParts;
  readonly #responses: RequestedResponses;
  readonly #evicted: EvictedRequests;
  readonly #waits: RecentWaits;
  /** Calls that a tool was seen with before their request, and calls that were answered before it. */
  readonly #seenFirst: RecentCalls;
  readonly #answered: RecentCalls;
  readonly #reportedNames = new SeenToolNames();
  /** Tools that may outlive their run: one that has not come when that ends may do so yet. */
  readonly #detachedNames = new SeenToolNames();
  readonly #finished: FinishedSpans;
  /** When something was last forgotten that may have come just before its request. */
  #lostMs = Number.NEGATIVE_INFINITY;

  constructor(parts: RequestedToolsParts) {
    const { limits, store } = parts;
    this.#parts = parts;
    this.#responses = new RequestedResponses(store, maxRemembered);
    const remembered = {
      ttlMs: Math.max(limits.maxAgeMs, limits.tombstoneTtlMs),
      most: maxRemembered,
    };
    this.#evicted = new EvictedRequests(store, remembered);
    this.#seenFirst = new RecentCalls(remembered);
    this.#answered = new RecentCalls(remembered);
    this.#waits = new RecentWaits(store);
    this.#finished = new FinishedSpans(store);
  }

  snapshot(
    io: SnapshotStream,
    { version, nowMs }: { readonly version: SnapshotVersion; readonly nowMs: number },
  ): void {
    if (version < 3) {
      this.#restoreV2(io, { version, nowMs });
      this.#lostMs = nowMs;
      return;
    }
    this.#lostMs = io.number(this.#lostMs);
    this.#seenFirst.snapshot(io, { version, nowMs });
    this.#answered.snapshot(io, { version, nowMs });
    this.#reportedNames.snapshot(io);
    this.#detachedNames.snapshot(io);
    this.#responses.snapshot(io);
    this.#evicted.snapshot(io);
    this.#waits.snapshot(io);
    if (io.isLoading) {
      this.#finished.restore();
    }
  }

  /** Requests that an older version kept say too little: they are given up, and new ones wait until all that was on its way is here. */
  #restoreV2(
    io: SnapshotStream,
    { version, nowMs }: { readonly version: SnapshotVersion; readonly nowMs: number },
  ): void {
    io.texts([]);
    io.numbers([]);
    this.#seenFirst.snapshot(io, { version, nowMs });
    this.#reportedNames.snapshot(io);
    if (version > 1) {
      io.texts([]);
    }
  }

  /** A finished model call asked for a tool. */
  onRequest(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const process = batch.process.get(row);
    if (this.#parts.processes.sourceOf(process) !== sourceRanks.finishedSpans) {
      return "superseded"; // Starts are reported, so there is nothing to infer.
    }
    const key0 = batch.key0.get(row);
    const key1 = batch.key1.get(row);
    const key = keyOf(batch, row);
    if (this.#responses.ofCall(key) !== undefined || this.#evicted.has(key)) {
      return "repeated";
    }
    const trace = this.#parts.store.traces.find(
      process,
      batch.trace0.get(row),
      batch.trace1.get(row),
      batch.trace2.get(row),
      batch.trace3.get(row),
    );
    const span0 = batch.span0.get(row);
    const span1 = batch.span1.get(row);
    const isKnown = trace !== -1 && this.#parts.store.spans.find(trace, span0, span1) !== -1;
    if (!isKnown || (key0 === 0 && key1 === 0)) {
      return "untracked";
    }
    const name = batch.name.get(row);
    const call: RequestedCall = { key, name, state: "open" };
    const response = this.#responses.add({ process, trace, span0, span1, atMs: nowMs }, call);
    if (response === undefined) {
      return "untracked";
    }
    const met = this.#seenFirst.take(process, key0, key1, nowMs);
    if (met !== undefined) {
      this.#recordRun(response, call, met.name, met.endMs);
      return "answered";
    }
    if (this.#answered.take(process, key0, key1, nowMs) !== undefined) {
      call.state = "answered";
      return "answered";
    }
    return "requested";
  }

  /** A model was handed the result of a call, or that call was refused, or a person is asked about it. */
  onAnswer(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const process = batch.process.get(row);
    if (this.#parts.processes.sourceOf(process) !== sourceRanks.finishedSpans) {
      return "superseded";
    }
    const key = keyOf(batch, row);
    const call = this.#callOf(key);
    if (call === undefined) {
      const told = { name: 0, endMs: Number.POSITIVE_INFINITY, atMs: nowMs };
      const lostMs = this.#answered.add(process, batch.key0.get(row), batch.key1.get(row), told);
      this.#recordLoss(lostMs, nowMs);
      return "unmatched";
    }
    if (call.state !== "open") {
      return "repeated";
    }
    call.state = "answered";
    return "answered";
  }

  /** A tool with a call id was seen. Must come before its span is taken in. */
  onToolSeen(batch: SignalBatch, row: number, nowMs: number): void {
    const process = batch.process.get(row);
    const name = batch.name.get(row);
    const key = keyOf(batch, row);
    const isGood = (batch.flags.get(row) & signalFlags.failed) === 0;
    const endMs = isGood ? batch.endMs.get(row) : Number.POSITIVE_INFINITY;
    const response = this.#responses.ofCall(key);
    const call = this.#callOf(key);
    if (response !== undefined && call !== undefined) {
      this.#recordRun(response, call, name, endMs);
      return;
    }
    const isBest = this.#parts.processes.sourceOf(process) === sourceRanks.finishedSpans;
    if (isBest && !this.#evicted.has(key)) {
      const met = { name, endMs, atMs: nowMs };
      const lostMs = this.#seenFirst.add(process, batch.key0.get(row), batch.key1.get(row), met);
      this.#recordLoss(lostMs, nowMs);
    }
  }

  /** By how much a tool that came is late, if it was evicted before: once for each eviction. */
  takeEvicted(batch: SignalBatch, row: number, nowMs: number): number | undefined {
    const hasKey = batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0;
    return hasKey ? this.#evicted.take(keyOf(batch, row), nowMs) : undefined;
  }

  /** A model call or a tool came finished, and its span is known. */
  onFinished(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    const hasKey = batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0;
    const isTool = spans.kind.get(span) === workKinds.tool;
    if (spans.hasFlag(span, spanFlags.detached)) {
      this.#detachedNames.add(batch.process.get(row), batch.name.get(row));
    }
    const lateByMs = isTool ? this.takeEvicted(batch, row, nowMs) : undefined;
    if (lateByMs !== undefined) {
      this.#evicted.setLateness(span, lateByMs);
    }
    if (!isTool && (batch.flags.get(row) & signalFlags.hasPrompt) !== 0) {
      spans.setFlag(span, spanFlags.hasPrompt);
    }
    const isBest =
      this.#parts.processes.sourceOf(batch.process.get(row)) === sourceRanks.finishedSpans;
    if (isBest && !(isTool && hasKey)) {
      this.#finished.add(span);
    }
  }

  /** By how much a finished tool was late, if it had been evicted before it came. */
  takeLateness(span: number): number | undefined {
    return this.#evicted.takeLateness(span);
  }

  /** A wait for a person has begun or ended. */
  onWait(batch: SignalBatch, row: number, nowMs: number): void {
    this.#waits.add(batch, row, nowMs);
  }

  /** How many tools that the runs of an owner that has ended asked for are orphans, as of `atMs`. All are decided. */
  takeOrphans(owner: number, atMs: number): number {
    const pending = this.#responses.isEmpty ? [] : this.#pendingOf(owner);
    if (pending.length === 0) {
      return 0;
    }
    const phases = toolPhasesOf(
      this.#parts.store,
      this.#finished.directlyIn(runsOf(this.#parts.store, owner)),
      pending,
    );
    for (const { response, call, tool } of phases.matched) {
      const isGood = !this.#parts.store.spans.hasFlag(tool, spanFlags.failed);
      call.state = "ran";
      if (isGood) {
        response.ranMs = Math.min(response.ranMs, this.#parts.store.spans.endMs.get(tool));
      }
      this.#reportedNames.add(response.process, call.name);
    }
    let unmet = 0;
    for (const { response, modelCall, run } of pending) {
      for (const { key } of this.#missing(response, { modelCall, run, owner }, phases)) {
        this.#evicted.add(key, run, atMs);
        unmet++;
      }
      this.#responses.remove(response);
    }
    return unmet;
  }

  /** Names that requests are compared by. */
  *names(): Generator<number> {
    yield* this.#responses.names();
    yield* this.#seenFirst.names();
    yield* this.#reportedNames.names();
    yield* this.#detachedNames.names();
  }

  /** Must be called when the number of a process is given up. */
  forgetProcess(process: number): void {
    this.#reportedNames.forgetProcess(process);
    this.#detachedNames.forgetProcess(process);
    this.#evicted.forgetProcess(process);
  }

  /** The row of a span is given up: what it asked for can no longer be told to be anybody's. */
  forgetSpan(span: number): void {
    const { spans } = this.#parts.store;
    const trace = spans.trace.get(span);
    this.#responses.forget(trace, spans.id0.get(span), spans.id1.get(span));
    this.#evicted.takeLateness(span);
    this.#finished.forgetSpan(span);
  }

  /** Forgets what has been remembered long enough. Must be called before anything happens at `nowMs`. */
  dropExpired(nowMs: number): void {
    this.#evicted.dropExpired(nowMs);
  }

  #pendingOf(owner: number) {
    const { spans, tree } = this.#parts.store;
    const traces = new Set(runsOf(this.#parts.store, owner).map((run) => spans.trace.get(run)));
    return [...traces]
      .flatMap((trace) => this.#responses.inTrace(trace))
      .flatMap((response) => {
        const modelCall = spans.find(response.trace, response.span0, response.span1);
        const run = modelCall === -1 ? -1 : tree.runAbove(modelCall);
        const isIts = run !== -1 && spans.owner.get(run) === owner;
        return isIts ? [{ response, modelCall, run }] : [];
      });
  }

  /** The calls of a response that are orphans. */
  #missing(
    response: RequestedResponse,
    of: { readonly modelCall: number; readonly run: number; readonly owner: number },
    phases: ToolPhases,
  ): readonly RequestedCall[] {
    const { spans } = this.#parts.store;
    const { process, atMs, ranMs, hasKeyedTools } = response;
    const { modelCall, run, owner } = of;
    const sinceMs = atMs - this.#parts.limits.allowedLatenessMs;
    const isUnknown =
      spans.hasFlag(modelCall, spanFlags.failed) ||
      this.#lostMs >= sinceMs ||
      (!hasKeyedTools && this.#mayHaveRunUnseen(process, phases)) ||
      this.#waits.concerns(run, sinceMs);
    const open = response.calls.filter(
      ({ name, state }) =>
        state === "open" && name !== 0 && !this.#detachedNames.has(process, name),
    );
    if (isUnknown || open.length === 0 || !Number.isFinite(ranMs)) {
      return [];
    }
    const reported = open.filter(({ name }) => this.#reportedNames.has(process, name));
    const next = phases.after(modelCall);
    if (next !== "nothing") {
      return next === "a model call" ? reported : [];
    }
    const hasFailed = runsOf(this.#parts.store, owner).some((each) =>
      spans.hasFlag(each, spanFlags.failed),
    );
    const isBrokenOff = spans.hasFlag(run, spanFlags.aborted);
    const hasGoneOn = ranMs + wentOnForMs <= spans.endMs.get(run);
    if (!hasGoneOn || !(hasFailed || isBrokenOff)) {
      return [];
    }
    return isBrokenOff ? open : reported;
  }

  /**
   * Whether tools without a call id may have come that were asked for: by another name, or reported in another way than as
   * finished spans, which the process has begun since.
   */
  #mayHaveRunUnseen(process: number, phases: ToolPhases): boolean {
    return (
      phases.hasOthers || this.#parts.processes.sourceOf(process) !== sourceRanks.finishedSpans
    );
  }

  #callOf(key: string): RequestedCall | undefined {
    return this.#responses.ofCall(key)?.calls.find((call) => call.key === key);
  }

  #recordRun(
    response: RequestedResponse,
    call: RequestedCall,
    asTool: number,
    endMs: number,
  ): void {
    call.state = "ran";
    response.hasKeyedTools = true;
    response.ranMs = Math.min(response.ranMs, endMs);
    if (call.name === asTool) {
      this.#reportedNames.add(response.process, call.name);
    }
  }

  /** What was forgotten may matter to what comes within a lateness of it. */
  #recordLoss(lostMs: number | undefined, nowMs: number): void {
    if (lostMs !== undefined && lostMs + this.#parts.limits.allowedLatenessMs >= nowMs) {
      this.#lostMs = nowMs;
    }
  }
}

function keyOf(batch: SignalBatch, row: number): string {
  return `${batch.process.get(row)}:${batch.key0.get(row)}:${batch.key1.get(row)}`;
}
