import type { ArrivalTimes } from "./arrival-times.ts";
import { allReleasedMs, holdersOf, Ownership } from "./holders.ts";
import type { Owners } from "./owners.ts";
import { PlainEvidence } from "./plain-evidence.ts";
import type { Mode } from "./sender-dialect.ts";
import {
  isMarker,
  isOrphan,
  ownerOf,
  type SessionEnd,
  type Story,
  unwatchedMs,
  type Work,
} from "./story.ts";
import { type Thresholds, TrueStates } from "./true-states.ts";
import { DeliveredView, realView, type View } from "./views.ts";

export interface Rules extends Thresholds {
  readonly mode: Mode;
  readonly allowedLatenessMs: number;
  /** Model calls show which of the calls before them were answered. */
  readonly showsAnswers: boolean;
  /** How long a request is on its way at most. */
  readonly longestDelayMs: number;
}

/** What can be known of the markers of a story from all that was delivered to the collector, and when. */
export class Deadlines {
  readonly owners: Owners;
  readonly delivered: DeliveredView;
  readonly #arrivals: ArrivalTimes;
  readonly #rules: Rules;
  readonly #realView: View;
  readonly #real: Ownership;
  readonly #seen: Ownership;
  readonly #sessionEnds: readonly SessionEnd[];
  /** Only where finished spans are all there is. */
  readonly #plain: PlainEvidence | undefined;

  constructor(
    story: Story,
    by: { readonly arrivals: ArrivalTimes; readonly owners: Owners; readonly rules: Rules },
  ) {
    const { arrivals, owners, rules } = by;
    this.owners = owners;
    this.#arrivals = arrivals;
    this.#rules = rules;
    this.#sessionEnds = story.sessionEnds;
    this.#plain =
      rules.mode === "plain"
        ? new PlainEvidence(story, { arrivals, showsAnswers: rules.showsAnswers })
        : undefined;
    this.delivered = new DeliveredView(story, arrivals, { mode: rules.mode, owners });
    const real = realView(story);
    this.#realView = real;
    this.#real = new Ownership({ owners, view: real, states: new TrueStates(owners, real, rules) });
    const { delivered } = this;
    const states = new TrueStates(owners, delivered, rules);
    this.#seen = new Ownership({ owners, view: delivered, states });
  }

  /** Since when a marker truly is an orphan; Infinity when it is none. */
  orphanedMs(marker: Work): number {
    return this.#real.orphanedMs(marker);
  }

