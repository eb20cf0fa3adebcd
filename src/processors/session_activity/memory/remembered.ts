import type { ActivityLimits } from "../machine/activity-limits.ts";
import type { SessionActivity } from "../machine/session-activity.ts";
import type { KeyedHash } from "../signals/keyed-hash.ts";
import type { LabelValues } from "../signals/label-values.ts";
import type { SenderProcesses } from "../signals/sender-processes.ts";
import type { EvictionLog } from "../telling/eviction-log.ts";

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
