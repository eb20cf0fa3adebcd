import { describe, expect, test } from "vitest";
import type { ActivityEvent } from "../../../src/activity/model/events.ts";
import { History } from "./history.ts";
import { end, type HostileHistory, ordinary, range, run, tool } from "./hostile-history.ts";
import { hostileSessionHistories } from "./hostile-session-histories.ts";
import { hostileWorkHistories } from "./hostile-work-histories.ts";

/** More than twice as many as one search reads. An engine that reads every row takes seconds for more. */
const items = 300;
/** In parts, so that a backlog is decided before the next arrival, as the processor does it. */
const hourS = 3_600;

const confidences = ["presumed", "probable", "confirmed"];

/** Evicted markers by span id: when, why and how surely each was evicted first. */
function evictedIn(events: readonly ActivityEvent[]) {
  const markers = new Map<string, { atMs: number; reason: string; sureness: number }>();
  for (const event of events) {
    for (const marker of event.type === "evicted" ? event.markers : []) {
      const { name, kind, traceId, spanId } = marker;
      const key = [traceId, spanId, kind, name].join(":");
      if (event.type === "evicted" && !markers.has(key)) {
        const sureness = confidences.indexOf(event.confidence);
        markers.set(key, { atMs: event.atMs, reason: event.reason, sureness });
      }
    }
  }
  return markers;
}

function play({ limits, before, measured }: HostileHistory, boundsSearches: boolean): History {
  const history = new History({ ...limits, boundsSearches, includesMarkers: true });
  const arrivals = [...before(items), ...measured(items)];
  for (const { at, signals } of arrivals) {
    history.tickInParts(at);
    if (signals.length > 0) {
      history.arrive(at, ...signals);
    }
  }
  history.tickInParts((arrivals.at(-1)?.at ?? 0) + hourS);
  return history;
}

describe("an engine whose searches are bounded, beside one that reads every row", () => {
  for (const history of [...hostileWorkHistories, ...hostileSessionHistories]) {
    test(`evicts nothing else, nothing earlier and nothing more surely: ${history.title}`, () => {
      const bounded = play(history, true);
      const unbounded = evictedIn(play(history, false).events);
      for (const [marker, { atMs, reason, sureness }] of evictedIn(bounded.events)) {
        const known = unbounded.get(marker);
        expect(known, marker).toBeDefined();
        expect(reason).toBe(known?.reason);
        expect(atMs).toBeGreaterThanOrEqual(known?.atMs ?? Number.POSITIVE_INFINITY);
        expect(sureness).toBeLessThanOrEqual(known?.sureness ?? -1);
      }
      expect(bounded.imbalance()).toEqual([]);
    });
  }

  const oneSession = { sessions: [1] };
  const orphaned = (count: number) =>
    range(count, 2).flatMap((id) => [
      run(id, { trace: id, ...oneSession, start: 2 }),
      tool(count + id, id, { trace: id, start: 2 }),
    ]);
  const ends = (count: number) =>
    range(count, 2).map((id) => end(run(id, { trace: id, ...oneSession, start: 2 }), 3));

  test("evicts no tool whose holder is behind more rows than a search reads, until it has ended", () => {
    const history = new History({ stalledAfterMs: 120_000 });
    const holder = run(1, oneSession);
    history.arrive(1, holder);
    history.arrive(2, ...orphaned(items));
    history.arrive(3, ...ends(items));
    history.tickInParts(110);
    expect(history.evicted).toBe(0);
    history.arrive(110, end(holder, 110));
    history.tickInParts(hourS);
    expect(history.evicted).toBe(items);
    // All but those that waited for the one that they found are looked at again only now and then.
    const late = history.evictions.filter(([, second]) => second > 120);
    expect(late.length).toBeGreaterThan(items / 2);
  });

  test("is as unsure of an end as of the least sure one of the session, where it reads no further", () => {
    const confidencesOf = (reason: "silence" | "end") => {
      const history = new History({ stalledAfterMs: 120_000 });
      const first = run(1, { ...oneSession, interval: 10 });
      history.arrive(1, first);
      history.arrive(2, ...orphaned(items));
      history.arrive(3, ...ends(items), ...(reason === "end" ? [end(first, 3)] : []));
      history.tickInParts(hourS);
      return new Set(
        history.events.flatMap((event) => (event.type === "evicted" ? [event.confidence] : [])),
      );
    };
    expect(confidencesOf("end")).toEqual(new Set(["confirmed"]));
    expect(confidencesOf("silence")).toEqual(new Set(["probable"]));
  });

  describe("in a session with more open runs than the searches of a decision read", () => {
    const crowd = range(1_100, 1).map((id) => run(id, { trace: id, ...oneSession }));

    test("reports no stall, and knows no verdict about a claim", () => {
      const history = new History({ stalledAfterMs: 20_000 });
      history.arrive(1, ...crowd);
      history.tickInParts(50);
      history.arrive(50, { ...run(0, { ...oneSession, claimed: 1, start: 50 }), type: "claim" });
      const told = history.events.map((event) =>
        event.type === "diagnosed" ? event.verdict : event.type,
      );
      expect(told).toEqual(["unknown"]);
    });

    test("does not end a wait for a person, which ends with its runs", () => {
      const history = new History({ maxAgeMs: 100_000 });
      const pause = { ...run(0, { ...oneSession, key: 1, start: 2 }), type: "pause" } as const;
      history.arrive(1, ...crowd);
      history.arrive(2, pause);
      history.arrive(3, { ...pause, type: "resume", start: 3 });
      history.tickInParts(hourS);
      expect(history.evictions).toEqual([]);
      expect(history.activity.view.sizes().openWork).toBe(crowd.length);
      history.arrive(hourS, ...crowd.map((each) => end(each, hourS)));
      history.tickInParts(2 * hourS);
      expect(history.activity.view.sizes().openWork).toBe(0);
    });
  });

  test("decides ordinary sessions in the same way", () => {
    const [bounded, unbounded] = [play(ordinary, true), play(ordinary, false)];
    expect(bounded.events).toEqual(unbounded.events);
    expect(bounded.evictions.length).toBeGreaterThan(0);
  });
});
