import { describe, expect, test } from "vitest";
import { summaryOf, traceContextOf } from "../../../../src/activity/engine/store/marker-summary.ts";
import { workKinds } from "../../../../src/activity/model/work.ts";
import { SmallEngine } from "./small-engine.ts";

const traceId = Uint8Array.from([...Array.from({ length: 15 }, () => 0), 1]);
const spanIdOf = (id: number) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, id]);

/** Two tools named 12 and 13, and a model call named 14; their ids are 2, 3 and 4. */
function threeMarkers() {
  const engine = new SmallEngine();
  const run = engine.run(1);
  const markers = [engine.tool(2, run), engine.tool(3, run), engine.arrive(4, workKinds.modelCall)];
  for (const [at, marker] of markers.entries()) {
    engine.parts.store.spans.name.set(marker, 12 + at);
  }
  return { store: engine.parts.store, markers };
}

describe("the summary of evicted markers", () => {
  for (const [name, agesMs, want] of [
    [
      "names the oldest tool, and has the span of the oldest marker",
      [10, 20, 30],
      { oldestAgeMs: 30, name: 13, spanId: 4 },
    ],
    [
      "has the span of the oldest tool where that is the oldest marker",
      [20, 10, 5],
      { oldestAgeMs: 20, name: 12, spanId: 2 },
    ],
    [
      "counts a marker of unknown age as the youngest",
      [undefined, 0, undefined],
      { oldestAgeMs: 0, name: 13, spanId: 3 },
    ],
    [
      "has no age where none is known, and the first marker",
      [undefined, undefined, undefined],
      { oldestAgeMs: undefined, name: 12, spanId: 2 },
    ],
  ] as const) {
    test(name, () => {
      const { store, markers } = threeMarkers();
      const { oldestAgeMs, ...summary } = summaryOf(store, markers, agesMs);
      expect(oldestAgeMs).toBe(want.oldestAgeMs);
      expect(summary).toEqual({
        tools: 2,
        modelCalls: 1,
        name: want.name,
        traceId,
        spanId: spanIdOf(want.spanId),
      });
    });
  }

  test("of model calls alone has no name", () => {
    const { store, markers } = threeMarkers();
    expect(summaryOf(store, markers.slice(2), [5])).toEqual({
      tools: 0,
      modelCalls: 1,
      oldestAgeMs: 5,
      name: 0,
      traceId,
      spanId: spanIdOf(4),
    });
  });
});

describe("the ids of a span", () => {
  test("have the most significant byte first", () => {
    const { parts } = new SmallEngine();
    const trace = parts.store.traces.findOrAdd(1, 0x01020304, -1, 0x10000000, 5);
    const span = parts.store.spans.add(trace, -2, 0x0a0b0c0d);
    expect(traceContextOf(parts.store, span)).toEqual({
      traceId: Uint8Array.from([1, 2, 3, 4, 255, 255, 255, 255, 16, 0, 0, 0, 0, 0, 0, 5]),
      spanId: Uint8Array.from([255, 255, 255, 254, 10, 11, 12, 13]),
    });
  });

  test("are zeros where there is no span", () => {
    const { parts } = new SmallEngine();
    expect(traceContextOf(parts.store, -1)).toEqual({
      traceId: new Uint8Array(16),
      spanId: new Uint8Array(8),
    });
  });
});
