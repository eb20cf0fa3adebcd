import { describe, expect, test } from "vitest";
import fc from "../../support/fast-check.ts";
import { anySignal, tight } from "./any-signal.ts";
import { History, limits, type Signal } from "./history.ts";
import { plays } from "./plays.ts";
import { ofAnother } from "./reference/any-story.ts";

const latenessS = limits.allowedLatenessMs / 1000;
/** Signals of one history are delayed by less than this; ends follow their owner's within the rest. */
const jitterS = 6;
const runs = 10_000;
/** Ten thousand histories take seconds, and minutes where much else is going on. */
const timeout = 600_000;

interface Turn {
  readonly session: number | undefined;
  readonly startS: number;
  readonly lengthS: number;
  readonly isLive: boolean;
  readonly hasHarness: boolean;
  readonly markers: readonly {
    readonly kind: "tool" | "model_call";
    /** Where in its turn it starts and ends, 0 to 1. */
    readonly from: number;
    readonly to: number;
    readonly fate: "ends" | "ends after its owner" | "orphan";
    readonly below: boolean;
    readonly viaLink: boolean;
  }[];
}

const turn: fc.Arbitrary<Turn> = fc.record({
  session: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
  startS: fc.integer({ min: 0, max: 120 }),
  lengthS: fc.integer({ min: 1, max: 60 }),
  isLive: fc.boolean(),
  hasHarness: fc.boolean(),
  markers: fc.array(
    fc.record({
      kind: fc.constantFrom("tool" as const, "model_call" as const),
      from: fc.double({ min: 0, max: 0.9, noNaN: true }),
      to: fc.double({ min: 0, max: 1, noNaN: true }),
      fate: fc.constantFrom("ends" as const, "ends after its owner" as const, "orphan" as const),
      below: fc.boolean(),
      viaLink: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
});

interface Sent {
  readonly signal: Signal;
  /** When it was sent, by a perfect clock. */
  readonly atS: number;
}

/** Everything the gateways of some turns would send, and how many markers they orphan. */
function play(turns: readonly Turn[]): {
  readonly sent: readonly Sent[];
  readonly orphans: number;
} {
  const sent: Sent[] = [];
  let orphans = 0;
  turns.forEach((turn, index) => {
    const trace = index + 1;
    const sessions = turn.session === undefined ? {} : { sessions: [turn.session] };
    const endS = turn.startS + turn.lengthS;
    const work = (signal: Omit<Signal, "type" | "trace">, atS: number, isLive: boolean): void => {
      if (isLive) {
        sent.push({ signal: { ...signal, type: "start", trace }, atS: signal.start });
      }
      if (signal.end !== undefined) {
        sent.push({ signal: { ...signal, type: "end", trace }, atS });
      }
    };
    const owner = turn.hasHarness
      ? { kind: "inner" as const, parent: 1 }
      : { kind: "run" as const };
    if (turn.hasHarness) {
      work(
        { kind: "harness", span: 1, start: turn.startS, end: endS, ...sessions },
        endS,
        turn.isLive,
      );
    }
    work({ ...owner, span: 2, start: turn.startS, end: endS, ...sessions }, endS, turn.isLive);
    turn.markers.forEach((marker, order) => {
      const span = 10 + order;
      const start = turn.startS + marker.from * turn.lengthS;
      // A model call in a model call is the same one.
      const isSame = [marker, turn.markers[order - 1]].every((each) => each?.kind === "model_call");
      let parent = marker.below && order > 0 && !isSame ? span - 1 : 2;
      if (marker.viaLink) {
        const link = {
          kind: "other" as const,
          span: 50 + order,
          parent,
          start: turn.startS,
          end: endS,
        };
        work(link, endS, false);
        parent = link.span;
      }
      const base = { kind: marker.kind, span, parent, start };
      switch (marker.fate) {
        case "ends": {
          const end = start + marker.to * (endS - start);
          work({ ...base, end }, end, turn.isLive);
          break;
        }
        case "ends after its owner": {
          const end = endS + marker.to * (latenessS - jitterS - 0.1);
          work({ ...base, end }, end, turn.isLive);
          break;
        }
        case "orphan":
          orphans++;
          // Work that was closed alone counts as ended by itself, so each of them is reported live.
          work(base, start, true);
          break;
        default:
          marker.fate satisfies never;
      }
    });
  });
  return { sent, orphans };
}

/** Delivers what was sent, each signal after its own delay, and lets everything fall due. */
function deliver(
  sent: readonly Sent[],
  delays: readonly number[],
  ticks: readonly number[] = [],
): History {
  const history = new History();
  const steps = [
    ...sent.map(({ signal, atS }, index) => ({
      at: atS + (delays[index % Math.max(1, delays.length)] ?? 0),
      signal,
    })),
    ...ticks.map((at) => ({ at, signal: undefined })),
  ].sort((a, b) => a.at - b.at);
  for (const { at, signal } of steps) {
    if (signal === undefined) {
      history.tick(at);
    } else {
      history.arrive(at, signal);
    }
  }
  history.tick(10_000);
  return history;
}

const delays = fc.array(fc.double({ min: 0, max: jitterS, noNaN: true }), {
  minLength: 1,
  maxLength: 40,
});
const turns = fc.array(turn, { minLength: 1, maxLength: 4 });

describe("over random histories", { timeout }, () => {
  test("exactly the orphans are evicted, in whatever order signals arrive within the lateness", () => {
    fc.assert(
      fc.property(turns, delays, delays, (played, one, other) => {
        const { sent, orphans } = play(played);
        const first = deliver(sent, one);
        const second = deliver(sent, other);
        expect(first.evicted).toBe(orphans);
        expect(second.totals()).toEqual(first.totals());
        expect(first.imbalance()).toEqual([]);
        expect(first.activity.counters.reconciled).toEqual([0, 0, 0, 0]);
      }),
      plays(runs),
    );
  });

  test("extra ticks change nothing, not even the stamp of an event", () => {
    const ticks = fc.array(fc.double({ min: 0, max: 600, noNaN: true }), { maxLength: 60 });
    fc.assert(
      fc.property(turns, delays, ticks, (played, delay, extra) => {
        const { sent } = play(played);
        const plain = deliver(sent, delay);
        const ticked = deliver(sent, delay, extra);
        expect(ticked.events).toEqual(plain.events);
        expect(ticked.totals()).toEqual(plain.totals());
      }),
      plays(runs),
    );
  });

  test("a start from before the end of its run, which is over, never re-arms a marker", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(
          fc.record({ age: fc.double({ min: 0, max: 1, noNaN: true }), late: fc.nat(500) }),
          {
            minLength: 1,
            maxLength: 8,
          },
        ),
        fc.boolean(),
        (lengthS, stragglers, hasSession) => {
          const history = new History();
          const owner: Signal = {
            type: "start",
            kind: "run",
            span: 1,
            start: 0,
            seq: 1,
            ...(hasSession ? { sessions: [3] } : {}),
          };
          history.arrive(0, owner, { type: "start", kind: "tool", span: 2, parent: 1, start: 0 });
          history.arrive(lengthS, { ...owner, type: "end", end: lengthS, seq: 1000 });
          history.tick(lengthS + latenessS);
          stragglers.forEach(({ age, late }, index) => {
            history.arrive(lengthS + latenessS + 1 + late, {
              type: "start",
              kind: "tool",
              span: 10 + index,
              parent: 1,
              start: age * lengthS,
              seq: 2 + index,
            });
          });
          history.tick(5000);
          expect(history.evicted).toBe(1);
          expect(history.activity.counters.lateStarts[2]).toBe(stragglers.length);
          expect(history.activity.view.sizes().openWork).toBe(0);
        },
      ),
      plays(runs),
    );
  });
});

