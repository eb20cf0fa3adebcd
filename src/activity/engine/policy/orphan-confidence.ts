import { type Confidence, reasonOf, reasons } from "../../model/reasons.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";

/**
 * Orphans by confidence, at most `confidence`: an orphan inside a tool that may outlive its run is no more surely an orphan than
 * that tool is surely over.
 */
export function byConfidence(
  store: ActivityStore,
  orphans: readonly number[],
  confidence: Confidence,
): ReadonlyMap<Confidence, readonly number[]> {
  const by = new Map<Confidence, number[]>();
  for (const orphan of orphans) {
    const sure = leastConfident(confidence, confidenceAbove(store, orphan));
    const known = by.get(sure);
    if (known === undefined) {
      by.set(sure, [orphan]);
    } else {
      known.push(orphan);
    }
  }
  return by;
}

/** How sure it is that the tools around a marker that may outlive its run are over. */
function confidenceAbove(store: ActivityStore, marker: number): Confidence {
  const { spans } = store;
  let sure: Confidence = "confirmed";
  for (
    let at = spans.parentOf(marker);
    at !== -1 && spans.kind.get(at) !== workKinds.run;
    at = spans.parentOf(at)
  ) {
    if (spans.hasFlag(at, spanFlags.detached)) {
      sure = leastConfident(sure, confidenceOfEnd(store, at));
    }
  }
  return sure;
}

function confidenceOfEnd({ spans }: ActivityStore, tool: number): Confidence {
  switch (spans.state.get(tool)) {
    case spanStates.untracked:
      return "presumed";
    case spanStates.evicted: {
      const reason = reasonOf(spans.reason.get(tool));
      return reason === undefined ? "confirmed" : reasons[reason].endConfidence;
    }
    default:
      return "confirmed";
  }
}

function leastConfident(a: Confidence, b: Confidence): Confidence {
  return (
    (["presumed", "probable"] as const).find((each) => each === a || each === b) ?? "confirmed"
  );
}
