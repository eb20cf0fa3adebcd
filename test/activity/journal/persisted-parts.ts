import { ActivityEngine } from "../../../src/activity/engine/activity-engine.ts";
import type { PersistedState } from "../../../src/activity/journal/persisted-state.ts";
import type { ActivityLimits } from "../../../src/activity/model/limits.ts";
import { SignalBatch } from "../../../src/activity/model/signal-batch.ts";
import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { LabelValues } from "../../../src/activity/recognition/label-values.ts";
import { SenderProcesses } from "../../../src/activity/recognition/sender-processes.ts";
import { limits, type Signal, write } from "../engine/history.ts";

/** Everything that a journal stores, without state. */
export function createPersistedParts(changed: Partial<ActivityLimits> = {}) {
  const logged: unknown[] = [];
  return {
    engine: new ActivityEngine({ ...limits, ...changed }),
    processes: new SenderProcesses(),
    tools: new LabelValues(100),
    channels: new LabelValues(100),
    hash: new KeyedHash(new Uint8Array(16)),
    evictions: {
      entries: () => logged,
      restore: (entries: readonly unknown[]) => {
        logged.splice(0, logged.length, ...entries);
      },
    },
  } satisfies PersistedState;
}

export function batchOf(...signals: readonly Signal[]): SignalBatch {
  const batch = new SignalBatch();
  batch.clear();
  for (const signal of signals) {
    write(batch, signal);
  }
  return batch;
}

export function numberOf(values: LabelValues, name: string): number {
  return values.numberOf(Buffer.from(name), 0, name.length);
}
