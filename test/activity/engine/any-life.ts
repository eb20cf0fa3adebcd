import fc from "../../support/fast-check.ts";
import type { Signal } from "./history.ts";
import { sessionOf } from "./life-truth.ts";

/** A run of a life, by a perfect clock. Times are in seconds. */
export interface LifeRun {
  readonly kind: "run";
  readonly span: number;
  readonly trace: number;
  readonly parent: number | undefined;
  readonly session: number | undefined;
  readonly startS: number;
  readonly endS: number;
  /** Its end is lost, but its session is reported idle. */
  readonly isLost: boolean;
}

/** A marker of a life; without an end it hangs. */
export interface LifeMarker {
  readonly kind: "tool" | "model_call";
  readonly span: number;
  readonly trace: number;
  readonly parent: number;
  readonly session: undefined;
  readonly startS: number;
  readonly endS: number | undefined;
}

export type Life = readonly (LifeRun | LifeMarker)[];

export interface Sent {
  readonly atS: number;
  readonly signal: Signal;
}

/** Ends of markers come at most this long after their own run's end. */
export const drainS = 0.5;

const fraction = fc.double({ min: 0, max: 0.95, noNaN: true });

const marker = fc.record({
  kind: fc.constantFrom("tool" as const, "tool" as const, "model_call" as const),
  from: fraction,
  to: fraction,
  fate: fc.constantFrom("ends" as const, "drains" as const, "hangs" as const),
  /** Below the marker before, in the nested run, or in the run itself. */
  below: fc.constantFrom("run" as const, "run" as const, "nested" as const, "before" as const),
});

const turn = fc.record({
  session: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
  startS: fc.double({ min: 0, max: 40, noNaN: true }),
  lengthS: fc.double({ min: 1, max: 20, noNaN: true }),
  nested: fc.option(
    fc.record({
      isBelowTool: fc.boolean(),
      doesToolEnd: fc.boolean(),
      session: fc.option(fc.integer({ min: 2, max: 4 }), { nil: undefined }),
      from: fraction,
      /** How long it outlives the run above. */
      outlivesS: fc.double({ min: -3, max: 6, noNaN: true }),
    }),
    { nil: undefined },
  ),
  isLost: fc.boolean(),
  markers: fc.array(marker, { maxLength: 4 }),
  /** Queued turns, a next turn within the lateness, a retry that overlaps. */
  next: fc.option(
    fc.record({
      gapS: fc.constantFrom(0.05, 1, 3, -0.7),
      count: fc.integer({ min: 1, max: 3 }),
    }),
    { nil: undefined },
  ),
});

/** What some gateways truly do: turns with runs in runs, sub-agents, retries, queues, and markers that hang. */
export const anyLife: fc.Arbitrary<Life> = fc
  .array(turn, { minLength: 1, maxLength: 3 })
  .map((turns) => turns.flatMap(turnsOf).flatMap(lifeOf).map(inWholeMs));

/** Moments of whole ms: those that are equal are so for every clock, and none is between two that can be distinguished. */
function inWholeMs(work: LifeRun | LifeMarker): LifeRun | LifeMarker {
  const rounded = (atS: number) => Math.round(atS * 1000) / 1000;
  const startS = rounded(work.startS);
  return work.kind === "run"
    ? { ...work, startS, endS: rounded(work.endS) }
    : { ...work, startS, endS: work.endS === undefined ? undefined : rounded(work.endS) };
}

type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never;

function turnsOf(turn: Turn): Turn[] {
  const { next, startS, lengthS } = turn;
  const follow = Array.from({ length: next?.count ?? 0 }, (_, order) => ({
    ...turn,
    startS: startS + (order + 1) * (lengthS + (next?.gapS ?? 0)),
    nested: undefined,
    markers: turn.markers.slice(0, 1),
  }));
  return [turn, ...follow];
}

