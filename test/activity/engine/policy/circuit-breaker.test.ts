import { describe, expect, test } from "vitest";
import { History, type Signal } from "../history.ts";

/** Sessions of one run and one tool each, from this span on. */
function turns(first: number, count: number, more: Partial<Signal> = {}): readonly Signal[] {
  return Array.from({ length: count }, (_, at): readonly Signal[] => {
    const span = first + at * 2;
    const of = { trace: span, sessions: [span], start: 0, ...more };
    return [
      { type: "start", kind: "run", span, ...of, interval: 0 },
      { type: "start", kind: "tool", span: span + 1, parent: span, ...of },
    ];
  }).flat();
}

/** The ends of the runs among some starts. */
const endsOf = (starts: readonly Signal[]) =>
  starts
    .filter(({ kind }) => kind === "run")
    .map((start): Signal => ({ ...start, type: "end", end: 10 }));

const heldIn = (history: History) =>
  history.events.flatMap((event) =>
    event.type === "held" ? [[event.cause, event.atMs / 1000, event.markers]] : [],
  );

describe("orphans of several sessions that are due together are a mass", () => {
  for (const [due, open, isMass] of [
    // One session's are what the end of its run means: they are not counted.
    [51, 249, true],
    [51, 250, false],
    [52, 254, true],
    [52, 255, false],
    [50, 50, false],
    [50, 240, false],
    [51, 51, true],
  ] as const) {
    test(`${due} of ${open} open markers: ${isMass ? "they wait a lateness" : "they go in time"}`, () => {
      const history = new History();
      const ending = turns(1, due);
      history.arrive(0, ...ending, ...turns(10_001, open - due));
      history.arrive(10, ...endsOf(ending));
      history.tick(20);
      expect(heldIn(history)).toEqual(isMass ? [["mass_eviction", 20, due]] : []);
      expect(history.evicted).toBe(isMass ? 0 : due);
      history.tick(60);
      expect(history.evicted).toBe(due);
      expect(new Set(history.evictions.map(([, at]) => at))).toEqual(new Set([isMass ? 30 : 20]));
    });
  }

  for (const [sessions, each, isMass] of [
    [10, 5, false],
    [17, 3, false],
    [18, 3, true],
    [25, 2, false],
    [26, 2, true],
    [2, 40, false],
  ] as const) {
    test(`${sessions} sessions with ${each} each: those of the largest session do not count`, () => {
      const history = new History();
      const runs = turns(1, sessions).filter(({ kind }) => kind === "run");
      const tools = runs.flatMap(({ trace }) =>
        Array.from(
          { length: each },
          (_, at): Signal => ({
            ...{ type: "start", kind: "tool", parent: trace ?? 0, start: 0 },
            ...{ span: 10_000 + at, trace: trace ?? 0 },
          }),
        ),
      );
      history.arrive(0, ...runs, ...tools);
      history.arrive(10, ...endsOf(runs));
      history.tick(20);
      expect(heldIn(history)).toEqual(isMass ? [["mass_eviction", 20, sessions * each]] : []);
    });
  }

  test("but not those of one session, however many", () => {
    const history = new History();
    const run: Signal = { type: "start", kind: "run", span: 1, start: 0, sessions: [1] };
    const tools = Array.from(
      { length: 200 },
      (_, at): Signal => ({ type: "start", kind: "tool", span: 2 + at, parent: 1, start: 0 }),
    );
    history.arrive(0, run, ...tools);
    history.arrive(10, ...endsOf([run]));
    history.tick(20);
    expect(history.evicted).toBe(200);
  });
});

describe("leases that run out together are a mass", () => {
  for (const [due, open, isMass] of [
    [50, 249, true],
    [50, 250, false],
    [49, 49, false],
    [51, 254, true],
    [51, 255, false],
  ] as const) {
    test(`${due} of ${open} open markers: ${isMass ? "they wait a lateness" : "they go in time"}`, () => {
      const history = new History();
      history.arrive(
        0,
        ...turns(1, due, { dialect: "partialLog", interval: 5, sent: 0 }),
        ...turns(10_001, open - due),
      );
      for (let second = 1; second <= 50; second++) {
        // Somebody else is heard all the time, so that one silence says something of its sender.
        history.arrive(second, { type: "start", kind: "run", span: 9, start: 0, process: 9 });
      }
      expect(heldIn(history)[0]).toEqual(isMass ? ["mass_eviction", 30, due] : undefined);
      expect(history.evicted).toBe(due);
      expect(new Set(history.evictions.map(([reason, at]) => `${reason} ${at}`))).toEqual(
        new Set([`lease_expired ${isMass ? 40 : 30}`]),
      );
    });
  }
});
