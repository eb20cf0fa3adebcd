import type { ActivityEngine } from "../engine/activity-engine.ts";
import type { ActivityEvent } from "../model/events.ts";
import type { ActivityLimits } from "../model/limits.ts";
import type { KeyedHash } from "../recognition/keyed-hash.ts";
import type { LabelValues } from "../recognition/label-values.ts";
import type { SenderProcesses } from "../recognition/sender-processes.ts";

/** A list whose entries are stored as JSON. `restore` throws for an entry of another form. */
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

/** What identifies the series of derived counters. The same after a restart. */
export interface SeriesIdentity {
  /** `service.instance.id`. */
  readonly instanceId: string;
  /** When the counters were 0. */
  readonly sinceUnixMs: number;
}

/** The events of one call as a request to the pipeline. */
export interface EmittedRequest {
  /** Calls that had events are numbered from 1. */
  readonly call: number;
  readonly bytes: Uint8Array;
}

/** The events of one call that were not delivered when the program ended: as a request, or as replay decided them again. */
export type PendingCall =
  | EmittedRequest
  | {
      readonly call: number;
      readonly events: readonly ActivityEvent[];
      readonly calledAt: ClockAnchor;
    };

/** How many calls may have events that are not delivered. Events of further calls are dropped, and replay keeps no more either. */
export const maxPendingCalls = 10_000;

/** Emits the events of the engine. */
export interface EventSink {
  /** How many calls had events so far. */
  readonly calls: number;
  /** Events that are emitted and not delivered, the oldest first. */
  readonly pending: readonly EmittedRequest[];
  readonly evictions: StoredEntries;
  /** Continues after `calls` calls of an earlier process, and emits the events that it did not deliver. */
  resume(calls: number, pending: readonly PendingCall[]): void;
  /** Adds an eviction that replay decided again to the log of evictions. */
  logEviction(event: ActivityEvent, at: ClockAnchor): void;
}
