import { describe, expect, test } from "vitest";
import fc from "../../support/fast-check.ts";
import {
  anyLife,
  drainS,
  isIdleAtEnd,
  type Life,
  type LifeMarker,
  type Reporting,
  report,
  type Sent,
} from "./any-life.ts";
import { enginePlayer, type Player, referencePlayer } from "./histories/history-text.ts";
import { ancestorsOf, heldUntilS, holdersOf } from "./life-truth.ts";
import { plays } from "./plays.ts";
import type { Occurrence } from "./reference/occurrence.ts";

/** Signals are delayed by at most this, ends of runs by exactly this: less than the lateness of 2 s, ends of markers included. */
const jitterS = 1.2;
const latenessS = 2;
/** When the process stops and closes what hangs: sooner than what ended is forgotten. */
const stopS = 400;
const timeout = 600_000;
/** No silence decides here: it runs from arrivals, which differ. */
const patient = { stalledAfterMs: 86_400_000, maxAgeMs: 43_200_000 };

const delays = fc.array(fc.double({ min: 0, max: jitterS, noNaN: true }), {
  minLength: 1,
  maxLength: 40,
});

const right: Reporting = { source: "live", hasSequence: false, skewS: 0, isUnset: false };

/** In each of these the sender's order can be known. */
const anyReporting: fc.Arbitrary<Reporting> = fc.constantFrom(
  right,
  { ...right, skewS: 3600 },
  { ...right, skewS: -3600 },
  { ...right, source: "relay" },
  { ...right, source: "relay", hasSequence: true },
  { ...right, source: "relay", hasSequence: true, isUnset: true },
);

interface Outcome {
  readonly evictions: readonly string[];
  readonly open: number;
  readonly late: number;
  readonly reconciled: number;
}

/** Delivers signals, each after its own delay but the ends of runs, and lets everything fall due. */
function deliver(sent: readonly Sent[], after: readonly number[], player: Player): Outcome {
  const arrivals = sent
    .map(({ atS, signal }, index) => {
      const isRunEnd = signal.type === "idle" || (signal.kind === "run" && signal.type === "end");
      const delayS = isRunEnd ? jitterS : (after[index % after.length] ?? 0);
      return { at: atS + delayS, signal };
    })
    .toSorted((a, b) => a.at - b.at);
  for (const { at, signal } of arrivals) {
    player.arrive(at, signal);
  }
  player.tick(5_000);
  const occurrences = player.occurrences();
  return {
    evictions: evictionsOf(occurrences),
    open: player.open(),
    late: player.late(),
    reconciled: occurrences.filter(({ type }) => type === "reconciled").length,
  };
}

/** Each evicted marker with its moment, reason and confidence; not its age, which begins with its arrival. */
function evictionsOf(occurrences: readonly Occurrence[]): readonly string[] {
  return occurrences
    .flatMap((event) =>
      event.type === "evicted"
        ? event.markers.map((marker) => {
            const [kind, span] = marker.split(" ");
            return `${event.atMs.toFixed(1)} ${event.reason} ${event.confidence} ${kind} ${span}`;
          })
        : [],
    )
    .sort();
}

function only(evictions: readonly string[], life: Life): readonly string[] {
  const known = new Set(life.map(({ trace, span }) => `${trace}/${span}`));
  return evictions.filter((eviction) => known.has(eviction.split(" ").at(-1) ?? ""));
}

/** The naive engine is slow. */
const few = plays(150);

