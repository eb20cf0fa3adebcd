import { sourceRanks } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { runsOf } from "../policy/owner-ends.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { spanFlags } from "../store/span-table.ts";
import type { RequestRecords } from "./request-records.ts";
import type { RequestedCall, RequestedResponse } from "./requested-responses.ts";
import { type ToolPhases, toolPhasesOf } from "./tool-phases.ts";

/** A tool that is cut off with its run ends with it. One that ended this long before ended by itself, and its run continued. */
const continuedForMs = 100;

/** What it needs of the engine. */
interface MissingToolsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly processes: ProcessLiveness;
  readonly requests: RequestRecords;
}

/** A response, the row of its model call, and the run that made it. */
interface PendingResponse {
  readonly response: RequestedResponse;
  readonly modelCall: number;
  readonly run: number;
}

/**
 * Decides, when a run has ended, which of the tools that its model calls asked for are orphans (I2), where only finished spans
 * arrive. A tool that does not arrive proves nothing by itself: it may wait for approval, be refused, be executed by the caller,
 * accompany a final answer, or its response was discarded. A missing tool is an orphan, `presumed`, only when all of this holds:
 *
 * - Another call of the same response ran, and ended without an error: the response was used, and the framework reports its
 *   tools. Tools without a call id are matched by their name.
 * - The run did not continue without an answer to it. A later model call of the run with its input captured shows that: its
 *   input contains the answer (then the call was answered, by any means), or it does not (then the framework dropped the call,
 *   or the call still waits, for no provider accepts a request in which an answer is missing). In both cases it is no orphan.
 * - Either the run called a model again and nothing is known of the input: it continued as if the call had been answered. Or
 *   no model call followed, and the run failed or was aborted some time after the sibling had ended.
 * - A requested tool of that name has arrived from its process before, so the tool has a span of that name when it runs. An
 *   aborted run does not need that: its instrumentation reports each tool that its framework runs, as it reported the sibling.
 * - Since the model call no wait for a person was reported in that trace or session.
 * - No record that could show otherwise was lost at a bound.
 */
export class MissingTools {
  readonly #parts: MissingToolsParts;

  constructor(parts: MissingToolsParts) {
    this.#parts = parts;
  }

  /** Decides the requests of an owner that has ended, as of `atMs`, and forgets them. Returns the names of the tools that are orphans. */
  take(owner: number, atMs: number): readonly number[] {
    const { requests, store } = this.#parts;
    const pending = this.#pendingOf(owner);
    if (pending.length === 0) {
      return [];
    }
    const { spans } = store;
    const direct = requests.unkeyed.directlyIn(runsOf(store, owner));
    const phases = toolPhasesOf(store, direct, pending);
    for (const { call, tool } of phases.matched) {
      const { response } = call;
      call.state = "ran";
      if (!spans.hasFlag(tool, spanFlags.failed)) {
        response.ranMs = Math.min(response.ranMs, spans.closedMs.get(tool));
      }
      requests.reportedNames.add(response.process, call.name);
    }
    const missing: number[] = [];
    for (const each of pending) {
      for (const { key0, key1, name } of this.#missingOf(each, owner, phases)) {
        requests.evicted.add(each.run, key0, key1, atMs);
        missing.push(name);
      }
      requests.responses.remove(each.response);
    }
    return missing;
  }

  /** The responses in the runs of an owner. */
  #pendingOf(owner: number): readonly PendingResponse[] {
    const { requests, store } = this.#parts;
    const { spans, tree } = store;
    const traces = new Set(runsOf(store, owner).map((run) => spans.trace.get(run)));
    return [...traces]
      .flatMap((trace) => requests.responses.inTrace(trace))
      .flatMap((response) => {
        const modelCall = spans.find(response.trace, response.span0, response.span1);
        const run = modelCall === -1 ? -1 : tree.runAbove(modelCall);
        const isOfOwner = run !== -1 && spans.owner.get(run) === owner;
        return isOfOwner ? [{ response, modelCall, run }] : [];
      });
  }

  /** The calls of a response that are orphans. */
  #missingOf(
    { response, modelCall, run }: PendingResponse,
    owner: number,
    phases: ToolPhases,
  ): readonly RequestedCall[] {
    const { limits, store, requests } = this.#parts;
    const { spans } = store;
    const { process, ranMs } = response;
    const sinceMs = response.atMs - limits.allowedLatenessMs;
    const isUnknown =
      spans.hasFlag(modelCall, spanFlags.failed) ||
      requests.lostMs >= sinceMs ||
      (!response.hasKeyedTools && this.#mayHaveRunUnseen(process, phases)) ||
      requests.waits.concerns(run, sinceMs);
    const open = response.calls.filter(
      ({ name, state }) =>
        state === "open" && name !== 0 && !requests.detachedNames.has(process, name),
    );
    if (isUnknown || open.length === 0 || !Number.isFinite(ranMs)) {
      return [];
    }
    const reported = open.filter(({ name }) => requests.reportedNames.has(process, name));
    const next = phases.after(modelCall);
    if (next !== "nothing") {
      return next === "a model call" ? reported : [];
    }
    const hasFailed = runsOf(store, owner).some((each) => spans.hasFlag(each, spanFlags.failed));
    const isAborted = spans.hasFlag(run, spanFlags.aborted);
    const hasContinued = ranMs + continuedForMs <= spans.closedMs.get(run);
    if (!hasContinued || !(hasFailed || isAborted)) {
      return [];
    }
    return isAborted ? open : reported;
  }

  /**
   * Whether requested tools without a call id may have arrived unnoticed: by another name, or otherwise than as finished spans,
   * which the process has begun to report since.
   */
  #mayHaveRunUnseen(process: number, phases: ToolPhases): boolean {
    return (
      phases.hasOthers || this.#parts.processes.sourceOf(process) !== sourceRanks.finishedSpans
    );
  }
}