  /**
   * Whether all that still holds a marker at a moment are runs beside its own of which nothing has arrived until then, as
   * where only finished spans are sent, or which are silent by what has, as where a stream is no progress on the wire.
   */
  isHeldUnawares(marker: Work, atMs: number): boolean {
    const { owners } = this;
    const { firm, overlapping } = holdersOf(marker, { owners, view: this.#realView });
    const holds = (owner: Work) => atMs < this.#realView.endMs(owner);
    return (
      !firm.some(holds) &&
      overlapping
        .filter(holds)
        .every(
          (owner) =>
            atMs < this.#arrivals.startOf(owner) ||
            unwatchedMs(owner) <= atMs ||
            this.#seen.silentMs(owner, atMs) <= atMs,
        )
    );
  }

  /** Whether enough of a marker has arrived to distinguish an orphan from one that ended. */
  isKnowable(work: Work): boolean {
    if (isBelowUnwatched(work)) {
      return false;
    }
    if (!isOrphan(work)) {
      return Number.isFinite(this.#arrivals.endOf(work));
    }
    if (unwatchedMs(work) < this.dueMs(work)) {
      return false;
    }
    if (this.#startsTooLate(work)) {
      return false;
    }
    return Number.isFinite(
      this.#plain === undefined ? this.#arrivals.startOf(work) : this.#evidenceMs(work),
    );
  }

  /** Whether the span of an orphan was closed in time: nothing that ends within the lateness is ever evicted. */
  isClosedInTime(orphan: Work): boolean {
    const { mode, allowedLatenessMs } = this.#rules;
    if (mode === "plain") {
      const isEarly =
        orphan.closedMs <= this.orphanedMs(orphan) + allowedLatenessMs && !orphan.isClosedByRun;
      return isEarly && Number.isFinite(this.#arrivals.endOf(orphan));
    }
    return this.#arrivals.endOf(orphan) < this.dueMs(orphan);
  }

  /**
   * When an orphan is due: the lateness after the last word of those that held it has arrived, or its own start, and
   * not before those that overlap have ended or fallen silent. Infinity when its holders never end for the collector.
   */
  dueMs(orphan: Work): number {
    const { allowedLatenessMs } = this.#rules;
    const { owners, delivered } = this;
    const { firm, overlapping } = holdersOf(orphan, { owners, view: delivered });
    const below = owners.below(orphan).filter((work) => isMarker(work));
    const arrivalMs = Math.max(
      this.knownFromMs(orphan),
      ...firm.map((owner) => delivered.endArrivalMs(owner)),
      ...below.filter((work) => !isOrphan(work)).map((work) => this.#arrivals.endOf(work)),
    );
    const belowMs = below.filter((work) => isOrphan(work)).map((work) => this.dueMs(work));
    const fromMs = Math.max(arrivalMs + allowedLatenessMs, ...belowMs);
    return allReleasedMs(fromMs, overlapping, (owner, atMs) =>
      Math.min(this.#endDueMs(owner, atMs), this.#seen.silentMs(owner, atMs)),
    );
  }

  /**
   * Before this moment an orphan can't be due, whatever is taken to stand for ends that were lost: the lateness after the
   * ends of those that truly held it were delivered, or happened where they never were.
   */
  earliestDueMs(orphan: Work): number {
    const { firm, overlapping } = holdersOf(orphan, { owners: this.owners, view: this.#realView });
    const real = this.#real;
    const deliveredMs = (owner: Work) => {
      const arrivalMs = this.delivered.endArrivalMs(owner);
      return owner.isEndLost || !Number.isFinite(arrivalMs)
        ? this.#realView.endMs(owner)
        : arrivalMs;
    };
    const arrivalMs = Math.max(this.knownFromMs(orphan), ...firm.map(deliveredMs));
    const { allowedLatenessMs } = this.#rules;
    return allReleasedMs(arrivalMs + allowedLatenessMs, overlapping, (owner, atMs) =>
      Math.min(Math.max(atMs, deliveredMs(owner) + allowedLatenessMs), real.silentMs(owner, atMs)),
    );
  }

  /** Whether an orphan is due because of what ended; not because of what fell silent, which is known less exactly. */
  isDueByEnds(orphan: Work): boolean {
    const { overlapping } = holdersOf(orphan, { owners: this.owners, view: this.delivered });
    const dueMs = this.dueMs(orphan);
    return overlapping.every((owner) => this.#endDueMs(owner, dueMs) <= dueMs);
  }

  /**
   * Whether a marker had no holder any more by all that had arrived until a moment, only because the request with its own
   * end, or with the start of a run that holds it, took longer than the lateness.
   */
  isForeclosed(work: Work, atMs: number): boolean {
    const arrivals = this.#arrivals;
    const { firm, overlapping } = holdersOf(work, { owners: this.owners, view: this.delivered });
    const holders = [...firm, ...overlapping];
    const isLate = (arrivalMs: number, ms: number) =>
      arrivalMs > atMs && arrivalMs - ms > this.#rules.allowedLatenessMs;
    const isSomethingLate =
      isLate(arrivals.endOf(work), work.endMs) ||
      holders.some((owner) => isLate(arrivals.startOf(owner), owner.startMs));
    const letsGo = (owner: Work) =>
      arrivals.startOf(owner) > atMs ||
      this.#endDueMs(owner, 0) <= atMs ||
      (overlapping.includes(owner) && this.#seen.silentMs(owner, atMs) <= atMs);
    return (
      this.#rules.longestDelayMs > this.#rules.allowedLatenessMs &&
      isSomethingLate &&
      arrivals.startOf(work) + this.#rules.allowedLatenessMs <= atMs &&
      holders.every(letsGo)
    );
  }

  /** How many calls of a run never ran and can't be distinguished from calls that never end. */
  lookAlikesIn(run: Work): number {
    return this.#plain?.lookAlikesIn(run) ?? 0;
  }

  /** Whether the start of an orphan took so long that its run was over and decided by then: it is ignored. */
  #startsTooLate(orphan: Work): boolean {
    const { allowedLatenessMs, longestDelayMs, mode } = this.#rules;
    const isSlow = longestDelayMs > allowedLatenessMs && mode !== "plain";
    return isSlow && this.#arrivals.startOf(orphan) >= this.#endDueMs(ownerOf(orphan), 0);
  }

  /**
   * Whether it was reported by a moment that a marker is an orphan: by the ends of all that held it, the end of its
   * session, or the stop of its process. What follows from silence, or from the birth of another process, was not.
   */
  isReported(orphan: Work, atMs: number): boolean {
    const { session, process } = orphan;
    const isSessionOver = this.#sessionEnds.some(
      (over) =>
        over.session === session &&
        over.process === process &&
        this.#arrivals.sessionEndOf(over) <= atMs,
    );
    if (isSessionOver || this.#arrivals.goneOf(process) <= atMs) {
      return true;
    }
    const { firm, overlapping } = holdersOf(orphan, { owners: this.owners, view: this.delivered });
    // For an end that was lost the relay's report stands that its session is idle.
    const isStoodFor = (owner: Work) => owner.isEndLost && this.#rules.mode === "relay";
    const own = firm.every(
      (owner) => isStoodFor(owner) || this.delivered.endArrivalMs(owner) <= atMs,
    );
    return (
      own &&
      (firm.some(isStoodFor) ||
        overlapping.every((owner) => this.delivered.endArrivalMs(owner) <= atMs))
    );
  }

  #endDueMs(owner: Work, atMs: number): number {
    return Math.max(atMs, this.delivered.endArrivalMs(owner) + this.#rules.allowedLatenessMs);
  }

  /** Whether a tool waits for a person, as far as that was delivered. */
  isAwaited(work: Work, atMs: number): boolean {
    return this.delivered.pauses.some(
      ({ tool, fromMs, toMs }) => tool === work && fromMs < atMs && atMs < toMs,
    );
  }

  /** When enough of an orphan had arrived to know that there is such work. */
  knownFromMs(orphan: Work): number {
    return this.#plain === undefined ? this.#arrivals.startOf(orphan) : this.#evidenceMs(orphan);
  }

  /** When something arrived that speaks of an orphan whose span did not: finished spans of others. */
  #evidenceMs(orphan: Work): number {
    return this.#plain?.arrivalMs(orphan) ?? Number.POSITIVE_INFINITY;
  }
}

/** Whether work began below work that was no longer watched, or whose start was not seen. */
function isBelowUnwatched(work: Work): boolean {
  for (let above = work.parent; above !== undefined; above = above.parent) {
    const { startMs, process } = above;
    const isUnseen = process.unwatched.some(
      ({ fromMs, toMs }) => fromMs <= startMs && startMs < toMs,
    );
    if (isUnseen || unwatchedMs(above) < work.startMs) {
      return true;
    }
  }
  return false;
}
