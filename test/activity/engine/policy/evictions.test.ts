import { describe, expect, test } from "vitest";
import { reasons } from "../../../../src/activity/model/reasons.ts";
import { EngineFixture, run, tool } from "./engine-fixture.ts";

function open(includesMarkers = false): EngineFixture {
  const fixture = new EngineFixture({ includesMarkers });
  fixture.arrive(1, run(1), tool(2, 1, { name: 5 }), tool(3, 1, { kind: "model_call" }));
  return fixture;
}

describe("an eviction emits one event", () => {
  test("for all markers, and closes their rows", () => {
    const fixture = open();
    const { evictions, events, counters } = fixture.parts;
    const markers = [fixture.span(2), fixture.span(3)];
    evictions.evict(markers, { reason: "lease_expired", channel: 4, atMs: 9_000 });
    expect(events).toMatchObject([
      {
        type: "evicted",
        reason: "lease_expired",
        confidence: reasons.lease_expired.confidence,
        atMs: 9_000,
        channel: 4,
        tools: 1,
        modelCalls: 1,
        oldestAgeMs: 8_000,
        name: 5,
        markers: [],
      },
    ]);
    expect([
      counters.evicted.get("lease_expired")?.[2],
      counters.evicted.get("lease_expired")?.[3],
    ]).toEqual([1, 1]);
    expect(counters.open).toEqual([0, 1, 0, 0]);
  });

  test("with the confidence that its policy knows better", () => {
    const fixture = open();
    const { evictions, events } = fixture.parts;
    const eviction = { reason: "process_gone", channel: 0, atMs: 9_000 } as const;
    evictions.emit([fixture.span(2)], { ...eviction, confidence: "probable" });
    expect(events).toMatchObject([{ confidence: "probable" }]);
  });

  test("with each marker where that is wanted", () => {
    const fixture = open(true);
    const { evictions, events } = fixture.parts;
    evictions.emit([fixture.span(2)], { reason: "max_age", channel: 0, atMs: 9_000 });
    const [event] = events;
    expect(event?.type === "evicted" && event.markers).toMatchObject([
      { kind: 2, name: 5, ageMs: 8_000, spanId: new Uint8Array([0, 0, 0, 5, 0, 0, 0, 2]) },
    ]);
  });

  test("for tools without a row, which names the span that they belong to, and the tool that was requested first", () => {
    const fixture = open();
    const { evictions, events } = fixture.parts;
    const about = fixture.span(1);
    evictions.emit(
      [],
      { reason: "orphaned_no_owner", channel: 0, atMs: 9_000 },
      { count: 3, about, name: 7 },
    );
    expect(events).toMatchObject([
      { tools: 3, modelCalls: 0, name: 7, spanId: new Uint8Array([0, 0, 0, 5, 0, 0, 0, 1]) },
    ]);
  });
});

describe("the confidence of markers whose run is only a guess", () => {
  for (const [what, isUndecided, process, confidence] of [
    ["in their process", true, 1, "presumed"],
    ["in another process", true, 2, "presumed"],
    ["in another process, though it is sure to be a run", false, 2, "presumed"],
    ["in their process, and which is sure", false, 1, "confirmed"],
  ] as const) {
    test(`${what}: ${confidence}`, () => {
      const fixture = new EngineFixture({});
      fixture.arrive(1, run(1, { process, isUndecided }), tool(2, 1));
      const { evictions, events } = fixture.parts;
      evictions.evict([fixture.span(2)], {
        reason: "orphaned_no_owner",
        channel: 0,
        atMs: 9_000,
      });
      expect(events).toMatchObject([{ type: "evicted", confidence }]);
    });
  }
});
