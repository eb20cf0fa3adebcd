import type { Evidence } from "../../model/events.ts";
import { progressNames, toWorkKind, workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { traceContextOf } from "../store/marker-summary.ts";
import type { UsualDurations } from "../store/usual-durations.ts";
import { type OwnerVerdict, verdictRows } from "./verdicts.ts";

/** The details of a verdict at a moment. */
export type EvidenceOf = (verdict: OwnerVerdict, atMs: number) => Evidence;

/** Collects the details that an operator needs to check a verdict. */
export function createEvidence(store: ActivityStore, usual: UsualDurations): EvidenceOf {
  const { spans, owners, downtime } = store;
  return ({ verdict, culprit, sinceMs }, atMs) => {
    if (culprit === -1) {
      return { verdict, blockedBy: "none", name: 0, ...traceContextOf(store, -1) };
    }
    const kind = toWorkKind(spans.kind.get(culprit));
    const isRun = kind === workKinds.run;
    const name = isRun ? 0 : spans.name.get(culprit);
    const owner = spans.owner.get(culprit);
    const lastSignal = owner === -1 ? undefined : progressNames[owners.lastProgress.get(owner)];
    const duration = isRun ? undefined : usual.of(kind, name);
    return {
      verdict,
      blockedBy: verdictRows[verdict].blockedBy,
      name,
      silentMs: atMs - sinceMs,
      ageMs: downtime.elapsedMs(spans.startedAtMs.get(culprit), atMs),
      ...(lastSignal === undefined ? {} : { lastSignal }),
      ...(duration === undefined ? {} : { usualP50Ms: duration.p50Ms, usualP99Ms: duration.p99Ms }),
      ...traceContextOf(store, culprit),
    };
  };
}
