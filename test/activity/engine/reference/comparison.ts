import { isDeepStrictEqual } from "node:util";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import { History, limits, type Signal } from "../history.ts";
import type { Arrival } from "./any-story.ts";
import { type Outcome, outcomeOfMachine, outcomeOfReference } from "./outcome.ts";
import { ReferenceMachine } from "./reference-machine.ts";

/** By then everything has fallen due. */
const endS = 2000;
/** Of some things that are due at once; of four there are as many. */
const ordersTried = 100;
/** Where so many come to the same, the order is taken to make no difference. */
const ordersToDiffer = 8;

/** What a history says of the machine. */
export type Verdict =
  | { readonly status: "same" }
  /** The machine decides as the reference does in another order of what is due at one moment, which nobody promises. */
  | { readonly status: "ambiguous" }
  | { readonly status: "different"; readonly report: string };

/** Plays a history to the machine and to the reference, and compares them after each arrival and at the end. */
export function compare(arrivals: readonly Arrival[], changed: Partial<ActivityLimits>): Verdict {
  const all = { ...limits, ...changed, includesMarkers: true };
  const history = new History(all);
  const reference = new ReferenceMachine(all);
  const steps = [...arrivals, { at: endS, signals: [] }];
  const isTimed = !steps.some(({ signals }) => signals.some(({ type }) => type === "idle"));
  for (const [index, { at, signals }] of steps.entries()) {
    history.arrive(at, ...signals);
    history.tickInParts(at);
    reference.apply(signals, at * 1000);
    const view = { isOver: index === steps.length - 1, isTimed };
    const machine = comparable(outcomeOfMachine(history), view);
    const expected = comparable(outcomeOfReference(reference), view);
    if (!isDeepStrictEqual(machine, expected)) {
      const played = steps.slice(0, index + 1);
      return isOfSomeOrder(machine, { played, view }, all)
        ? { status: "ambiguous" }
        : {
            status: "different",
            report: [...played.map(toLine), ...differences(machine, expected)].join("\n"),
          };
    }
  }
  return { status: "same" };
}

/** What a history leaves to compare. */
interface View {
  /** Nothing is pending. */
  readonly isOver: boolean;
  /** Each duration is known: how long an idle run lasted nobody promises. */
  readonly isTimed: boolean;
}

/** Whether the reference comes to what the machine came to in any of many orders. */
function isOfSomeOrder(
  machine: Outcome,
  { played, view }: { readonly played: readonly Arrival[]; readonly view: View },
  all: ActivityLimits,
): boolean {
  const outcomes: Outcome[] = [];
  while (outcomes.length < (isOneOutcome(outcomes) ? ordersToDiffer : ordersTried)) {
    const reference = new ReferenceMachine(all, outcomes.length + 1);
    for (const { at, signals } of played) {
      reference.apply(signals, at * 1000);
    }
    outcomes.push(comparable(outcomeOfReference(reference), view));
    if (isDeepStrictEqual(outcomes.at(-1), machine)) {
      return true;
    }
  }
  return false;
}

function isOneOutcome([first, ...others]: readonly Outcome[]): boolean {
  return others.every((other) => isDeepStrictEqual(first, other));
}

/**
 * What is promised of an outcome. When work that came finished is counted, within a lateness, is not, nor how signals
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

function differences(machine: Outcome, expected: Outcome): readonly string[] {
  const cells = [...Object.keys(machine.counts), ...Object.keys(expected.counts)];
  const held = [...Object.keys(machine.held), ...Object.keys(expected.held)];
  return [
    ...differentCells(new Set(cells), machine.counts, expected.counts),
    ...differentCells(new Set(held), machine.held, expected.held),
    ...missing(machine.events, expected.events).map((event) => `only the machine: ${event}`),
    ...missing(expected.events, machine.events).map((event) => `only the reference: ${event}`),
  ];
}

function differentCells(
  names: ReadonlySet<string>,
  machine: Readonly<Record<string, number>>,
  expected: Readonly<Record<string, number>>,
): readonly string[] {
  return [...names]
    .filter((name) => machine[name] !== expected[name])
    .map((name) => `${name}: machine ${machine[name] ?? 0}, reference ${expected[name] ?? 0}`);
}

/** What is in `all` and not, or less often, in `others`. */
function missing(all: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return all.filter((text) => {
    const at = left.indexOf(text);
    return at === -1 || left.splice(at, 1).length === 0;
  });
}
