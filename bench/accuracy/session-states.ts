import type { Chance } from "./chance.ts";
import { isRun, ownerOf, type SessionState, type Work } from "./story.ts";

/** Turns of a queue follow each other within that time. */
const queueGapMs = 60;
/** A gateway reports it this long after its last run has ended. */
const afterMs = 5;

/**
 * What a gateway reports about its sessions: `processing` as a turn begins, `idle` when none is open any more, and in some turns
 * also when a message is done that came in the middle of it.
 */
export function sessionStatesOf(
  works: readonly Work[],
  { idleInTurnShare }: { readonly idleInTurnShare: number },
  chance: Chance,
): readonly SessionState[] {
  const turns = new Map<string, Work[]>();
  for (const work of works) {
    if (isRun(work) && ownerOf(work) === work) {
      const key = `${work.session.index} ${work.process.index}`;
      turns.set(key, [...(turns.get(key) ?? []), work]);
    }
  }
  return [...turns.values()].flatMap((ofSession) => [
    ...statesOf(ofSession),
    ...ofSession.flatMap((turn) =>
      chance.happens(idleInTurnShare) ? messageInTurn(turn, chance) : [],
    ),
  ]);
}

/** When it was over, one way or the other. */
export function overMs({ endMs, process }: Work): number {
  return Math.min(endMs, process.diesMs);
}

function statesOf(turns: readonly Work[]): readonly SessionState[] {
  const inOrder = turns.toSorted((a, b) => a.startMs - b.startMs);
  return inOrder.flatMap((turn, index) => {
    const { session, process } = turn;
    const queueDepth = queuedAfter(inOrder, index);
    const at = { session, process };
    const states: SessionState[] = [
      { ...at, atMs: turn.startMs + 1, state: "processing", reason: "run_started", queueDepth },
    ];
    const idleMs = overMs(turn) + afterMs;
    const isBusy = turns.some(
      (other) => other.startMs <= idleMs && overMs(other) + afterMs > idleMs,
    );
    if (!isBusy && idleMs < process.diesMs) {
      states.push({ ...at, atMs: idleMs, state: "idle", reason: "run_completed", queueDepth });
    }
    return states;
  });
}

function messageInTurn(turn: Work, chance: Chance): readonly SessionState[] {
  const { session, process, startMs } = turn;
  const atMs = chance.between(startMs + 10, Math.max(startMs + 10, overMs(turn) - 100));
  const at = { session, process, queueDepth: 0 };
  return [
    { ...at, atMs: atMs - 3, state: "queued", reason: "", queueDepth: 1 },
    { ...at, atMs, state: "idle", reason: "message_completed" },
  ];
}

/** How many turns of a queue come after one. */
function queuedAfter(turns: readonly Work[], index: number): number {
  let count = 0;
  let last = turns[index];
  for (const next of turns.slice(index + 1)) {
    const gapMs = last === undefined ? 0 : next.startMs - overMs(last);
    if (gapMs < 0 || gapMs > queueGapMs) {
      break;
    }
    count++;
    last = next;
  }
  return count;
}
