import type { ActivityEngine } from "../engine/activity-engine.ts";
import type { ActivityEvent } from "../model/events.ts";
import type { ActivityLimits } from "../model/limits.ts";
import type { KeyedHash } from "../recognition/keyed-hash.ts";
import type { LabelValues } from "../recognition/label-values.ts";
import type { SenderProcesses } from "../recognition/sender-processes.ts";

/** Entries that are stored as they are. `restore` throws for one that it did not give. */
export interface StoredEntries {
  entries(): readonly unknown[];
  restore(entries: readonly unknown[]): void;
}

/** The state that survives a restart. */
export interface PersistedState {
  readonly engine: ActivityEngine;
  readonly processes: SenderProcesses;
  readonly tools: LabelValues;
  readonly channels: LabelValues;
  readonly hash: KeyedHash;
  /** The log of evictions. */
  readonly evictions: StoredEntries;
}

/** Creates an engine without state. */
export type CreateEngine = (limits: ActivityLimits) => ActivityEngine;

/** The engine's clock and Unix time at one moment. */
export interface ClockAnchor {
  readonly atMs: number;
  readonly unixMs: number;
}

/** The events of one call, as they are emitted. */
export interface EmittedRequest {
  /** Calls that had events are numbered from 1. */
  readonly call: number;
  readonly bytes: Uint8Array;
}

/** Events of one call that were not delivered when the program ended: as a request, or to be made one. */
export type PendingCall =
  | EmittedRequest
  | {
      readonly call: number;
      readonly events: readonly ActivityEvent[];
      readonly calledAt: ClockAnchor;
    };

/** What emits the events of the engine. */
export interface EventSink {
  /** Calls that had events so far. */
  readonly calls: number;
  /** Events that were emitted and not delivered, the oldest first. */
  readonly pending: readonly EmittedRequest[];
  readonly evictions: StoredEntries;
  /** Continues after `calls` calls of an earlier process, and emits what that had not delivered. */
  resume(calls: number, pending: readonly PendingCall[]): void;
  /** Adds an eviction that replay decided again to the log of evictions. */
  logEviction(event: ActivityEvent, at: ClockAnchor): void;
}
