import type { EvictionLog } from "../../processors/session_activity/eviction-log.ts";
import type { SessionActivity } from "../engine/activity-engine.ts";
import type { ActivityLimits } from "../model/limits.ts";
import type { KeyedHash } from "../recognition/keyed-hash.ts";
import type { LabelValues } from "../recognition/label-values.ts";
import type { SenderProcesses } from "../recognition/sender-processes.ts";

/** What is remembered over a restart. */
export interface Remembered {
  readonly activity: SessionActivity;
  readonly processes: SenderProcesses;
  readonly tools: LabelValues;
  readonly channels: LabelValues;
  readonly hash: KeyedHash;
  readonly evictions: EvictionLog;
}

/** Makes a machine that has no state. */
export type CreateActivity = (limits: ActivityLimits) => SessionActivity;

/** Relates the machine's clock to Unix time. */
export interface Anchor {
  readonly atMs: number;
  readonly unixMs: number;
}
