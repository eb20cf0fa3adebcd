import { describe, expect, test } from "vitest";
import {
  hasArrivedElsewhere,
  ownerElsewhere,
  ownerNotSearched,
} from "../../../../src/activity/engine/store/other-processes.ts";
import type { Signal } from "../history.ts";
import { EngineFixture, run, tool } from "../policy/engine-fixture.ts";

/** The process 1 names the span 4 as the parent of the tool 5; the process 2 reports it. */
const reported: Signal = run(4, { process: 2 });
const link: Signal = { ...reported, type: "end", kind: "other", end: 1 };

describe("a span that is named in one process", () => {
  for (const [what, there, isRun, hasArrived] of [
    ["has arrived as a run of another", reported, true, true],
    ["has arrived as a tool of another", tool(4, 8, { process: 2 }), false, true],
    ["has arrived as a link of another", link, false, true],
    ["has not arrived in another trace", { ...reported, trace: 2 }, false, false],
    ["has not arrived when another process names it too", tool(9, 4, { process: 2 }), false, false],
  ] as const) {
    test(what, () => {
      const fixture = new EngineFixture();
      fixture.arrive(0, there, tool(5, 4), tool(6, 5));
      const { store } = fixture.parts;
      expect(hasArrivedElsewhere(store, fixture.span(4), 100)).toBe(hasArrived);
      const owner = isRun ? fixture.owner(4, { process: 2 }) : -1;
      for (const span of [4, 5, 6]) {
        expect(ownerElsewhere(store, fixture.span(span), 100)).toBe(owner);
      }
    });
  }

  test("is not looked for in a trace of too many processes", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(4, { process: 2 }), tool(5, 4));
    const { store } = fixture.parts;
    expect(ownerElsewhere(store, fixture.span(5), 1)).toBe(fixture.owner(4, { process: 2 }));
    expect(ownerElsewhere(store, fixture.span(5), 0)).toBe(ownerNotSearched);
    expect(hasArrivedElsewhere(store, fixture.span(4), 0)).toBe(false);
  });

  test("is that of its own process once it has arrived there", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, reported, tool(5, 4), run(4));
    expect(ownerElsewhere(fixture.parts.store, fixture.span(5), 100)).toBe(-1);
  });
});
