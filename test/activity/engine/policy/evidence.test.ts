import { describe, expect, test } from "vitest";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

describe("the evidence of a verdict", () => {
  test("has the culprit's name, age, silence, last signal and what blocks", () => {
    const fixture = new EngineFixture();
    fixture.arrive(1, run(1));
    fixture.arrive(4, tool(2, 1, { name: 5 }));
    const verdict = { verdict: "silent_tool", culprit: fixture.span(2), sinceMs: 6_000 } as const;
    expect(fixture.parts.evidence(verdict, 10_000)).toEqual({
      verdict: "silent_tool",
      blockedBy: "tool",
      name: 5,
      silentMs: 4_000,
      ageMs: 6_000,
      lastSignal: "tool.start",
      traceId: new Uint8Array([0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 1]),
      spanId: new Uint8Array([0, 0, 0, 5, 0, 0, 0, 2]),
    });
  });

  test("has no name and no usual duration of a run", () => {
    const fixture = new EngineFixture();
    fixture.arrive(1, run(1, { name: 5 }));
    const verdict = { verdict: "wedged_run", culprit: fixture.span(1), sinceMs: 1_000 } as const;
    const evidence = fixture.parts.evidence(verdict, 10_000);
    expect(evidence).toMatchObject({ blockedBy: "run", name: 0 });
    expect(Object.keys(evidence)).not.toContain("usualP50Ms");
  });

  test("has the usual duration of work of that name, when enough of it has ended", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1));
    for (let span = 10; span < 60; span++) {
      fixture.arrive(span, tool(span, 1, { start: span, name: 5 }));
      fixture.arrive(span, ended(tool(span, 1, { start: span - 2, name: 5 }), span));
    }
    fixture.arrive(60, tool(2, 1, { name: 5 }));
    const verdict = { verdict: "silent_tool", culprit: fixture.span(2), sinceMs: 60_000 } as const;
    expect(Object.keys(fixture.parts.evidence(verdict, 70_000))).toContain("usualP99Ms");
  });

  test("names nothing where nothing is to blame", () => {
    const verdict = { verdict: "unknown", culprit: -1, sinceMs: 1 } as const;
    const { evidence } = new EngineFixture().parts;
    expect(evidence(verdict, 10)).toMatchObject({ verdict: "unknown", blockedBy: "none", name: 0 });
    expect(Object.keys(evidence(verdict, 10))).not.toContain("silentMs");
  });
});
