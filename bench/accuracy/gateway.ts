import type { Chance } from "./chance.ts";
import { claimsOf } from "./gateway-claims.ts";
import { createProcesses, type Lives } from "./processes.ts";
import { sessionEndsOf } from "./session-ends.ts";
import { sessionStatesOf } from "./session-states.ts";
import type { GatewayProcess, Session, Story } from "./story.ts";
import { TurnWriter } from "./turn-writer.ts";

/** What becomes of tool calls that a model requests, besides being run. Each share is of all that could be so. */
export interface RequestHabits {
  /** Responses that are thrown away and requested again, with all calls in them. */
  readonly discardedShare: number;
  /** Calls that are refused at once: the next model call gets that as their answer. */
  readonly refusedShare: number;
  /** Turns that end with calls of which others take care; the part of those that wait for approval, and of these that get it. */
  readonly leftShare: number;
  readonly approvalShare: number;
  readonly approvedShare: number;
  /** Turns whose last answer stands beside a call that never runs. */
  readonly finalShare: number;
  /** Steps with a tool that never ends which make their run fail; the others go on as if it had answered. */
  readonly cancelledShare: number;
}

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
  /** Turns whose end is not reported. */
  readonly lostEndShare: number;
  /** Turns in which the gateway reports the session as idle, because it is done with a message that arrived meanwhile. */
  readonly idleInTurnShare: number;
  /** Turns, or several that overlap, after which the sender reports that the session is over. */
  readonly endedShare: number;
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
  /** Tools that their run starts and does not wait for: they end by themselves, minutes after it. Where sessions are named. */
  readonly backgroundShare: number;
  /** Of those that never end, the part whose span the run closes as it ends. */
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
  /** What else becomes of requested calls, and that model calls show their answers; else every requested call runs. */
  readonly requests?: RequestHabits;
  /** The longest tool. */
  readonly longestToolMs: number;
}

const mostTurns = 6;
const queueGapMs = 50;

/** Makes up what happens at a gateway. */
export function writeStory(habits: Habits, chance: Chance): Story {
  const hosts = createProcesses(habits, habits.lastsMs, chance);
  const turns = new TurnWriter(habits, chance);
  const earlier: Begun[] = [];
  for (let index = 0; index < habits.sessions; index++) {
    const twin = twinOf(earlier, hosts, { habits, chance });
    const session = turns.newSession(twin?.session.name);
    const slot = twin?.slot ?? index % hosts.length;
    const processes = hosts[slot] ?? [];
    let atMs = twin?.startMs ?? chance.between(0, habits.lastsMs * 0.9);
    earlier.push({ session, slot, startMs: atMs, isTwin: twin !== undefined });
    let queued = 0;
    for (let turn = 1 + chance.below(mostTurns); turn > 0 || queued > 0; ) {
      const process = processAt(processes, atMs);
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
    sessionEnds: sessionEndsOf(works, habits.endedShare, chance),
    lastsMs: habits.lastsMs,
  };
}

interface Begun {
  readonly session: Session;
  /** Where its processes are. */
  readonly slot: number;
  readonly startMs: number;
  readonly isTwin: boolean;
}

/** The process that takes a turn: of those that live the youngest, for an older one drains; else the next to be born. */
function processAt(processes: readonly GatewayProcess[], atMs: number): GatewayProcess | undefined {
  const alive = processes.filter(({ diesMs }) => diesMs > atMs);
  return alive.findLast(({ bornMs }) => bornMs <= atMs) ?? alive[0];
}

/** The session before, whose name another one has too, about the same time in another slot of the same host. */
function twinOf(
  earlier: readonly Begun[],
  slots: readonly (readonly GatewayProcess[])[],
  { habits, chance }: { readonly habits: Habits; readonly chance: Chance },
): Begun | undefined {
  const share = habits.siblings?.twinShare ?? 0;
  const last = earlier.at(-1);
  if (last === undefined || last.isTwin || share === 0 || !chance.happens(share)) {
    return undefined;
  }
  const host = slots[last.slot]?.[0]?.host;
  // For the collector a fork and its parent are one process.
  const others = [...slots.keys()].filter((slot) => {
    const [first] = slots[slot] ?? [];
    return slot !== last.slot && first?.host === host && first?.isFork === false;
  });
  const slot = others[chance.below(others.length)];
  const isFork = slots[last.slot]?.[0]?.isFork === true;
  const startMs = last.startMs + chance.between(0, 30_000);
  return slot === undefined || isFork
    ? undefined
    : { session: last.session, slot, startMs, isTwin: true };
}

/** How long after a turn the next one begins. A person reads and thinks; or the gateway tries again at once. */
function waitMs({ nextSoonShare }: Habits, chance: Chance): number {
  return chance.happens(nextSoonShare)
    ? chance.magnitude(200, 10_000)
    : 10_000 + chance.exponential(240_000);
}
