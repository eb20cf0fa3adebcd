import { describe, expect, test } from "vitest";
import type { ActivityEvent } from "../../../src/activity/model/events.ts";
import fc from "../../support/fast-check.ts";
import { anySignal, tight } from "./any-signal.ts";
import { History } from "./history.ts";
import { plays } from "./plays.ts";
import { anyRequest } from "./reference/any-request.ts";
import { type Arrival, anyStory, arrivalsOf } from "./reference/any-story.ts";

/** By then everything has fallen due. */
const endS = 2_000;
const allRows = 1_000_000;
const played = plays(300);
const confidences = ["presumed", "probable", "confirmed"];
const timeout = 7_200_000;
const { maxOpenWork: _, maxSessions: __, maxTombstones: ___, ...roomy } = tight;

const anySignals = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 300 }), anySignal), { minLength: 1, maxLength: 40 })
  .map(arrivalsOf);

/** When and why each marker was evicted first. */
function evictedIn(events: readonly ActivityEvent[]) {
  const markers = new Map<string, { atMs: number; reason: string; sureness: number }>();
  for (const event of events) {
    for (const { name, kind, traceId, spanId } of event.type === "evicted" ? event.markers : []) {
      const key = [traceId, spanId, kind, name].join(":");
      if (event.type === "evicted" && !markers.has(key)) {
        markers.set(key, {
          atMs: event.atMs,
          reason: event.reason,
          sureness: confidences.indexOf(event.confidence),
        });
      }
    }
  }
  return markers;
}

/**
 * Two signals decide more where a search was cut before, which is no more than they report: which marker a gateway evicted that reports
 * only how many is a guess, and what a run leaves that is not watched any more is untracked only when nothing may hold it.
 */
const withoutThose = (arrivals: readonly Arrival[]): readonly Arrival[] =>
  arrivals.map(({ at, signals }) => ({
    at,
    signals: signals.filter(({ type }) => type !== "evictedBySender" && type !== "unwatched"),
  }));

function play(arrivals: readonly Arrival[], maxSearched: number): History {
  const history = new History({ ...roomy, maxSearched, includesMarkers: true });
  for (const { at, signals } of arrivals) {
    history.arrive(at, ...signals);
    history.tickInParts(at);
  }
  history.tickInParts(endS);
  return history;
}

/** Markers that an engine with short searches evicts, and one that reads every row does not, or later, or less surely. */
function tooMany(bounded: History, unbounded: History): readonly string[] {
  const known = evictedIn(unbounded.events);
  return [...evictedIn(bounded.events)].flatMap(([marker, { atMs, reason, sureness }]) => {
    const other = known.get(marker);
    const isKnown = other !== undefined && other.atMs <= atMs;
    const isLate = other !== undefined && (other.atMs < atMs || other.reason !== reason);
    return isKnown && (isLate || other.sureness >= sureness)
      ? []
      : [`${marker} ${reason} at ${atMs}, not ${other?.reason} at ${other?.atMs}`];
  });
}

describe("searches of a few rows evict nothing that searches of all rows do not evict, nothing earlier and nothing more surely", () => {
  for (const [what, histories] of [
    ["any signals at all", anySignals],
    ["agents whose models request tools", anyRequest],
    ["stories of gateways", anyStory],
  ] as const) {
    test(`over ${what}, but for one in a hundred`, { timeout }, () => {
      const different: string[] = [];
      const samples = fc.sample(
        fc.tuple(histories.map(withoutThose), fc.constantFrom(1, 2, 4)),
        played,
      );
      for (const [arrivals, maxSearched] of samples) {
        const bounded = play(arrivals, maxSearched);
        expect(bounded.imbalance()).toEqual([]);
        different.push(...tooMany(bounded, play(arrivals, allRows)).slice(0, 1));
      }
      const message = `${different.length} of ${samples.length} histories, the first: ${different[0]}`;
      expect(different.length, message).toBeLessThanOrEqual(samples.length / 100);
    });
  }

  test("and searches of one row are cut in many stories", () => {
    const stories = fc.sample(anyStory, { seed: 1, numRuns: 100 });
    const decided = (history: History) => JSON.stringify([history.evictions, history.totals()]);
    const cut = stories.filter(
      (arrivals) => decided(play(arrivals, 1)) !== decided(play(arrivals, allRows)),
    );
    expect(cut.length).toBeGreaterThan(10);
  });
});
