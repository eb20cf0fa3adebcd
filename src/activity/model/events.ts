import type { BlockedBy, Claim, Verdict } from "./diagnosis.ts";
import type { Confidence, EvictionReason } from "./reasons.ts";
import type { Progress, WorkKind } from "./work.ts";

/**
 * What the machine decided. Events carry values, not rows. Trace context is the oldest marker's (or
 * the owner's, when only a count is known) and goes nowhere but into a record's own id fields.
 */
export type ActivityEvent =
  | EvictedEvent
  | ReconciledEvent
  | StalledEvent
  | RecoveredEvent
  | DiagnosedEvent
  | HeldEvent;

/** What an event reports about several markers. */
export interface MarkerSummary {
  readonly tools: number;
  readonly modelCalls: number;
  /** Absent when no marker's age is known. */
  readonly oldestAgeMs?: number;
  /** Interned tool name of the oldest tool, 0 for none. */
  readonly name: number;
  /** Of the oldest marker; zeros when there is none. */
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
}

export interface EvictedEvent extends MarkerSummary {
  readonly type: "evicted";
  readonly reason: EvictionReason;
  readonly confidence: Confidence;
  /** The deadline that passed, on the machine's clock; not the moment of the sweep. */
  readonly atMs: number;
  /** Interned channel of the session, 0 for none. */
  readonly channel: number;
  /** Each marker that is known by name, when that was asked for. */
  readonly markers: readonly EvictedMarker[];
}

/** One evicted marker. */
export interface EvictedMarker {
  readonly kind: WorkKind;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  /** Zeros when it has none, or it is not known any more. */
  readonly parentSpanId: Uint8Array;
  /** By the sender's clock, in Unix ms; 0 when it is not set. */
  readonly startMs: number;
  /** 0 when it is not known. */
  readonly ageMs: number;
  /** Interned tool name, 0 for none. */
  readonly name: number;
}

/** The sender's end of an evicted marker arrived after all, or word that it goes on. */
export interface ReconciledEvent {
  readonly type: "reconciled";
  readonly kind: WorkKind;
  /** How long after its eviction. */
  readonly lateByMs: number;
}

/** Why somebody is held to be silent: the work it is about, and what is known of it. */
export interface Evidence {
  readonly verdict: Verdict;
  readonly blockedBy: BlockedBy;
  /** Interned tool name of the culprit, 0 for none. */
  readonly name: number;
  /** Since the culprit, or what is below it, made progress; absent when there is no culprit. */
  readonly silentMs?: number;
  /** Since the culprit started, by arrival; absent when there is no culprit. */
  readonly ageMs?: number;
  /** What made progress last. */
  readonly lastSignal?: Progress;
  /** How long such work usually takes; absent before twenty of its like have ended. */
  readonly usualP50Ms?: number;
  readonly usualP99Ms?: number;
  /** Of the culprit; zeros when there is none. */
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
}

/** No open run of a session makes progress any more. Also when what blocks it has changed. */
export interface StalledEvent extends Evidence {
  readonly type: "stalled";
  /** `blocked_tool_call` when the culprit is a tool. */
  readonly state: "stalled" | "blocked_tool_call";
  readonly atMs: number;
  readonly channel: number;
  /** Open tools and model calls of the session. */
  readonly tools: number;
  readonly modelCalls: number;
}

/** What a gateway's complaint, or a tool that is silent beside others that are not, turns out to be. */
export interface DiagnosedEvent extends Evidence {
  readonly type: "diagnosed";
  readonly claim: Claim;
  readonly atMs: number;
  readonly channel: number;
}

/** Why a session is no longer stalled: there was progress, what was open in it was evicted, or is not watched any more. */
export type RecoveryCause = "progress" | "evicted" | "unwatched";

export interface RecoveredEvent {
  readonly type: "recovered";
  readonly cause: RecoveryCause;
  readonly atMs: number;
  readonly channel: number;
}

/** Evictions are held back: they would be too many at once, or nothing arrives any more, or nothing from one host. */
export interface HeldEvent {
  readonly type: "held";
  readonly cause: "mass_eviction" | "input_stopped" | "host_silent";
  readonly atMs: number;
  readonly markers: number;
}
