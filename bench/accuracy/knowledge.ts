import type { Hearing } from "./hearing.ts";
import { isOrphan, ownerOf, type Pause, type Story, type Work } from "./story.ts";
import { type Mode, namesSessions } from "./telling.ts";

/** What could be known of the truth by whoever heard what the collector heard. */
export class Knowledge {
  readonly #hearing: Hearing;
  readonly #mode: Mode;
  readonly #allowedLatenessMs: number;
  readonly #runsAt = new Map<string, Work[]>();
  readonly #orphansAt = new Map<string, Work[]>();
  readonly #pausesAt = new Map<string, Pause[]>();

  constructor(
    story: Story,
    hearing: Hearing,
    by: { readonly mode: Mode; readonly allowedLatenessMs: number },
  ) {
    this.#hearing = hearing;
    this.#mode = by.mode;
    this.#allowedLatenessMs = by.allowedLatenessMs;
    for (const work of story.works) {
      if (work.kind === "harness" || work.kind === "run") {
        for (const place of this.#placesAbove(work)) {
          push(this.#runsAt, place, work);
        }
      } else if (isOrphan(work)) {
        push(this.#orphansAt, this.placeOf(work), work);
      }
    }
    for (const pause of story.pauses) {
      push(this.#pausesAt, this.placeOf(pause.tool), pause);
    }
  }

  /** The session of work within its process; where sessions are not named, the run at the top of its turn. */
  placeOf(work: Work): string {
    return namesSessions(this.#mode, work.process)
      ? `${work.process.index} ${work.session.index}`
      : ownerOf(work).spanId;
  }

  /** Orphans in the place of a piece of work. */
  orphansAt(work: Work): readonly Work[] {
    return this.#orphansAt.get(this.placeOf(work)) ?? [];
  }

  /** Whether enough of a marker has arrived to tell an orphan from one that ended. */
  isKnowable(work: Work): boolean {
    const hearing = this.#hearing;
    if (!isOrphan(work)) {
      return Number.isFinite(hearing.endOf(work));
    }
    return Number.isFinite(hearing.startOf(work)) || Number.isFinite(this.#evidenceMs(work));
  }

  /** Whether the span of an orphan was closed in time: nothing that ends within the lateness is ever evicted. */
  isClosedInTime(orphan: Work): boolean {
    const lateness = this.#allowedLatenessMs;
    if (this.#mode === "plain") {
      const isEarly = orphan.closedMs <= orphan.orphanedMs + lateness && !orphan.isClosedByRun;
      return isEarly && Number.isFinite(this.#hearing.endOf(orphan));
    }
    return this.#hearing.endOf(orphan) < this.knownMs(orphan) + lateness;
  }

  /**
   * When it could be known that nobody owned an orphan any more: from then on, for the lateness, no run of its session
   * was open as far as the collector had heard. Infinity when it never could.
   */
  knownMs(orphan: Work): number {
    const hearing = this.#hearing;
    const startMs =
      this.#mode === "plain"
        ? Math.min(this.#evidenceMs(orphan), hearing.endOf(orphan))
        : hearing.startOf(orphan);
    let knownMs = Math.max(startMs, hearing.endOf(ownerOf(orphan)));
    const runs = this.#runsAt.get(this.placeOf(orphan)) ?? [];
    for (let isStable = false; !isStable; ) {
      isStable = true;
      for (const run of runs) {
        const isOpen =
          hearing.startOf(run) <= knownMs + this.#allowedLatenessMs && hearing.endOf(run) > knownMs;
        if (isOpen) {
          knownMs = hearing.endOf(run);
          isStable = knownMs === Number.POSITIVE_INFINITY;
        }
      }
    }
    return knownMs;
  }

  /** Whether the session of work waits for a person, as far as the collector has heard. */
  isAwaited(work: Work, atMs: number): boolean {
    return (this.#pausesAt.get(this.placeOf(work)) ?? []).some((pause) => {
      const { fromMs, toMs } = this.#hearing.pauseOf(pause);
      return fromMs < atMs && atMs < toMs;
    });
  }

  /** When something arrived that speaks of an orphan whose span did not: finished spans of others. */
  #evidenceMs(orphan: Work): number {
    if (this.#mode !== "plain") {
      return Number.POSITIVE_INFINITY;
    }
    // A harness run counts what is open in it; a model call names what it asked for, which means something at the end.
    const askedMs =
      namesSessions(this.#mode, orphan.process) && orphan.askedBy !== undefined
        ? this.#hearing.endOf(orphan.askedBy)
        : 0;
    return Math.max(askedMs, this.#hearing.endOf(ownerOf(orphan)));
  }

  /** A run counts in its own place, and where only the tree is known also in those above. */
  #placesAbove(run: Work): readonly string[] {
    if (namesSessions(this.#mode, run.process)) {
      return [this.placeOf(run)];
    }
    const places: string[] = [];
    for (let at: Work | undefined = run; at !== undefined; at = at.parent) {
      if (at.kind === "harness") {
        places.push(at.spanId);
      }
    }
    return places;
  }
}

function push<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) {
    lists.set(key, [item]);
  } else {
    list.push(item);
  }
}
