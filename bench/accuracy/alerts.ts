import type { StallEvent } from "./derived-events.ts";
import type { StateTruth } from "./state-samples.ts";
import type { Work } from "./story.ts";

/** What the collector reported as stalled. */
export interface Alerts {
  readonly stalls: number;
  /** Of sessions of which it can't be known what they do. */
  readonly unknowable: number;
  /** Of sessions that neither were stalled nor had just been. */
  readonly wrong: number;
}

export function countAlerts(
  stalls: readonly StallEvent[],
  truth: StateTruth,
  works: ReadonlyMap<string, Work>,
): Alerts {
  let unknowable = 0;
  let wrong = 0;
  for (const { atMs, spanId } of stalls) {
    const work = works.get(spanId);
    if (work === undefined) {
      wrong++;
      continue;
    }
    const session = truth.owners.sessionOf(work);
    const { state } = truth.seen(session, atMs) ?? { state: "none" };
    if (!truth.isKnowable(session, atMs)) {
      unknowable++;
    } else if (
      state !== "stalled" &&
      state !== "blocked_tool_call" &&
      truth.isSettled(session, atMs)
    ) {
      wrong++;
    }
  }
  return { stalls: stalls.length, unknowable, wrong };
}
