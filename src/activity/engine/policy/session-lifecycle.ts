import type { BlockedBy, SessionState } from "../../model/diagnosis.ts";
import type { ActivityStore } from "../store/activity-store.ts";

/** Values of `GroupTable.state`, which are stored. Only a session with an open run has a state. */
export const sessionStates = {
  none: 0,
  active: 1,
  longRunning: 2,
  stalledByModelCall: 3,
  stalledByRun: 4,
  blockedByTool: 5,
  paused: 6,
} as const;

/** Every state that is reported, each with what can block it, in the order of `sessionStates`. No other pair occurs. */
export const reportedStates: readonly NonNullable<ReportedState>[] = [
  { state: "active", blockedBy: "none" },
  { state: "long_running", blockedBy: "none" },
  { state: "stalled", blockedBy: "model_call" },
  { state: "stalled", blockedBy: "run" },
  { state: "blocked_tool_call", blockedBy: "tool" },
  { state: "paused", blockedBy: "none" },
];

/** How a state is reported, by its stored value. */
const reports: readonly ReportedState[] = [undefined, ...reportedStates];

const { none, active, longRunning, stalledByModelCall, stalledByRun, blockedByTool, paused } =
  sessionStates;
const calm = [active, longRunning, paused] as const;
const stalled = [stalledByModelCall, stalledByRun, blockedByTool] as const;
const open = [...calm, ...stalled] as const;

/** Every change of a session's state that may happen: why, from which states to which others, and which event it emits. */
export const sessionTransitions = [
  // A run of it opened, and none was open.
  { cause: "opened", from: [none], to: [active], emits: "nothing" },
  // Its last open run ended, was evicted, or is untracked.
  { cause: "closed", from: calm, to: [none], emits: "nothing" },
  { cause: "closed", from: stalled, to: [none], emits: "recovered" },
  // Its open runs have other verdicts, or it has been active for long. `long_running` becomes `active` only where
  // `long_running_after` has become longer with a restart.
  { cause: "reviewed", from: calm, to: calm, emits: "nothing" },
  { cause: "reviewed", from: calm, to: stalled, emits: "stalled" },
  { cause: "reviewed", from: stalled, to: stalled, emits: "stalled" },
  { cause: "reviewed", from: stalled, to: calm, emits: "recovered" },
  // It became part of another session. Where both are stalled, each was reported, and one of the two reports is over.
  { cause: "merged", from: open, to: [none], emits: "nothing" },
  { cause: "merged_into_stalled", from: stalled, to: [none], emits: "recovered" },
  // Another session became part of it: it takes over that state if it has none, or if only the other is stalled.
  { cause: "absorbed", from: [none], to: open, emits: "nothing" },
  { cause: "absorbed", from: calm, to: stalled, emits: "nothing" },
] as const satisfies readonly {
  readonly cause: string;
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly emits: "nothing" | "stalled" | "recovered";
}[];

export type TransitionCause = (typeof sessionTransitions)[number]["cause"];
export type TransitionEvent = (typeof sessionTransitions)[number]["emits"];

/** What a session does and what blocks it; undefined when it has no open run. */
export type ReportedState =
  | { readonly state: SessionState; readonly blockedBy: BlockedBy }
  | undefined;

/** By cause, by from × states + to. */
const eventsOf = new Map<TransitionCause, readonly TransitionEvent[]>();
for (const { cause, from, to, emits } of sessionTransitions) {
  const events = [
    ...(eventsOf.get(cause) ?? reports.flatMap(() => reports.map(() => "nothing" as const))),
  ];
  for (const before of from) {
    for (const after of to) {
      events[before * reports.length + after] = emits;
    }
  }
  eventsOf.set(cause, events);
}

/** What it needs of the engine. */
interface SessionLifecycleParts {
  readonly store: ActivityStore;
}

/**
 * The only writer of `GroupTable.state`, by the table above.
 *
 * Keeps how many sessions are in each state: seven numbers.
 */
export class SessionLifecycle {
  readonly #parts: SessionLifecycleParts;
  /** Sessions by stored state; of `none` only the differences. Only `change` and a snapshot that is loaded set it. */
  counts = reports.map(() => 0);

  constructor(parts: SessionLifecycleParts) {
    this.#parts = parts;
  }

  /** Puts a session into a state. Returns the event that is to be emitted; nothing where it was in that state already. */
  change(group: number, to: number, cause: TransitionCause): TransitionEvent {
    const { state } = this.#parts.store.groups;
    const from = state.get(group);
    if (from === to) {
      return "nothing";
    }
    this.counts[from] = (this.counts[from] ?? 0) - 1;
    this.counts[to] = (this.counts[to] ?? 0) + 1;
    state.set(group, to);
    return eventsOf.get(cause)?.[from * reports.length + to] ?? "nothing";
  }

  /** What a session does; undefined when it has no open run. */
  of(group: number): ReportedState {
    return reports[this.#parts.store.groups.state.get(group)];
  }
}

/** Whether an event has reported that a session in this state makes no progress. */
export function isStalled(state: number): boolean {
  return state >= stalledByModelCall && state <= blockedByTool;
}
