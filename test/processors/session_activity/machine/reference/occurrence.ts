import type {
  Confidence,
  EvictionReason,
} from "../../../../../src/processors/session_activity/kinds.ts";
import type { Kind, Span } from "./world.ts";

/** What was decided, in the form in which the reference and the machine are compared. */
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
      readonly atMs: number;
      readonly silentMs: number;
      readonly tools: number;
      readonly modelCalls: number;
      readonly oldestAgeMs: number | undefined;
    }
  | { readonly type: "recovered"; readonly cause: "progress" | "evicted"; readonly atMs: number }
  | {
      readonly type: "held";
      readonly cause: "mass_eviction" | "input_stopped";
      readonly atMs: number;
      readonly markers: number;
    };

/** How old a marker is: by arrival while it is open, by its sender's clock when it came finished. */
export function ageMsOf(span: Span, atMs: number): number {
  return span.state === "open" ? atMs - span.openedAtMs : Math.max(0, span.endMs - span.startMs);
}

/** What an event says of several markers. */
export function summaryOf(markers: readonly Span[], atMs: number) {
  const tools = markers.filter(({ kind }) => kind === "tool").length;
  return {
    tools,
    modelCalls: markers.length - tools,
    oldestAgeMs:
      markers.length === 0
        ? undefined
        : Math.max(...markers.map((marker) => ageMsOf(marker, atMs))),
  };
}
