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

interface Evicted {
  readonly work: string;
  readonly atMs: number;
  readonly reason: string;
  readonly sureness: number;
}

const workOf = (trace: number, span: number): string => `${trace}/${span}`;
const lastNumberOf = (id: Uint8Array): number => (id.at(-2) ?? 0) * 256 + (id.at(-1) ?? 0);

/** When and why each marker was evicted first. */
function evictedIn(events: readonly ActivityEvent[]): ReadonlyMap<string, Evicted> {
  const markers = new Map<string, Evicted>();
  for (const event of events) {
    for (const { name, kind, traceId, spanId } of event.type === "evicted" ? event.markers : []) {
      const key = [traceId, spanId, kind, name].join(":");
      if (event.type === "evicted" && !markers.has(key)) {
        markers.set(key, {
          work: workOf(lastNumberOf(traceId), lastNumberOf(spanId)),
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
 * A gateway that reports how many markers it evicted does not say which. Where a search is cut none is evicted, so that it is another
 * one that keeps a session from being decided.
 */
const withoutGuesses = (arrivals: readonly Arrival[]): readonly Arrival[] =>
  arrivals.map(({ at, signals }) => ({
    at,
    signals: signals.filter(({ type }) => type !== "evictedBySender"),
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

/**
 * Markers that an engine with short searches evicts, and one that reads every row does not, or later, or for another reason, or less surely.
 * A marker that was held too long is evicted for what comes next: later, or in the same ms for another reason. Only
 * `orphaned_no_owner` depends on holders.
 */
function tooMany(
  arrivals: readonly Arrival[],
  bounded: History,
  unbounded: History,
): readonly string[] {
  const known = evictedIn(unbounded.events);
  return [...evictedIn(bounded.events)].flatMap(([marker, evicted]) => {
    const { work, atMs, reason, sureness } = evicted;
    const other = known.get(marker);
    const isHeldLonger =
      other !== undefined &&
      (other.atMs < atMs ||
        (other.atMs === atMs &&
          other.reason === "orphaned_no_owner" &&
          reason !== "orphaned_no_owner"));
    const isSame =
      other !== undefined &&
      other.atMs === atMs &&
      other.reason === reason &&
      other.sureness >= sureness;
    const isKnownAsEvicted = other === undefined && isRemembered(arrivals, work, atMs, known);
    return isHeldLonger || isSame || isKnownAsEvicted
      ? []
      : [`${marker} ${reason} at ${atMs}, not ${other?.reason} at ${other?.atMs}`];
  });
}

/**
 * Whether an engine that reads every row has evicted work of the same id, or the work above, before: evicted work is remembered for
 * longer than work that has ended, so the start of the marker may be a repeat, or a part of that work.
 */
function isRemembered(
  arrivals: readonly Arrival[],
  work: string,
  atMs: number,
  known: ReadonlyMap<string, Evicted>,
): boolean {
  const above = arrivals.flatMap(({ signals }) =>
    signals.flatMap(({ trace = 1, span, parent }) =>
      workOf(trace, span) === work && parent !== undefined ? [workOf(trace, parent)] : [],
    ),
  );
  const ids = new Set([work, ...above]);
  return [...known.values()].some((other) => ids.has(other.work) && other.atMs < atMs);
}

describe("searches of a few rows evict nothing that searches of all rows do not evict, nothing earlier, for no other reason and nothing more surely", () => {
  for (const [what, histories] of [
    ["any signals at all", anySignals],
    ["agents whose models request tools", anyRequest],
    ["stories of gateways", anyStory],
  ] as const) {
    test(`over ${what}, but for one in 500`, { timeout }, () => {
      const different: string[] = [];
      const samples = fc.sample(
        fc.tuple(histories.map(withoutGuesses), fc.constantFrom(1, 2, 4)),
        played,
      );
      for (const [arrivals, maxSearched] of samples) {
        const bounded = play(arrivals, maxSearched);
        expect(bounded.imbalance()).toEqual([]);
        different.push(...tooMany(arrivals, bounded, play(arrivals, allRows)).slice(0, 1));
      }
      const message = `${different.length} of ${samples.length} histories, the first: ${different[0]}`;
      expect(different.length, message).toBeLessThanOrEqual(samples.length / 500);
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
