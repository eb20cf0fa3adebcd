import type { BlockedBy, Claim, Verdict } from "../../../../src/activity/model/diagnosis.ts";
import type { RecoveryCause } from "../../../../src/activity/model/events.ts";
import type { Confidence, EvictionReason } from "../../../../src/activity/model/reasons.ts";
import { finishedDurationMs } from "./durations.ts";
import type { Kind, Span, World } from "./world.ts";

/** A decision, in the form in which the reference and the engine are compared. */
export type Occurrence =
  | {
      readonly type: "evicted";
      readonly reason: EvictionReason;
      readonly confidence: Confidence;
      readonly atMs: number;
      readonly tools: number;
      readonly modelCalls: number;
      readonly oldestAgeMs: number | undefined;
      /** "kind trace/span, its age, its name", sorted. */
      readonly markers: readonly string[];
    }
  | { readonly type: "reconciled"; readonly kind: Kind; readonly lateByMs: number }
  | {
      readonly type: "stalled";
      readonly state: "stalled" | "blocked_tool_call";
      readonly verdict: Verdict;
      readonly blockedBy: BlockedBy;
      readonly atMs: number;
      /** Of the culprit, when it is a tool or a model call. */
      readonly culprit: string;
      readonly silentMs: number | undefined;
    }
  | { readonly type: "recovered"; readonly cause: RecoveryCause; readonly atMs: number }
  | {
      readonly type: "diagnosed";
      readonly claim: Claim;
      readonly verdict: Verdict;
      readonly atMs: number;
      readonly culprit: string;
    }
  | {
      readonly type: "held";
      readonly cause: "mass_eviction" | "input_stopped" | "host_silent";
      readonly atMs: number;
      readonly markers: number;
    };

/** How old a marker is: by arrival while it is open, by its sender's clock when it arrived finished and that clock is plausible. */
export function ageMsOf(world: World, span: Span): number | undefined {
  return span.state === "open" ? world.nowMs - span.start.atMs : finishedDurationMs(world, span);
}

/** The summary of several markers in an event. */
export function summaryOf(world: World, markers: readonly Span[]) {
  const ages = markers.flatMap((marker) => ageMsOf(world, marker) ?? []);
  const tools = markers.filter(({ kind }) => kind === "tool").length;
  return {
    tools,
    modelCalls: markers.length - tools,
    oldestAgeMs: ages.length === 0 ? undefined : Math.max(...ages),
  };
}

/** Which marker blocks, as an event names it; a run is not named. */
export function culpritName(culprit: Span | undefined): string {
  return culprit === undefined || culprit.kind === "run" ? "" : `${culprit.trace.id}/${culprit.id}`;
}
