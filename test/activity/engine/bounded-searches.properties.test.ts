import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ActivityEvent } from "../../../src/activity/model/events.ts";
import { anySignal, tight } from "./any-signal.ts";
import { History } from "./history.ts";
import { plays } from "./plays.ts";
import { anyRequest } from "./reference/any-request.ts";
import { type Arrival, anyStory, arrivalsOf } from "./reference/any-story.ts";

/** By then everything has fallen due. */
const endS = 2_000;
const allRows = 1_000_000;
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
    test(`over ${what}`, { timeout }, () => {
      fc.assert(
        fc.property(histories, fc.constantFrom(1, 2, 4), (arrivals, maxSearched) => {
          const bounded = play(arrivals, maxSearched);
          expect(bounded.imbalance()).toEqual([]);
          expect(tooMany(bounded, play(arrivals, allRows))).toEqual([]);
        }),
        plays(300),
      );
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
