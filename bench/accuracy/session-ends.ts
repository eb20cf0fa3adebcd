import type { Chance } from "./chance.ts";
import { push } from "./owners.ts";
import { overMs } from "./session-states.ts";
import { isOrphan, type SessionEnd, type Work } from "./story.ts";

/** Nothing of a session begins for that long after its end, so that their order is certain. */
const restMs = 20_000;

/** Ends of sessions: after a turn, while nothing of the session is open in its process that will end. */
export function sessionEndsOf(
  works: readonly Work[],
  endedShare: number,
  chance: Chance,
): readonly SessionEnd[] {
  const bySession = new Map<string, Work[]>();
  for (const work of endedShare > 0 ? works : []) {
    push(bySession, `${work.session.index} ${work.process.index}`, work);
  }
  return [...bySession.values()].flatMap((ofSession) => {
    const ends: SessionEnd[] = [];
    let openUntilMs = Number.NEGATIVE_INFINITY;
    let last: Work | undefined;
    const close = (nextMs: number) => {
      const atMs = openUntilMs + chance.magnitude(50, 8_000);
      if (last !== undefined && atMs + restMs < nextMs && atMs < last.process.diesMs) {
        if (chance.happens(endedShare)) {
          ends.push({ session: last.session, process: last.process, atMs });
        }
      }
    };
    for (const work of ofSession.toSorted((a, b) => a.startMs - b.startMs)) {
      if (work.startMs > openUntilMs) {
        close(work.startMs);
      }
      last = work;
      openUntilMs = Math.max(openUntilMs, isOrphan(work) ? work.orphanedMs : overMs(work));
    }
    close(Number.POSITIVE_INFINITY);
    return ends;
  });
}