const chaos = fc.array(fc.record({ at: fc.integer({ min: 0, max: 300 }), signal: anySignal }), {
  minLength: 1,
  maxLength: 60,
});

/** Events as texts; those of one moment have no order. */
function inNoOrder({ events }: History): readonly string[] {
  return events.map((event) => JSON.stringify(event)).sort();
}

/** The sum of numbers that are at the same place in values of one shape. */
function sum(values: readonly unknown[]): unknown {
  const [first] = values;
  if (typeof first === "object" && first !== null) {
    const entries = Object.keys(first).map((key) => [
      key,
      sum(values.map((each) => Reflect.get(Object(each), key))),
    ]);
    return Array.isArray(first) ? entries.map(([, each]) => each) : Object.fromEntries(entries);
  }
  return values.reduce((total: number, each) => total + Number(each), 0);
}

/** Bounds that do not hold. */
function excess(history: History): readonly string[] {
  const { openWork, sessions, spans, references, traces, groups } = history.activity.view.sizes();
  return [
    openWork > tight.maxOpenWork ? `open work ${openWork}` : "",
    // A marker that turns out to be below a run of another session than it named brings that one in.
    sessions > tight.maxSessions + 1 ? `sessions ${sessions}` : "",
    spans > tight.maxOpenWork + tight.maxTombstones ? `spans ${spans}` : "",
    references > tight.maxSessions * 4 ? `references ${references}` : "",
    traces > spans ? `traces ${traces}` : "",
    groups > spans ? `groups ${groups}` : "",
  ].filter((problem) => problem !== "");
}