describe.each([
  ["the naive engine", referencePlayer, { ...few, numRuns: Math.min(few.numRuns, 5000) }],
  ["the engine", enginePlayer, plays(2000)],
] as const)("%s", { timeout }, (_, playerOf, played) => {
  test("decides the same at the same moments in whatever order signals arrive within the lateness", () => {
    fc.assert(
      fc.property(anyLife, anyReporting, delays, (life, reporting, after) => {
        const sent = report(life, reporting);
        const inOrder = deliver(sent, [jitterS], playerOf(patient));
        const shuffled = deliver(sent, after, playerOf(patient));
        expect(shuffled).toEqual(inOrder);
        expect(inOrder).toMatchObject({ open: 0, late: 0, reconciled: 0 });
      }),
      played,
    );
  });

  test("evicts each marker that hangs a lateness after the last of what truly held it ended", () => {
    fc.assert(
      fc.property(anyLife, anyReporting, delays, (life, reporting, after) => {
        const { evictions } = deliver(report(life, reporting), after, playerOf(patient));
        const hanging = life.filter(
          (work): work is LifeMarker => work.kind !== "run" && work.endS === undefined,
        );
        const expected = hanging.map((marker) => {
          const atMs = (heldUntilS(life, marker) + jitterS + latenessS) * 1000;
          const { kind, trace, span } = marker;
          const isInferred = holdersOf(life, marker).some((run) => isIdleAtEnd(life, run));
          const confidence = isInferred ? "probable" : "confirmed";
          return `${atMs.toFixed(1)} orphaned_no_owner ${confidence} ${kind} ${trace}/${span}`;
        });
        expect(evictions).toEqual(expected.sort());
      }),
      played,
    );
  });

  test("decides the same of one life, whether live spans or the relay report it", () => {
    fc.assert(
      fc.property(anyLife, anyReporting, delays, (life, reporting, after) => {
        const live = deliver(report(life, right), after, playerOf(patient));
        const other = deliver(report(life, reporting), after, playerOf(patient));
        expect(other).toEqual(live);
      }),
      played,
    );
  });

  test("evicts nothing of a life in which all ends, whether finished spans or starts and ends report it", () => {
    fc.assert(
      fc.property(anyLife, delays, (life, after) => {
        const ending = life.map((work) =>
          work.kind === "run"
            ? { ...work, isLost: false }
            : { ...work, endS: work.endS ?? endOfRun(life, work) },
        );
        for (const source of ["finished", "live", "relay"] as const) {
          const outcome = deliver(report(ending, { ...right, source }), after, playerOf(patient));
          expect(outcome).toEqual({ evictions: [], open: 0, late: 0, reconciled: 0 });
        }
      }),
      played,
    );
  });

  test("evicts what a stop closed together, whether finished spans or starts and ends report it", () => {
    fc.assert(
      fc.property(anyLife, delays, (life, after) => {
        const stopping = life.map((work) => ({ ...work, endS: work.endS ?? stopS }));
        const keysOf = (source: Reporting["source"]): readonly string[] =>
          deliver(report(stopping, { ...right, source }), after, playerOf(patient))
            .evictions.map((eviction) => eviction.split(" ").at(-1) ?? "")
            .sort();
        const hanging = life.filter((work) => work.endS === undefined);
        // What ended with nothing beside it ended by itself, as far as finished spans can show.
        const together = hanging.filter((work) =>
          hanging.some(
            (other) =>
              other !== work &&
              !ancestorsOf(life, other).includes(work) &&
              !ancestorsOf(life, work).includes(other),
          ),
        );
        const toKeys = (all: Life): readonly string[] =>
          all.map(({ trace, span }) => `${trace}/${span}`).sort();
        expect(keysOf("live")).toEqual(toKeys(hanging));
        expect(keysOf("finished")).toEqual(toKeys(together));
      }),
      played,
    );
  });

  test("postpones nothing for what happens elsewhere: later turns, other sessions", () => {
    const elsewhere = fc.record({
      delayS: fc.double({ min: 0.01, max: 3, noNaN: true }),
      lengthS: fc.double({ min: 0.1, max: 200, noNaN: true }),
      isOther: fc.boolean(),
    });
    fc.assert(
      fc.property(anyLife, fc.array(elsewhere, { minLength: 1, maxLength: 4 }), (life, more) => {
        const alone = deliver(report(life, right), [0], playerOf(patient));
        // Another session from the start, or a turn of session 1 after all that ever ran.
        const lastS = Math.max(...life.map(({ startS, endS }) => endS ?? startS));
        const added = more.flatMap(({ delayS, lengthS, isOther }, index): Life => {
          const startS = isOther ? delayS : lastS + delayS;
          const trace = 60 + index;
          const session = isOther ? 9 : 1;
          const base = { kind: "run", span: 1, trace, parent: undefined, session } as const;
          return [{ ...base, startS, endS: startS + lengthS, isLost: false }];
        });
        const beside = deliver(report([...life, ...added], right), [0], playerOf(patient));
        expect(only(beside.evictions, life)).toEqual(alone.evictions);
      }),
      played,
    );
  });
});

/** When a marker that hangs could have ended in time. */
function endOfRun(life: Life, { trace, parent, startS }: Life[number]): number {
  const above = life.find((other) => other.trace === trace && other.span === parent);
  if (above === undefined) {
    return startS;
  }
  const endS = above.kind === "run" ? above.endS : endOfRun(life, above);
  return Math.max(startS, endS + drainS / 2);
}
