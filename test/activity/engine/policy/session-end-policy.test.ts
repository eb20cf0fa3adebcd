import { describe, expect, test } from "vitest";
import type { Signal } from "../history.ts";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

const s1 = { sessions: [1] };
const sessionEnd = (end: number, more: Partial<Signal> = {}): Signal => ({
  type: "sessionEnd",
  kind: "other",
  span: 0,
  start: end,
  end,
  ...s1,
  ...more,
});
const none = () => ({ total: 0, largest: 0 });

/** Signals that arrive together, after the second. */
type Step = readonly [number, ...Signal[]];

/** The open spans of trace 1 after the end of the session at 5 s is decided at 15 s. */
function leftOf(...steps: readonly Step[]): readonly number[] {
  const fixture = new EngineFixture();
  for (const [at, ...signals] of steps) {
    fixture.arrive(at, ...signals);
  }
  fixture.parts.sessionEndPolicy.decide(fixture.group(1), 15_000, none);
  const { spans } = fixture.parts.store;
  return [1, 2, 3, 4].filter((span) => {
    const row = fixture.span(span);
    return row !== -1 && spans.state.get(row) === 2;
  });
}

describe("a lateness after the end of a session", () => {
  const cases: readonly (readonly [string, readonly Step[], readonly number[]])[] = [
    [
      "its open work is evicted, runs too",
      [
        [0, run(1, s1), tool(2, 1)],
        [5, sessionEnd(5)],
      ],
      [],
    ],
    [
      "work stays that began after it, and all that is above that",
      [
        [0, run(1, s1), tool(2, 1)],
        [5, sessionEnd(5)],
        [6, tool(3, 2, { start: 6 }), tool(4, 1, { start: 1 })],
      ],
      [1, 2, 3],
    ],
    [
      "work stays that waits for a sub-agent of another session",
      [
        [0, run(1, s1), tool(2, 1), run(3, { parent: 2, sessions: [2] }), tool(4, 1)],
        [5, sessionEnd(5)],
      ],
      [1, 2, 3],
    ],
    [
      "the sender's order says what began before it",
      [
        [0, run(1, { ...s1, seq: 1 })],
        [5, sessionEnd(5, { seq: 2 })],
        [6, tool(2, 1, { start: 6, seq: 2 }), tool(3, 1, { start: 1, seq: 3 })],
      ],
      [1, 3],
    ],
    [
      "work goes that began before it, and whose start arrived meanwhile",
      [
        [0, run(1, { ...s1, seq: 1 })],
        [5, sessionEnd(5, { seq: 3 })],
        [14, tool(2, 1, { start: 1, seq: 2 })],
      ],
      [],
    ],
  ];
  for (const [what, steps, left] of cases) {
    test(what, () => {
      expect(leftOf(...steps)).toEqual(left);
    });
  }

  test("the session is decided again while some of its work stays that is due later", () => {
    const fixture = new EngineFixture();
    const below = run(3, { parent: 2, sessions: [2] });
    fixture.arrive(0, run(1, s1), tool(2, 1), below);
    fixture.arrive(5, sessionEnd(5));
    fixture.arrive(8, ended(below, 8));
    const { sessionEndPolicy, sessionTimers, store } = fixture.parts;
    const group = fixture.group(1);
    sessionTimers.cancel(group);
    sessionEndPolicy.decide(group, 15_000, none);
    expect(sessionTimers.currentOf(group)).toBe(18_000);
    sessionEndPolicy.decide(group, 18_000, none);
    expect(store.groups.hasEnded(group)).toBe(false);
  });

  test("work whose start arrives after that has a lateness of its own", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1, { ...s1, seq: 1 }));
    fixture.arrive(5, sessionEnd(5, { seq: 3 }));
    const { sessionEndPolicy, sessionTimers, store } = fixture.parts;
    const group = fixture.group(1);
    sessionTimers.cancel(group);
    fixture.arrive(16, tool(2, 1, { start: 1, seq: 2 }));
    expect(sessionTimers.currentOf(group)).toBe(26_000);
    sessionEndPolicy.decide(group, 25_999, none);
    expect(store.groups.hasEnded(group)).toBe(true);
    sessionEndPolicy.decide(group, 26_000, none);
    expect(store.groups.hasEnded(group)).toBe(false);
  });

  test("one of a mass waits for another lateness, once", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1, s1), tool(2, 1));
    fixture.arrive(5, sessionEnd(5));
    const { sessionEndPolicy, sessionTimers, events } = fixture.parts;
    const group = fixture.group(1);
    const mass = () => ({ total: 100, largest: 0 });
    sessionEndPolicy.decide(group, 15_000, mass);
    expect(sessionTimers.currentOf(group)).toBe(25_000);
    expect(events.map(({ type }) => type)).toEqual(["held"]);
    sessionEndPolicy.decide(group, 25_000, mass);
    expect(events.filter(({ type }) => type === "evicted")).toHaveLength(1);
  });
});
