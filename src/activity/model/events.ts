import type { BlockedBy, Claim, Verdict } from "./diagnosis.ts";
import type { Confidence, EvictionReason } from "./reasons.ts";
import type { Progress, WorkKind } from "./work.ts";

/**
 * A decision of the engine. Events contain values and no rows. The ids are those of the oldest marker, or of the owner if only a
 * count of markers is known; they appear only in the id fields of a record.
 */
export type ActivityEvent =
  | EvictedEvent
  | ReconciledEvent
  | StalledEvent
  | RecoveredEvent
  | DiagnosedEvent
  | HeldEvent;

/** What an event shows of its session. */
export interface ShownSession {
  /** Number of the session's channel, 0 for none. */
  readonly channel: number;
  /** Its reference, a number of 48 bits. Absent if it is not to be shown, or there is none. */
  readonly sessionRef?: number;
}

/** Several markers in one event. */
export interface MarkerSummary {
  readonly tools: number;
  readonly modelCalls: number;
  /** Absent if no marker's age is known. */
  readonly oldestAgeMs?: number;
  /** Number of the oldest tool's name, 0 for none. */
  readonly name: number;
  /** Of the oldest marker; zeros if there is none. */
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
}

export interface EvictedEvent extends MarkerSummary, ShownSession {
  readonly type: "evicted";
  readonly reason: EvictionReason;
  readonly confidence: Confidence;
  /** The deadline that passed, on the engine's clock, and not the time of the call that decided it. */
  readonly atMs: number;
  /** The markers that are known by id. Empty unless the limits have `includesMarkers`. */
  readonly markers: readonly EvictedMarker[];
}

/** One evicted marker. */
export interface EvictedMarker {
  readonly kind: WorkKind;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  /** Zeros if it has no parent, or the parent is forgotten. */
  readonly parentSpanId: Uint8Array;
  /** By the sender's clock, in Unix ms; 0 if that is not set. */
  readonly startMs: number;
  /** 0 if unknown. */
  readonly ageMs: number;
  /** Number of the tool name, 0 for none. */
  readonly name: number;
}

/** The end of an evicted marker arrived after all, or a sign that it continues. */
export interface ReconciledEvent {
  readonly type: "reconciled";
  readonly kind: WorkKind;
  /** How long after the eviction. */
  readonly lateByMs: number;
}

/** The evidence of a verdict: the work that blocks the session (the culprit), and what is known about it. */
export interface Evidence {
  readonly verdict: Verdict;
  readonly blockedBy: BlockedBy;
  /** Number of the culprit's tool name, 0 for none. */
  readonly name: number;
  /** How long the culprit and the work below it have made no progress. Absent without a culprit. */
  readonly silentMs?: number;
  /** How long ago the culprit's start arrived. Absent without a culprit. */
  readonly ageMs?: number;
  /** The last progress. */
  readonly lastSignal?: Progress;
  /** How long such work usually takes. Absent until 20 of its kind and name have ended. */
  readonly usualP50Ms?: number;
  readonly usualP99Ms?: number;
  /** Of the culprit; zeros if there is none. */
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
}

/** A session stalled: none of its open runs makes progress. Emitted again when other work blocks it. */
export interface StalledEvent extends Evidence, ShownSession {
  readonly type: "stalled";
  /** `blocked_tool_call` if the culprit is a tool. */
  readonly state: "stalled" | "blocked_tool_call";
  readonly atMs: number;
  /** Open tools and model calls of the session. */
  readonly tools: number;
  readonly modelCalls: number;
}

/** The verdict on a gateway's complaint, or on a silent tool whose run makes progress otherwise. */
export interface DiagnosedEvent extends Evidence, ShownSession {
  readonly type: "diagnosed";
  readonly claim: Claim;
  readonly atMs: number;
}

/** Why a session is no longer stalled: it made progress, its open work was evicted, or its open work is no longer watched. */
export type RecoveryCause = "progress" | "evicted" | "unwatched";

export interface RecoveredEvent extends ShownSession {
  readonly type: "recovered";
  readonly cause: RecoveryCause;
  readonly atMs: number;
}

/** Evictions are held back: too many are due at once, no signals arrive, or none arrive from one host. */
export interface HeldEvent {
  readonly type: "held";
  readonly cause: "mass_eviction" | "input_stopped" | "host_silent";
  readonly atMs: number;
  readonly markers: number;
}
