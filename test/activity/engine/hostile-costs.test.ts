import { describe, expect, test } from "vitest";
import { countReads } from "./counted-reads.ts";
import { History } from "./history.ts";
import type { Arrival, HostileHistory } from "./hostile-history.ts";
import { hostileSessionHistories } from "./hostile-session-histories.ts";
import { hostileWorkHistories } from "./hostile-work-histories.ts";

/** Twice as many as the searches of one decision read: from here on what they read does not grow with the history. */
const items = 2_048;
/** An engine that compares each signal with all that came before reads four times as much for twice as many. */
const mostGrowth = 2.5;

const linear = [
  "tools that may outlive their run, each with a part, beside many others",
  "tools that may outlive their run, which has ended, each with a part, beside many others",
  "tools that may outlive their run, each in another, around many others",
  "sessions that merge one by one, each with a marker whose run is not known",
  "finished tools of one run that ended before them",
  "ends of runs of one trace with parts of tools that have not arrived, beside each other",
  "ends of runs of one trace with parts of tools that have not arrived, beside runs that do not end",
];

function play(history: History, arrivals: readonly Arrival[]): void {
  for (const { at, signals } of arrivals) {
    history.tickInParts(at);
    if (signals.length > 0) {
      history.arrive(at, ...signals);
    }
  }
}

/** How many cells the engine reads for the signals of a history that are measured, and for what follows from them within a minute. */
function readsOf({ limits, before, measured }: HostileHistory, n: number): number {
  const room = { maxOpenWork: 100_000, maxTombstones: 100_000, maxSessions: 100_000 };
  const history = new History({ ...room, ...limits });
  const arrivals = measured(n);
  play(history, before(n));
  const reads = countReads(history.parts.store);
  play(history, arrivals);
  history.tickInParts((arrivals.at(-1)?.at ?? 0) + 60);
  return reads.count;
}

describe("the engine reads twice as much for twice as many", () => {
  for (const title of linear) {
    test(title, () => {
      const history = [...hostileWorkHistories, ...hostileSessionHistories].find(
        (each) => each.title === title,
      );
      expect(history).toBeDefined();
      const reads = (count: number) => (history === undefined ? 0 : readsOf(history, count));
      expect(reads(2 * items) / reads(items)).toBeLessThan(mostGrowth);
    });
  }
});