describe("over any signals at all, with clocks that step back and tight bounds", {
  timeout,
}, () => {
  test("the balance holds at every step and bounds are kept", () => {
    fc.assert(
      fc.property(chaos, fc.constantFrom(1, 4_096), (steps, stepsPerCall) => {
        const history = new History({ ...tight, stepsPerCall });
        const problems: string[] = [];
        for (const { at, signal } of steps) {
          history.arrive(at, signal);
          problems.push(...history.imbalance(), ...history.stateProblems(), ...excess(history));
        }
        history.tickInParts(10_000_000);
        problems.push(...history.imbalance(), ...history.stateProblems());
        const { openWork: _, tombstones: __, ...left } = history.activity.view.sizes();
        expect(problems).toEqual([]);
        expect(history.activity.view.owners).toBe(0);
        expect(left).toEqual({
          spans: 0,
          groups: 0,
          sessions: 0,
          references: 0,
          traces: 0,
          implied: 0,
          endsUnknown: 0,
        });
      }),
      plays(runs),
    );
  });

  test("nothing is left of what has ended and was remembered for long enough, with room for all", () => {
    const nothing = new History().activity.view.sizes();
    fc.assert(
      fc.property(chaos, (steps) => {
        const history = new History();
        for (const { at, signal } of steps.toSorted((a, b) => a.at - b.at)) {
          history.arrive(at, signal);
        }
        history.tickInParts(10_000_000);
        expect(history.activity.view.sizes()).toEqual(nothing);
        expect(history.activity.view.owners).toBe(0);
        expect([...history.imbalance(), ...history.stateProblems()]).toEqual([]);
      }),
      plays(runs),
    );
  });

  test("extra ticks change nothing here either", () => {
    const ticks = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 60 });
    fc.assert(
      fc.property(chaos, ticks, (steps, extra) => {
        const plain = new History(tight);
        const ticked = new History(tight);
        const inOrder = steps.toSorted((a, b) => a.at - b.at);
        for (const { at, signal } of inOrder) {
          plain.arrive(at, signal);
        }
        const all = [
          ...inOrder.map(({ at, signal }) => ({ at, signal })),
          ...extra.map((at) => ({ at, signal: undefined })),
        ].sort((a, b) => a.at - b.at);
        for (const { at, signal } of all) {
          if (signal === undefined) {
            ticked.tick(at);
          } else {
            ticked.arrive(at, signal);
          }
        }
        plain.tick(1000);
        ticked.tick(1000);
        expect(inNoOrder(ticked)).toEqual(inNoOrder(plain));
        expect(ticked.totals()).toEqual(plain.totals());
      }),
      plays(runs),
    );
  });

  test("deciding in parts, one step a call, has the same outcome as deciding at once", () => {
    fc.assert(
      fc.property(chaos, (steps) => {
        const whole = new History(tight);
        const parted = new History({ ...tight, stepsPerCall: 1 });
        for (const { at, signal } of steps.toSorted((a, b) => a.at - b.at)) {
          whole.arrive(at, signal);
          parted.tickInParts(at);
          parted.arrive(at, signal);
        }
        whole.tick(1000);
        parted.tickInParts(1000);
        expect(inNoOrder(parted)).toEqual(inNoOrder(whole));
        expect(parted.totals()).toEqual(whole.totals());
        expect(parted.activity.view.sizes()).toEqual(whole.activity.view.sizes());
      }),
      plays(runs),
    );
  });

  test("two clients with the same ids count as much together as each alone", () => {
    // Whether silence ends a lease depends on all input, so that a broken network is not mistaken for silence.
    const unleased = chaos.map((steps) =>
      steps.filter(({ signal }) => signal.type !== "alive" && signal.interval === undefined),
    );
    fc.assert(
      fc.property(unleased, unleased, (one, other) => {
        const together = new History();
        const alone = [new History(), new History()];
        const steps = [
          ...one.map(({ at, signal }) => ({ at, signal, of: alone[0] })),
          ...other.map(({ at, signal }) => ({ at, signal: ofAnother(signal), of: alone[1] })),
        ].sort((a, b) => a.at - b.at);
        for (const { at, signal, of } of steps) {
          together.arrive(at, signal);
          of?.arrive(at, signal);
        }
        for (const each of [together, ...alone]) {
          each.tick(1000);
        }
        expect(together.totals()).toEqual(sum(alone.map((each) => each.totals())));
        expect(inNoOrder(together)).toEqual(alone.flatMap(inNoOrder).sort());
      }),
      plays(runs / 5),
    );
  });

  test("a clock that steps back stands still", () => {
    fc.assert(
      fc.property(chaos, (steps) => {
        const stepping = new History();
        const standing = new History();
        let latest = 0;
        for (const { at, signal } of steps) {
          latest = Math.max(latest, at);
          stepping.arrive(at, signal);
          standing.arrive(latest, signal);
        }
        stepping.tick(1000);
        standing.tick(1000);
        expect(stepping.events).toEqual(standing.events);
        expect(stepping.totals()).toEqual(standing.totals());
      }),
      plays(runs),
    );
  });
});
