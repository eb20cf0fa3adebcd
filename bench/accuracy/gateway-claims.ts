import type { Chance } from "./chance.ts";
import { overMs } from "./session-states.ts";
import {
  type GatewayClaim,
  isMarker,
  isOrphan,
  isRun,
  ownerOf,
  type SessionState,
  type Work,
} from "./story.ts";

const repeatedAfterMs = 30_000;
/** A claim that follows within that time could be a repeat; it is not made, so that it is certain which claims are new. */
const forgottenAfterMs = 1_000_000;
const claimedAfterMs = { silent: 125_000, longRunning: 310_000, queued: 30_000 };

/** What a gateway complains of: with good reason, without, and of markers that it forgot to remove. */
export function claimsOf(
  story: { readonly works: readonly Work[]; readonly states: readonly SessionState[] },
  chance: Chance,
): readonly GatewayClaim[] {
  const claims: GatewayClaim[] = [];
  const claimedMs = new Map<string, number>();
  const claim = (
    type: GatewayClaim["type"],
    about: Pick<GatewayClaim, "session" | "process" | "atMs"> & { readonly work?: Work },
    queueDepth = 0,
  ) => {
    const { session, process, work } = about;
    const key = `${session.index} ${type} ${work?.index}`;
    const beforeMs = claimedMs.get(key) ?? Number.NEGATIVE_INFINITY;
    if (Math.abs(about.atMs - beforeMs) < forgottenAfterMs) {
      return;
    }
    claimedMs.set(key, about.atMs);
    let first: GatewayClaim | undefined;
    for (let repeat = chance.below(3), { atMs } = about; repeat >= 0; repeat--) {
      if (atMs < process.diesMs) {
        const index = claims.length;
        const made = { index, type, session, process, atMs, work, queueDepth, first };
        claims.push(made);
        first ??= made;
      }
      atMs += repeatedAfterMs;
    }
  };
  const turns = story.works.filter((work) => isRun(work) && ownerOf(work) === work);
  const orphans = new Map<number, Work[]>();
  for (const work of story.works.filter((each) => isMarker(each))) {
    const { session, process } = work;
    if (isOrphan(work)) {
      orphans.set(session.index, [...(orphans.get(session.index) ?? []), work]);
    }
    // It does not see what happens beside, nor below.
    const silentFromMs = work.progressMs.at(-1) ?? work.startMs;
    const atMs = silentFromMs + claimedAfterMs.silent + chance.between(0, 30_000);
    if (atMs < Math.min(work.endMs, work.orphanedMs) && chance.happens(0.5)) {
      claim(chance.happens(0.2) ? "recovery" : "stalled", { session, process, atMs, work });
    }
  }
  for (const { session, process, startMs, ...turn } of turns) {
    const endMs = overMs({ session, process, startMs, ...turn });
    const left = orphans.get(session.index)?.find(({ orphanedMs }) => orphanedMs < startMs);
    const atMs = chance.between(startMs, endMs);
    if (left !== undefined && left.process === process && chance.happens(0.5)) {
      claim("stalled", { session, process, atMs, work: left });
    }
    if (startMs + claimedAfterMs.longRunning < endMs) {
      claim("long_running", { session, process, atMs: startMs + claimedAfterMs.longRunning });
    }
  }
  for (const { state, session, process, atMs: idleMs } of story.states) {
    const atMs = idleMs + claimedAfterMs.queued;
    if (state === "idle" && chance.happens(0.02)) {
      claim("stuck", { session, process, atMs }, 1 + chance.below(3));
    }
  }
  return claims;
}
