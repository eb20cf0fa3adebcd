import type { Chance } from "./chance.ts";
import { claimsOf } from "./gateway-claims.ts";
import { createProcesses, type Lives } from "./processes.ts";
import { sessionStatesOf } from "./session-states.ts";
import type { Story } from "./story.ts";
import { TurnWriter } from "./turn-writer.ts";

/** What the sessions of a gateway are like. Shares are of all that could be so. */
export interface Habits extends Lives {
  /** Sessions of people; sub-agents have more. */
  readonly sessions: number;
  /** Turns begin within this time. */
  readonly lastsMs: number;
  /** Turns after which messages wait, each of which is a short turn 50 ms after the one before; and how many at most. */
  readonly queuedShare: number;
  readonly longestQueue: number;
  /** Turns that begin within ten seconds of the end of the one before. */
  readonly nextSoonShare: number;
  /** Turns that begin before the one before has ended. */
  readonly overlapShare: number;
  /** Turns of which nobody reports the end. */
  readonly lostEndShare: number;
  /** Turns in which the gateway says that the session is idle, because it is done with a message that came meanwhile. */
  readonly idleInTurnShare: number;
  /** Turns with another turn inside, and the part of those that does not name its session. */
  readonly nestedShare: number;
  readonly unnamedShare: number;
  /** Tools with a sub-agent, and the part of those that outlives its tool. */
  readonly subAgentShare: number;
  readonly outliveShare: number;
  /** Tools that call another tool, which may go on when they have given up. */
  readonly wrappedShare: number;
  /** Tools that never end. */
  readonly hungShare: number;
  /** Of those, the part whose span the run closes as it ends. */
  readonly closedByRunShare: number;
  /** Steps with a tool that takes minutes in silence while others come and go beside it. */
  readonly siblingShare: number;
  /** Model calls that stream for minutes, and how long at most. */
  readonly streamShare: number;
  readonly longestStreamMs: number;
  /** Steps at which nothing happens for minutes: the model thinks, waits for its limit after a failure, or the run hangs. */
  readonly stillShare: number;
  /** Turns of which a tool or model call ends after the run, and by how much at most. */
  readonly straggleShare: number;
  readonly straggleMs: number;
  /** Tools that wait for a person, for how long at most, and the part of those waits that the gateway reports. */
  readonly pausedShare: number;
  readonly longestPauseMs: number;
  readonly signalledShare: number;
  /** The longest tool. */
  readonly longestToolMs: number;
}

const mostTurns = 6;
const queueGapMs = 50;

/** Makes up what happens at a gateway. */
export function tellStory(habits: Habits, chance: Chance): Story {
  const hosts = createProcesses(habits, habits.lastsMs, chance);
  const turns = new TurnWriter(habits, chance);
  for (let index = 0; index < habits.sessions; index++) {
    const session = turns.newSession();
    const processes = hosts[index % hosts.length] ?? [];
    let atMs = chance.between(0, habits.lastsMs * 0.9);
    let queued = 0;
    for (let turn = 1 + chance.below(mostTurns); turn > 0 || queued > 0; ) {
      const process = processes.find(({ diesMs }) => diesMs > atMs);
      if (process === undefined || atMs > habits.lastsMs) {
        break;
      }
      const startMs = Math.max(atMs, process.bornMs + 500);
      const isQueued = queued > 0;
      const endMs = turns.turn(session, process, startMs, { isShort: isQueued });
      queued = isQueued
        ? queued - 1
        : chance.happens(habits.queuedShare)
          ? 1 + chance.below(habits.longestQueue)
          : 0;
      turn -= isQueued ? 0 : 1;
      if (endMs > process.diesMs) {
        queued = 0;
        atMs = process.diesMs + waitMs(habits, chance);
      } else if (queued > 0) {
        atMs = endMs + queueGapMs;
      } else if (chance.happens(habits.overlapShare)) {
        atMs = Math.max(startMs + 100, endMs - chance.between(200, 5_000));
      } else {
        atMs = endMs + waitMs(habits, chance);
      }
    }
  }
  const { sessions, works, pauses } = turns;
  const states = sessionStatesOf(works, habits, chance);
  return {
    processes: hosts.flat(),
    sessions,
    works,
    pauses,
    states,
    claims: claimsOf({ works, states }, chance),
    lastsMs: habits.lastsMs,
  };
}

/** How long after a turn the next one begins. A person reads and thinks; or the gateway tries again at once. */
function waitMs({ nextSoonShare }: Habits, chance: Chance): number {
  return chance.happens(nextSoonShare)
    ? chance.magnitude(200, 10_000)
    : 10_000 + chance.exponential(240_000);
}