function lifeOf(turn: Turn, index: number): Life {
  const { startS, lengthS, session, nested } = turn;
  const trace = index + 1;
  const endS = startS + lengthS;
  const isLost = turn.isLost && nested === undefined;
  const base = { kind: "run", span: 1, trace, parent: undefined, session } as const;
  const run: LifeRun = { ...base, startS, endS, isLost };
  const life: (LifeRun | LifeMarker)[] = [run];
  let inner = run;
  if (nested !== undefined) {
    const fromS = startS + nested.from * lengthS;
    const nestedEndS = Math.max(fromS + 0.2, endS + nested.outlivesS);
    const toolEndS = nested.doesToolEnd ? Math.min(nestedEndS + 0.1, endS + drainS) : undefined;
    if (nested.isBelowTool) {
      life.push({
        kind: "tool",
        span: 2,
        trace,
        parent: 1,
        session: undefined,
        startS: fromS,
        endS: toolEndS !== undefined && toolEndS > nestedEndS ? toolEndS : undefined,
      });
    }
    inner = {
      ...run,
      span: 3,
      parent: nested.isBelowTool ? 2 : 1,
      session: nested.session,
      startS: fromS + 0.05,
      endS: nestedEndS,
    };
    life.push(inner);
  }
  turn.markers.forEach(({ kind, from, to, fate, below }, order) => {
    const span = 10 + order;
    const owner = below === "nested" ? inner : run;
    const hasBefore = below === "before" && order > 0;
    const before = life.find((other) => other.span === span - 1);
    const ofBefore = hasBefore && before?.parent === inner.span ? inner : run;
    const own = hasBefore ? ofBefore : owner;
    const lifeS = own.endS - own.startS;
    const markerStartS = own.startS + from * lifeS;
    const endingS = markerStartS + to * (own.endS - markerStartS);
    const ends = {
      ends: endingS,
      // What goes on after it keeps a session from being idle.
      drains: own.isLost ? endingS : own.endS + to * drainS,
      hangs: undefined,
    };
    // Of markers in each other only the direct ones of a run have another below.
    const isDirect = before !== undefined && (before.parent === 1 || before.parent === inner.span);
    // A model call in a model call is the same one.
    const isSame = kind === "model_call" && before?.kind === "model_call";
    life.push({
      kind,
      span,
      trace,
      parent: hasBefore && isDirect && !isSame ? span - 1 : own.span,
      session: undefined,
      startS: markerStartS,
      endS: ends[fate],
    });
  });
  return life;
}

/** How a life is reported. */
export interface Reporting {
  readonly source: "live" | "relay" | "finished";
  readonly hasSequence: boolean;
  /** By how much the sender's clock is wrong. */
  readonly skewS: number;
  /** Its clock is not set. */
  readonly isUnset: boolean;
}

/** Every signal of a life in true order. */
export function report(life: Life, { source, hasSequence, skewS, isUnset }: Reporting): Sent[] {
  const sent = life.flatMap((work): Sent[] => {
    const { kind, span, trace, parent, session, startS, endS } = work;
    const base = {
      kind,
      span,
      trace,
      start: startS + skewS,
      end: (endS ?? 0) + skewS,
      unset: isUnset,
      ...(parent === undefined ? {} : { parent }),
      ...(session === undefined ? {} : { sessions: [session] }),
    } as const;
    const starts: Sent[] = [
      {
        atS: startS,
        signal: { ...base, type: "start", dialect: source === "relay" ? "relay" : "liveSpan" },
      },
    ];
    const ends: Sent[] =
      endS === undefined
        ? []
        : [
            {
              atS: endS,
              signal: { ...base, type: "end", dialect: source === "relay" ? "relay" : "span" },
            },
          ];
    if (source !== "finished" && isIdleAtEnd(life, work)) {
      const { end: at } = base;
      const idle = { ...base, kind: "other", span: 0, start: at, type: "idle" } as const;
      return [...starts, { atS: work.endS ?? startS, signal: idle }];
    }
    return source === "finished" ? ends : [...starts, ...ends];
  });
  // Of one moment the ends come first, as by every clock.
  const rank = ({ signal }: Sent): number => (signal.type === "start" ? 1 : 0);
  return sent
    .toSorted((a, b) => a.atS - b.atS || rank(a) - rank(b))
    .map(({ atS, signal }, order) => ({
      atS,
      signal: hasSequence ? { ...signal, seq: order + 1 } : signal,
    }));
}

/** Whether the end of a run is lost and nothing else of its session is open then, so that the session is idle. */
export function isIdleAtEnd(life: Life, work: Life[number]): boolean {
  if (work.kind !== "run" || !work.isLost || work.session === undefined) {
    return false;
  }
  const session = sessionOf(life, work);
  return !life.some(
    (other) =>
      other !== work &&
      other.kind === "run" &&
      sessionOf(life, other) === session &&
      other.startS < work.endS &&
      other.endS >= work.endS,
  );
}
