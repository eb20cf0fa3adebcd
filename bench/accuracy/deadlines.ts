import type { Hearing } from "./hearing.ts";
import { allReleasedMs, holdersOf, Ownership } from "./holders.ts";
import type { Owners } from "./owners.ts";
import type { Story } from "./story.ts";
import { isMarker, isOrphan, ownerOf, type Work } from "./story.ts";
import { type Mode, namesSessions } from "./telling.ts";
import { type Thresholds, TrueStates } from "./true-states.ts";
import { DeliveredView, realView, type View } from "./views.ts";

export interface Rules extends Thresholds {
  readonly mode: Mode;
  readonly allowedLatenessMs: number;
}

/** What can be said of the markers of a story with all that was delivered to the collector, and when. */
export class Deadlines {
  readonly owners: Owners;
  readonly delivered: DeliveredView;
  readonly #hearing: Hearing;
  readonly #rules: Rules;
  readonly #realView: View;
  readonly #real: Ownership;
  readonly #seen: Ownership;

  constructor(
    story: Story,
    by: { readonly hearing: Hearing; readonly owners: Owners; readonly rules: Rules },
  ) {
    const { hearing, owners, rules } = by;
    this.owners = owners;
    this.#hearing = hearing;
    this.#rules = rules;
    this.delivered = new DeliveredView(story, hearing, { mode: rules.mode, owners });
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
            atMs < this.#hearing.startOf(owner) || this.#seen.silentMs(owner, atMs) <= atMs,
        )
    );
  }

  /** Whether enough of a marker has arrived to tell an orphan from one that ended. */
  isKnowable(work: Work): boolean {
    if (!isOrphan(work)) {
      return Number.isFinite(this.#hearing.endOf(work));
    }
    return Number.isFinite(this.#hearing.startOf(work)) || Number.isFinite(this.#evidenceMs(work));
  }

  /** Whether the span of an orphan was closed in time: nothing that ends within the lateness is ever evicted. */
  isClosedInTime(orphan: Work): boolean {
    const { mode, allowedLatenessMs } = this.#rules;
    if (mode === "plain") {
      const isEarly =
        orphan.closedMs <= this.orphanedMs(orphan) + allowedLatenessMs && !orphan.isClosedByRun;
      return isEarly && Number.isFinite(this.#hearing.endOf(orphan));
    }
    return this.#hearing.endOf(orphan) < this.dueMs(orphan);
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
      this.#startArrivalMs(orphan),
      ...firm.map((owner) => delivered.endArrivalMs(owner)),
      ...below.filter((work) => !isOrphan(work)).map((work) => this.#hearing.endOf(work)),
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
    const arrivalMs = Math.max(this.#startArrivalMs(orphan), ...firm.map(deliveredMs));
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

  #endDueMs(owner: Work, atMs: number): number {
    return Math.max(atMs, this.delivered.endArrivalMs(owner) + this.#rules.allowedLatenessMs);
  }

  /** Whether a tool waits for a person, as far as that was delivered. */
  isAwaited(work: Work, atMs: number): boolean {
    return this.delivered.pauses.some(
      ({ tool, fromMs, toMs }) => tool === work && fromMs < atMs && atMs < toMs,
    );
  }

  #startArrivalMs(orphan: Work): number {
    return this.#rules.mode === "plain"
      ? Math.min(this.#evidenceMs(orphan), this.#hearing.endOf(orphan))
      : this.#hearing.startOf(orphan);
  }

  /** When something arrived that speaks of an orphan whose span did not: finished spans of others. */
  #evidenceMs(orphan: Work): number {
    if (this.#rules.mode !== "plain") {
      return Number.POSITIVE_INFINITY;
    }
    // A harness run counts what is open in it; a model call names what it asked for, which means something at the end.
    const askedMs =
      namesSessions(this.#rules.mode, orphan.process) && orphan.askedBy !== undefined
        ? this.#hearing.endOf(orphan.askedBy)
        : 0;
    return Math.max(askedMs, this.#hearing.endOf(ownerOf(orphan)));
  }
}
