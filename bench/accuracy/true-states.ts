import { type Owners, push } from "./owners.ts";
import { isMarker, isRun, ownerOf, type Work } from "./story.ts";
import type { SeenPause, View } from "./views.ts";

/** What a session does at a moment, and what each of its open runs does, by the span id of the outermost. */
export interface SessionTruth {
  readonly state: string;
  readonly blockedBy: string;
  readonly verdicts: ReadonlyMap<string, string>;
}

export interface Thresholds {
  readonly stalledAfterMs: number;
  readonly longRunningAfterMs: number;
}

/** What the runs and sessions of a story do at any moment, as a certain view of it shows them. */
export class TrueStates {
  readonly #owners: Owners;
  readonly #view: View;
  readonly #limits: Thresholds;
  readonly #pausesOf = new Map<Work, SeenPause[]>();
  readonly #pausesOfSession = new Map<string, SeenPause[]>();
  readonly #times = new Map<Work, Float64Array>();

  constructor(owners: Owners, view: View, limits: Thresholds) {
    this.#owners = owners;
    this.#view = view;
    this.#limits = limits;
    for (const pause of view.pauses) {
      push(this.#pausesOf, pause.tool, pause);
      if (pause.ofSession) {
        push(this.#pausesOfSession, owners.sessionOf(pause.tool), pause);
      }
    }
  }

  get stalledAfterMs(): number {
    return this.#limits.stalledAfterMs;
  }

  /** Undefined for a session without an open run. */
  at(session: string, atMs: number): SessionTruth | undefined {
    const open = this.#owners.ofSession(session).filter((owner) => this.isOpen(owner, atMs));
    if (open.length === 0) {
      return undefined;
    }
    const verdicts = new Map(open.map((owner) => [owner.spanId, this.verdictOf(owner, atMs)]));
    return { ...this.#stateOf(session, new Set(verdicts.values()), atMs), verdicts };
  }

  isOpen(work: Work, atMs: number): boolean {
    return this.#view.startMs(work) <= atMs && atMs < this.#view.endMs(work);
  }

  /** What an open owner does: the verdict table. */
  verdictOf(owner: Work, atMs: number): string {
    const leaves = this.#leavesOf(owner, atMs);
    const waits = (leaf: Work) =>
      this.#isAwaited(leaf, atMs) || this.#isAwaited(ownerOf(leaf), atMs);
    if (waits(owner) || (leaves.length > 0 && leaves.every(waits))) {
      return "waiting_for_person";
    }
    if (!this.isSilent(owner, atMs)) {
      return "progressing";
    }
    const awake = leaves.filter((leaf) => !waits(leaf));
    for (const kind of ["tool", "model_call"] as const) {
      if (awake.some((leaf) => leaf.kind === kind)) {
        return `silent_${kind}`;
      }
    }
    const [deepest = owner] = awake.toSorted(
      (a, b) => this.lastProgressMs(a, atMs) - this.lastProgressMs(b, atMs),
    );
    return this.#hasFailed(deepest, atMs) ? "retrying" : "wedged_run";
  }

  /** Whether there was no progress in work or below it for so long that it counts as silent. */
  isSilent(work: Work, atMs: number): boolean {
    return this.lastProgressMs(work, atMs) + this.#limits.stalledAfterMs <= atMs;
  }

  endOf(work: Work): number {
    return this.#view.endMs(work);
  }

  /** When work, while open, was silent: in order, not while it waits for a person. */
  silencesOf(work: Work): readonly { readonly fromMs: number; readonly toMs: number }[] {
    const times = this.progressOf(work);
    const endMs = Math.min(this.#view.endMs(work), this.#view.endMs(ownerOf(work)));
    const silences: { readonly fromMs: number; readonly toMs: number }[] = [];
    for (const [index, progressMs] of times.entries()) {
      const fromMs = progressMs + this.#limits.stalledAfterMs;
      const toMs = Math.min(times[index + 1] ?? Number.POSITIVE_INFINITY, endMs);
      if (fromMs < toMs && !this.#isAwaited(work, fromMs)) {
        silences.push({ fromMs, toMs });
      }
    }
    return silences;
  }

  lastProgressMs(work: Work, atMs: number): number {
    return lastUpTo(this.progressOf(work), atMs);
  }

  /** All progress in work and below it, in order. */
  progressOf(work: Work): Float64Array {
    const known = this.#times.get(work);
    if (known !== undefined) {
      return known;
    }
    const times = [work, ...this.#owners.below(work)]
      .filter((each) => Number.isFinite(this.#view.startMs(each)))
      .flatMap((each) => [
        this.#view.startMs(each),
        this.#view.endMs(each),
        ...this.#view.progressMs(each),
        ...(this.#pausesOf.get(each) ?? []).flatMap(({ fromMs, toMs }) => [fromMs, toMs]),
      ]);
    const sorted = Float64Array.from(times.filter((ms) => Number.isFinite(ms))).sort();
    this.#times.set(work, sorted);
    return sorted;
  }

  /** When the state of a session may have changed: after `fromMs`, and not after `toMs`. In no order. */
  turningPoints(session: string, fromMs: number, toMs: number): readonly number[] {
    const { stalledAfterMs, longRunningAfterMs } = this.#limits;
    const points: number[] = [];
    const add = (atMs: number) => {
      if (fromMs < atMs && atMs <= toMs) {
        points.push(atMs);
      }
    };
    for (const owner of this.#owners.ofSession(session)) {
      if (this.#view.startMs(owner) > toMs || this.#view.endMs(owner) < fromMs - stalledAfterMs) {
        continue;
      }
      for (const atMs of this.progressOf(owner)) {
        add(atMs);
        add(atMs + stalledAfterMs);
      }
      add(this.#view.startMs(owner) + longRunningAfterMs);
    }
    return points;
  }

  /** Open work below an owner that has no open work below itself. What its own run has left behind does not count. */
  #leavesOf(owner: Work, atMs: number): readonly Work[] {
    const open = this.#owners
      .below(owner)
      .filter((work) => this.isOpen(work, atMs) && this.isOpen(ownerOf(work), atMs))
      .filter((work) => ownerOf(work) !== owner || isMarker(work));
    const withOpenBelow = new Set<Work>();
    for (const work of open) {
      for (let above = work.parent; above !== undefined; above = above.parent) {
        withOpenBelow.add(above);
      }
    }
    const inner = open.filter((work) => !withOpenBelow.has(work));
    // Of a harness run and the run in it the outer one stands for both.
    return [...new Set(inner.map((work) => (isRun(work) ? ownerOf(work) : work)))];
  }

  #isAwaited(work: Work, atMs: number): boolean {
    const isOn = ({ fromMs, toMs }: SeenPause) => fromMs <= atMs && atMs < toMs;
    if (!isRun(work)) {
      return (this.#pausesOf.get(work) ?? []).some((pause) => !pause.ofSession && isOn(pause));
    }
    return (this.#pausesOfSession.get(this.#owners.sessionOf(work)) ?? []).some(
      (pause) => isOn(pause) && this.isOpen(work, pause.fromMs),
    );
  }

  /** Whether the last model call that ended in a run failed. */
  #hasFailed(owner: Work, atMs: number): boolean {
    let last: Work | undefined;
    for (const work of this.#owners.below(owner)) {
      if (work.kind === "model_call" && ownerOf(work) === owner && this.#view.endMs(work) <= atMs) {
        last = last === undefined || last.endMs < work.endMs ? work : last;
      }
    }
    return last?.isFailed === true;
  }

  #stateOf(session: string, verdicts: ReadonlySet<string>, atMs: number) {
    if (verdicts.has("progressing")) {
      const isLong = atMs - this.#openSinceMs(session, atMs) >= this.#limits.longRunningAfterMs;
      return { state: isLong ? "long_running" : "active", blockedBy: "none" };
    }
    if (verdicts.has("silent_tool")) {
      return { state: "blocked_tool_call", blockedBy: "tool" };
    }
    if (verdicts.has("silent_model_call")) {
      return { state: "stalled", blockedBy: "model_call" };
    }
    const isStalled = verdicts.has("retrying") || verdicts.has("wedged_run");
    return isStalled
      ? { state: "stalled", blockedBy: "run" }
      : { state: "paused", blockedBy: "none" };
  }

  /** Since when a session has had an open run without a break. */
  #openSinceMs(session: string, atMs: number): number {
    const open = this.#owners.ofSession(session).filter((owner) => this.isOpen(owner, atMs));
    let sinceMs = Math.min(...open.map((owner) => this.#view.startMs(owner)));
    for (let earlier: Work | undefined = open[0]; earlier !== undefined; ) {
      earlier = this.#owners
        .ofSession(session)
        .find((owner) => this.#view.startMs(owner) < sinceMs && this.#view.endMs(owner) >= sinceMs);
      sinceMs = earlier === undefined ? sinceMs : this.#view.startMs(earlier);
    }
    return sinceMs;
  }
}

function lastUpTo(sorted: Float64Array, atMs: number): number {
  let low = 0;
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= atMs) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return sorted[low - 1] ?? Number.NEGATIVE_INFINITY;
}
