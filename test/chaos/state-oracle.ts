import type { MetricsPage } from "../support/metrics-page.ts";
import type { Contradiction } from "./contradiction.ts";
import type { Range, Truth } from "./truth.ts";

/** What the open runs of a trace do when all has been silent for long: which state their session has to be in. */
export type State = "blocked_tool_call" | "stalled" | "paused";
const states = ["blocked_tool_call", "stalled", "paused"] as const;

/** Compares the states of sessions, when nothing has made progress for longer than `stalled_after`, with the truth. */
export function judgeStates(truth: Truth, page: MetricsPage): readonly Contradiction[] {
  const wanted = statesOf(truth);
  const sum = (state: string) => page.sum("openclaw_session_activity_sessions", { state });
  const contradictions: Contradiction[] = [];
  for (const state of states) {
    const { least, most } = wanted[state];
    if (sum(state) < least || sum(state) > most) {
      contradictions.push({
        about: "state",
        what: `${sum(state)} sessions are ${state} instead of ${least} to ${most}`,
      });
    }
  }
  for (const state of ["active", "long_running"]) {
    const unknown = wanted.stalled.most - wanted.stalled.least;
    if (sum(state) > unknown) {
      contradictions.push({ about: "state", what: `${sum(state)} sessions are ${state}` });
    }
  }
  return contradictions;
}

/** Sessions whose run stays open, by what they wait for. Nobody knows how it is with those of which something was never answered. */
export function statesOf(truth: Truth): Readonly<Record<State, Range>> {
  const counts = {
    blocked_tool_call: { least: 0, most: 0 },
    stalled: { least: 0, most: 0 },
    paused: { least: 0, most: 0 },
  };
  for (const { works, waits } of truth.traces.values()) {
    const isUncertain = works.some((work) => truth.isUnknown(work));
    const staysOpen = works.some(({ kind, fate }) => kind === "run" && fate === "stays");
    if (isUncertain) {
      for (const state of states) {
        counts[state].most++;
      }
    } else if (staysOpen) {
      const hasTool = works.some(({ kind, fate }) => kind === "tool" && fate === "stays");
      const state = waits ? "paused" : hasTool ? "blocked_tool_call" : "stalled";
      counts[state].least++;
      counts[state].most++;
    }
  }
  return counts;
}
