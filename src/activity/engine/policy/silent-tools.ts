import type { ActivityEvent } from "../../model/events.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityCounters } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { openMembersOf } from "../store/open-members.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanFlags } from "../store/span-table.ts";
import type { EvidenceOf } from "./evidence.ts";
import type { Verdicts } from "./verdicts.ts";

/** What it needs of the engine. */
interface SilentToolsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly verdicts: Verdicts;
  readonly evidence: EvidenceOf;
  readonly counters: ActivityCounters;
  readonly events: ActivityEvent[];
}

/** Reports tools that are silent while their own run makes progress: once each, until they make progress again. */
export class SilentTools {
  readonly #parts: SilentToolsParts;

  constructor(parts: SilentToolsParts) {
    this.#parts = parts;
  }

  /** Reports the silent tools of an owner that makes progress. Returns when the next of its tools may be silent. */
  report(owner: number, nowMs: number): number {
    const { store, limits, verdicts } = this.#parts;
    const { spans, owners } = store;
    owners.clearFlag(owner, ownerFlags.mayHideTool);
    for (const tool of verdicts.silentTools(owner, nowMs)) {
      if (spans.hasFlag(tool, spanFlags.silenceReported)) {
        continue;
      }
      const aheadMs = owners.progressAtMs.get(owner) - spans.progressAtMs.get(tool);
      if (aheadMs <= limits.allowedLatenessMs) {
        // Tools that started together hang together: the session is about to stall.
        owners.setFlag(owner, ownerFlags.mayHideTool);
      } else {
        spans.setFlag(tool, spanFlags.silenceReported);
        this.#emit(tool, nowMs);
      }
    }
    let nextMs = Number.POSITIVE_INFINITY;
    for (const span of openMembersOf(store, owner)) {
      const dueMs = spans.progressAtMs.get(span) + limits.stalledAfterMs;
      if (spans.kind.get(span) === workKinds.tool && dueMs > nowMs) {
        nextMs = Math.min(nextMs, dueMs);
      }
    }
    return nextMs;
  }

  #emit(tool: number, nowMs: number): void {
    const { store, evidence, counters, events } = this.#parts;
    const sinceMs = store.spans.progressAtMs.get(tool);
    counters.addDiagnosed("silent_tool", "none");
    events.push({
      type: "diagnosed",
      claim: "none",
      atMs: nowMs,
      ...store.shownOf(store.groupOf(tool)),
      ...evidence({ verdict: "silent_tool", culprit: tool, sinceMs }, nowMs),
    });
  }
}
