import type { BlockedBy, Verdict } from "../../model/diagnosis.ts";
import type { Evidence } from "../../model/events.ts";
import { progressNames, toWorkKind, workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { traceContextOf } from "../store/marker-summary.ts";
import type { UsualDurations } from "../store/usual-durations.ts";
import type { OwnerVerdict } from "./verdicts.ts";

/** What is known of a verdict at a moment. */
export type EvidenceOf = (verdict: OwnerVerdict, atMs: number) => Evidence;

/** Collects what an operator wants to know of a verdict. */
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
      blockedBy: blockedByOf(verdict),
      name,
      silentMs: atMs - sinceMs,
      ageMs: downtime.elapsedMs(spans.startedAtMs.get(culprit), atMs),
      ...(lastSignal === undefined ? {} : { lastSignal }),
      ...(duration === undefined ? {} : { usualP50Ms: duration.p50Ms, usualP99Ms: duration.p99Ms }),
      ...traceContextOf(store, culprit),
    };
  };
}

/** What a verdict blames. */
function blockedByOf(verdict: Verdict): BlockedBy {
  switch (verdict) {
    case "silent_tool":
      return "tool";
    case "silent_model_call":
      return "model_call";
    case "retrying":
    case "wedged_run":
      return "run";
    default:
      return "none";
  }
}
