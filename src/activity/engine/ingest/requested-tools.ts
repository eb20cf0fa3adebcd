import { type SignalResult, sourceRanks } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type SignalBatch, signalFlags } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { spanFlags } from "../store/span-table.ts";
import type { RequestRecords } from "./request-records.ts";
import type { RequestedCall } from "./requested-responses.ts";
import type { SignalLookup } from "./signal-lookup.ts";

/** What it needs of the engine. */
interface RequestedToolsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly lookup: SignalLookup;
  readonly processes: ProcessLiveness;
  readonly requests: RequestRecords;
}

/**
 * Records which tools finished model calls ask for, and which of them arrive or are answered, in any order. Keeps nothing itself
 * (see `RequestRecords`); `MissingTools` decides which of them are orphans. Only of processes that report nothing but finished
 * spans: where starts are reported there is nothing to infer.
 *
 * A tool that arrives late with the id of an evicted call is that tool: it is not counted again, and the eviction is reconciled.
 */
export class RequestedTools {
  readonly #parts: RequestedToolsParts;

  constructor(parts: RequestedToolsParts) {
    this.#parts = parts;
  }

  /** A finished model call asked for a tool. */
  onRequest(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const process = batch.process.get(row);
    const { lookup, processes, requests } = this.#parts;
    if (processes.sourceOf(process) !== sourceRanks.finishedSpans) {
      return "superseded";
    }
    const { responses, evicted } = requests;
    const key0 = batch.key0.get(row);
    const key1 = batch.key1.get(row);
    if (responses.callOf(process, key0, key1) !== undefined || evicted.has(process, key0, key1)) {
      return "repeated";
    }
    if (lookup.find(batch, row) === -1 || (key0 === 0 && key1 === 0)) {
      return "untracked";
    }
    const trace = lookup.findTrace(batch, row);
    const modelCall = { span0: batch.span0.get(row), span1: batch.span1.get(row) };
    const call = responses.add(
      { process, trace, ...modelCall, atMs: nowMs },
      { key0, key1, name: batch.name.get(row) },
    );
    if (call === undefined) {
      return "untracked";
    }
    const ran = requests.ranEarly.take(process, key0, key1, nowMs);
    if (ran !== undefined) {
      this.#recordRun(call, ran.name, ran.endMs);
      return "answered";
    }
    if (requests.answeredEarly.take(process, key0, key1, nowMs) !== undefined) {
      call.state = "answered";
      return "answered";
    }
    return "requested";
  }

  /** A model was given the result of a call, or the call was refused, or a person is asked about it. */
  onAnswer(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const process = batch.process.get(row);
    const { processes, requests } = this.#parts;
    if (processes.sourceOf(process) !== sourceRanks.finishedSpans) {
      return "superseded";
    }
    const { responses, answeredEarly } = requests;
    const key0 = batch.key0.get(row);
    const key1 = batch.key1.get(row);
    const call = responses.callOf(process, key0, key1);
    if (call === undefined) {
      const answer = { name: 0, endMs: Number.POSITIVE_INFINITY, atMs: nowMs };
      const displacedMs = answeredEarly.add(process, key0, key1, answer);
      if (displacedMs !== undefined) {
        this.#recordLoss(displacedMs, nowMs);
      }
      return "unmatched";
    }
    if (call.state !== "open") {
      return "repeated";
    }
    call.state = "answered";
    return "answered";
  }

  /** A tool with a call id arrived. Must be called before its span is ingested. */
  onToolSeen(batch: SignalBatch, row: number, nowMs: number): void {
    const { processes, requests } = this.#parts;
    const { responses, evicted, ranEarly } = requests;
    const process = batch.process.get(row);
    const key0 = batch.key0.get(row);
    const key1 = batch.key1.get(row);
    const name = batch.name.get(row);
    const hasFailed = (batch.flags.get(row) & signalFlags.failed) !== 0;
    const endMs = hasFailed ? Number.POSITIVE_INFINITY : batch.endMs.get(row);
    const call = responses.callOf(process, key0, key1);
    if (call !== undefined) {
      this.#recordRun(call, name, endMs);
    } else if (
      processes.sourceOf(process) === sourceRanks.finishedSpans &&
      !evicted.has(process, key0, key1)
    ) {
      const tool = { name, endMs, atMs: nowMs };
      const displacedMs = ranEarly.add(process, key0, key1, tool);
      if (displacedMs !== undefined) {
        this.#recordLoss(displacedMs, nowMs);
      }
    }
  }

  /** A model call or a tool arrived finished. Must be called after its span is registered. */
  onFinished(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { processes, requests, store } = this.#parts;
    const { spans } = store;
    const process = batch.process.get(row);
    const key0 = batch.key0.get(row);
    const key1 = batch.key1.get(row);
    const isTool = spans.kind.get(span) === workKinds.tool;
    if (spans.hasFlag(span, spanFlags.detached)) {
      requests.detachedNames.add(process, batch.name.get(row));
    }
    if (isTool && (key0 !== 0 || key1 !== 0)) {
      const lateByMs = requests.evicted.take(process, key0, key1, nowMs);
      if (lateByMs !== undefined) {
        requests.evicted.lateByMs.set(span, lateByMs);
      }
      return;
    }
    if (!isTool && (batch.flags.get(row) & signalFlags.hasPrompt) !== 0) {
      spans.setFlag(span, spanFlags.hasPrompt);
    }
    if (processes.sourceOf(process) === sourceRanks.finishedSpans) {
      requests.unkeyed.add(span);
    }
  }

  #recordRun(call: RequestedCall, toolName: number, endMs: number): void {
    const { response } = call;
    call.state = "ran";
    response.hasKeyedTools = true;
    response.ranMs = Math.min(response.ranMs, endMs);
    if (call.name === toolName) {
      this.#parts.requests.reportedNames.add(response.process, call.name);
    }
  }

  /** A call was forgotten that had been added at `addedMs`: its request may follow within the lateness. */
  #recordLoss(addedMs: number, nowMs: number): void {
    if (addedMs + this.#parts.limits.allowedLatenessMs >= nowMs) {
      this.#parts.requests.lostMs = nowMs;
    }
  }
}
