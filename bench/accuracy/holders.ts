import { clusterOf, directlyAbove, isSubAgent, type Owners, rootOf } from "./owners.ts";
import { isMarker, isOrphan, isRun, ownerOf, type Work } from "./story.ts";
import type { TrueStates } from "./true-states.ts";
import type { View } from "./views.ts";

/** Who keeps a marker from being an orphan. */
export interface Holders {
  /** Its own run, those directly above that, and those below the marker. */
  readonly firm: readonly Work[];
  /** Runs of the same session that were open at the same time: they let go when they fall silent. */
  readonly overlapping: readonly Work[];
}

/** Runs that hold a marker, by the times of a view. */
export function holdersOf(
  marker: Work,
  by: { readonly owners: Owners; readonly view: View },
): Holders {
  const { owners, view } = by;
  const own = ownerOf(marker);
  const above = directlyAbove(own);
  const below = owners.below(marker).filter((work) => isRun(work) && ownerOf(work) === work);
  const firm = new Set([own, ...above, ...below]);
  const overlapping = owners
    .ofSession(owners.sessionOf(own))
    .filter((other) => !firm.has(other))
    .filter(
      (other) => view.startMs(other) < view.endMs(own) && view.startMs(own) < view.endMs(other),
    )
    .filter(
      (other) =>
        clusterOf(other) === clusterOf(own) ||
        (!isSubAgent(other) && clusterOf(other) !== clusterOf(rootOf(own))),
    );
  return { firm: [...firm], overlapping };
}

/** When a marker that never ends lost its last holder. */
export class Ownership {
  readonly #by: {
    readonly owners: Owners;
    readonly view: View;
    readonly states: TrueStates;
  };

  constructor(by: { readonly owners: Owners; readonly view: View; readonly states: TrueStates }) {
    this.#by = by;
  }

  /** Since when a marker is an orphan: everything that could hold it had ended. Infinity when it ends by itself. */
  orphanedMs(marker: Work): number {
    if (!isOrphan(marker)) {
      return Number.POSITIVE_INFINITY;
    }
    return Math.min(this.#releasedMs(marker), marker.process.diesMs);
  }

  #releasedMs(marker: Work): number {
    const { owners, view } = this.#by;
    const { firm, overlapping } = holdersOf(marker, { owners, view });
    const below = owners.below(marker).filter((work) => isMarker(work));
    const fromMs = Math.max(
      marker.startMs,
      ...firm.map((owner) => view.endMs(owner)),
      ...below.map((work) => (isOrphan(work) ? this.orphanedMs(work) : view.endMs(work))),
    );
    return allReleasedMs(fromMs, overlapping, (owner, atMs) =>
      Math.min(Math.max(atMs, view.endMs(owner)), this.silentMs(owner, atMs)),
    );
  }

  /** The first moment, not before `fromMs`, at which a run is silent. */
  silentMs(owner: Work, fromMs: number): number {
    const { states } = this.#by;
    const times = states.progressOf(owner);
    for (let index = 0; index < times.length; index++) {
      const silentMs = (times[index] ?? 0) + states.stalledAfterMs;
      const atMs = Math.max(fromMs, silentMs);
      if (atMs < (times[index + 1] ?? Number.POSITIVE_INFINITY) && states.isSilent(owner, atMs)) {
        const waits =
          states.isOpen(owner, atMs) && states.verdictOf(owner, atMs) === "waiting_for_person";
        if (!waits) {
          return atMs;
        }
      }
    }
    return Number.POSITIVE_INFINITY;
  }
}

/** The first moment, not before `fromMs`, at which all of some runs have let go. */
export function allReleasedMs(
  fromMs: number,
  owners: readonly Work[],
  releasedMs: (owner: Work, atMs: number) => number,
): number {
  for (let atMs = fromMs; ; ) {
    const nextMs = Math.max(atMs, ...owners.map((owner) => releasedMs(owner, atMs)));
    if (nextMs === atMs || !Number.isFinite(nextMs)) {
      return nextMs;
    }
    atMs = nextMs;
  }
}
