import { isDeepStrictEqual } from "node:util";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import { History, limits, type Signal } from "../history.ts";
import type { Arrival } from "./any-story.ts";
import { type Outcome, outcomeOfEngine, outcomeOfReference } from "./outcome.ts";
import { ReferenceEngine } from "./reference-engine.ts";

/** By then everything has fallen due. */
const endS = 2000;
/** Of some things that are due at once; of four there are as many. */
const ordersTried = 100;
/** If so many orders have the same outcome, the order is taken to make no difference. */
const ordersToDiffer = 8;

/** The result of comparing one history. */
export type Verdict =
  | { readonly status: "same" }
  /** The engine decides as the reference does in another order of decisions due at one moment, which is not promised. */
  | { readonly status: "ambiguous" }
  | { readonly status: "different"; readonly report: string };

/** Plays a history to the engine and to the reference, and compares them after each arrival and at the end. */
export function compare(arrivals: readonly Arrival[], changed: Partial<ActivityLimits>): Verdict {
  const all = { ...limits, ...changed, includesMarkers: true };
  const history = new History(all);
  const reference = new ReferenceEngine(all);
  const steps = [...arrivals, { at: endS, signals: [] }];
  const isTimed = !steps.some(({ signals }) => signals.some(({ type }) => type === "idle"));
  for (const [index, { at, signals }] of steps.entries()) {
    history.arrive(at, ...signals);
    history.tickInParts(at);
    reference.apply(signals, at * 1000);
    const view = { isOver: index === steps.length - 1, isTimed };
    const engine = comparable(outcomeOfEngine(history), view);
    const expected = comparable(outcomeOfReference(reference), view);
    if (!isDeepStrictEqual(engine, expected)) {
      const played = steps.slice(0, index + 1);
      return isOfSomeOrder(engine, { played, view }, all)
        ? { status: "ambiguous" }
        : {
            status: "different",
            report: [...played.map(toLine), ...differences(engine, expected)].join("\n"),
          };
    }
  }
  return { status: "same" };
}

/** What a history leaves to compare. */
interface View {
  /** Nothing is pending. */
  readonly isOver: boolean;
  /** Each duration is known: how long an idle run lasted is not promised. */
  readonly isTimed: boolean;
}

/** Whether the reference reaches the outcome of the engine in any of many orders. */
function isOfSomeOrder(
  engine: Outcome,
  { played, view }: { readonly played: readonly Arrival[]; readonly view: View },
  all: ActivityLimits,
): boolean {
  const outcomes: Outcome[] = [];
  while (outcomes.length < (isOneOutcome(outcomes) ? ordersToDiffer : ordersTried)) {
    const reference = new ReferenceEngine(all, outcomes.length + 1);
    for (const { at, signals } of played) {
      reference.apply(signals, at * 1000);
    }
    outcomes.push(comparable(outcomeOfReference(reference), view));
    if (isDeepStrictEqual(outcomes.at(-1), engine)) {
      return true;
    }
  }
  return false;
}

function isOneOutcome([first, ...others]: readonly Outcome[]): boolean {
  return others.every((other) => isDeepStrictEqual(first, other));
}

/**
 * The promised part of an outcome. When finished work is counted, within a lateness, is not promised, nor how signals
 * about sessions are counted.
 */
function comparable({ counts, ...rest }: Outcome, { isOver, isTimed }: View): Outcome {
  const isPromised = (name: string): boolean =>
    !/^signal .*(pause_event|session_event|session_claim)$/.test(name) &&
    (isTimed || !/ (completed|error)$/.test(name)) &&
    (isOver || !/^(started|ended) (tool|model_call)$|(completed|error)$/.test(name));
  return {
    ...rest,
    counts: Object.fromEntries(Object.entries(counts).filter(([name]) => isPromised(name))),
  };
}

function toLine({ at, signals }: Arrival): string {
  return `${at.toFixed(3).padStart(9)} s  ${signals.map(toText).join("; ") || "nothing"}`;
}

function toText(signal: Signal): string {
  const { type, kind, trace = 1, span, process = 1, dialect, ...rest } = signal;
  const details = Object.entries(rest)
    .filter(([, value]) => value !== undefined && value !== false && value !== 0)
    .map(([name, value]) => ` ${name} ${value}`);
  return `${type} ${dialect ?? ""} ${kind} ${process}/${trace}/${span}${details.join("")}`;
}

function differences(engine: Outcome, expected: Outcome): readonly string[] {
  const cells = [...Object.keys(engine.counts), ...Object.keys(expected.counts)];
  const held = [...Object.keys(engine.held), ...Object.keys(expected.held)];
  return [
    ...differentCells(new Set(cells), engine.counts, expected.counts),
    ...differentCells(new Set(held), engine.held, expected.held),
    ...missing(engine.events, expected.events).map((event) => `only the engine: ${event}`),
    ...missing(expected.events, engine.events).map((event) => `only the reference: ${event}`),
  ];
}

function differentCells(
  names: ReadonlySet<string>,
  engine: Readonly<Record<string, number>>,
  expected: Readonly<Record<string, number>>,
): readonly string[] {
  return [...names]
    .filter((name) => engine[name] !== expected[name])
    .map((name) => `${name}: engine ${engine[name] ?? 0}, reference ${expected[name] ?? 0}`);
}

/** What is in `all` and not, or less often, in `others`. */
function missing(all: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return all.filter((text) => {
    const at = left.indexOf(text);
    return at === -1 || left.splice(at, 1).length === 0;
  });
}
