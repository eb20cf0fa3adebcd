import { isDeepStrictEqual } from "node:util";
import type { ActivityLimits } from "../../../../../src/processors/session_activity/machine/activity-limits.ts";
import { History, limits, type Signal } from "../history.ts";
import type { Arrival } from "./any-story.ts";
import { type Outcome, outcomeOfMachine, outcomeOfReference } from "./outcome.ts";
import { ReferenceMachine } from "./reference-machine.ts";

/** By then everything has fallen due. */
const endS = 2000;
/** Of some things that are due at once; of four there are as many. */
const ordersTried = 100;

/** What a history says of the machine. */
export type Verdict =
  | { readonly status: "same" }
  /** The machine decides as the reference does in another order of what is due at one moment, which nobody promises. */
  | { readonly status: "ambiguous" }
  | { readonly status: "different"; readonly report: string };

/** Plays a history to the machine and to the reference, and compares them after each arrival and at the end. */
export function compare(arrivals: readonly Arrival[], changed: Partial<ActivityLimits>): Verdict {
  const all = { ...limits, ...changed, tellsMarkers: true };
  const history = new History(all);
  const reference = new ReferenceMachine(all);
  const steps = [...arrivals, { at: endS, signals: [] }];
  for (const [index, { at, signals }] of steps.entries()) {
    history.arrive(at, ...signals);
    reference.apply(signals, at * 1000);
    const machine = outcomeOfMachine(history);
    const expected = outcomeOfReference(reference);
    if (!isDeepStrictEqual(machine, expected)) {
      const played = steps.slice(0, index + 1);
      return isOfSomeOrder(machine, played, all)
        ? { status: "ambiguous" }
        : {
            status: "different",
            report: [...played.map(toLine), ...differences(machine, expected)].join("\n"),
          };
    }
  }
  return { status: "same" };
}

/** Whether the reference comes to what the machine came to in any of many orders. */
function isOfSomeOrder(machine: Outcome, steps: readonly Arrival[], all: ActivityLimits): boolean {
  for (let order = 1; order <= ordersTried; order++) {
    const reference = new ReferenceMachine(all, order);
    for (const { at, signals } of steps) {
      reference.apply(signals, at * 1000);
    }
    if (isDeepStrictEqual(outcomeOfReference(reference), machine)) {
      return true;
    }
  }
  return false;
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
    ...missing(machine.told, expected.told).map((told) => `only the machine tells: ${told}`),
    ...missing(expected.told, machine.told).map((told) => `only the reference tells: ${told}`),
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
