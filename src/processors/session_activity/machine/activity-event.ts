import type { EvictionReason, WorkKind } from "../kinds.ts";
import type { MarkerSummary } from "./marker-summary.ts";

/**
 * What the machine decided. Events carry values, not rows. Trace context is the oldest marker's (or
 * the owner's, when only a count is known) and goes nowhere but into a record's own id fields.
 */
export type ActivityEvent =
  | EvictedEvent
  | ReconciledEvent
  | StalledEvent
  | RecoveredEvent
  | HeldEvent;

export interface EvictedEvent extends MarkerSummary {
  readonly type: "evicted";
  readonly reason: EvictionReason;
  /** The markers were never told to have started: a model asked for them and nothing came of it. */
  readonly isInferred: boolean;
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
  /** By the sender's clock, in Unix ms. */
  readonly startMs: number;
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

/** Nothing was heard of a session with open work for too long. */
export interface StalledEvent extends MarkerSummary {
  readonly type: "stalled";
  /** `blocked_tool_call` when a tool is open. */
  readonly state: "stalled" | "blocked_tool_call";
  readonly atMs: number;
  readonly silentMs: number;
  readonly channel: number;
}

/** Why a session is no longer stalled: it was heard of, or what was open in it was evicted. */
export type RecoveryCause = "progress" | "evicted";

export interface RecoveredEvent {
  readonly type: "recovered";
  readonly cause: RecoveryCause;
  readonly atMs: number;
  readonly channel: number;
}

/** Evictions are held back: they would be too many at once, or nothing at all is heard any more. */
export interface HeldEvent {
  readonly type: "held";
  readonly cause: "mass_eviction" | "input_stopped";
  readonly atMs: number;
  readonly markers: number;
}
