import type { EvictionReason, WorkKind } from "./kinds.ts";

/**
 * What the machine decided. Events carry values, not rows. Trace context is the oldest marker's (or
 * the owner's, when only a count is known) and goes nowhere but into a record's own id fields.
 */
export type ActivityEvent = EvictedEvent | ReconciledEvent;

export interface EvictedEvent {
  readonly type: "evicted";
  readonly reason: EvictionReason;
  /** The deadline that passed, on the machine's clock; not the moment of the sweep. */
  readonly atMs: number;
  readonly tools: number;
  readonly modelCalls: number;
  /** Absent when the markers are known by number only. */
  readonly oldestAgeMs?: number;
  /** Interned tool name of the oldest evicted tool, 0 for none. */
  readonly name: number;
  /** Interned channel of the session, 0 for none. */
  readonly channel: number;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
}

/** The sender's end of an evicted marker arrived after all. */
export interface ReconciledEvent {
  readonly type: "reconciled";
  readonly kind: WorkKind;
  /** How long after its eviction. */
  readonly lateByMs: number;
}
