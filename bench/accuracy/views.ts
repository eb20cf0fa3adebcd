import type { ArrivalTimes } from "./arrival-times.ts";
import { type Owners, push } from "./owners.ts";
import { type Mode, namesSessions, promisesBeats } from "./sender-dialect.ts";
import { isOrphan, isRun, type Pause, type Story, unwatchedMs, type Work } from "./story.ts";

/** A wait for a person in a view: of a tool, or of all runs of its session that were open when it began. */
export interface SeenPause {
  readonly tool: Work;
  readonly ofSession: boolean;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Who sees what of a story. All times are those at which it really happened; Infinity for what is not seen. */
export interface View {
  startMs(work: Work): number;
  endMs(work: Work): number;
  progressMs(work: Work): readonly number[];
  readonly pauses: readonly SeenPause[];
}

const never = Number.POSITIVE_INFINITY;

/** What really happened. */
export function realView(story: Story): View {
  return {
    startMs: ({ startMs }) => startMs,
    endMs: ({ endMs, process }) => Math.min(endMs, process.diesMs),
    progressMs: ({ progressMs, process }) => progressMs.filter((atMs) => atMs < process.diesMs),
    pauses: story.pauses.map((pause) => ({
      tool: pause.tool,
      ofSession: false,
      fromMs: pause.fromMs,
      toMs: Math.min(pause.toMs, pause.tool.process.diesMs),
    })),
  };
}

/** What of it ever reached the collector, or follows from what did. */
export class DeliveredView implements View {
  readonly pauses: readonly SeenPause[];
  readonly #arrivals: ArrivalTimes;
  readonly #mode: Mode;
  /** The run in a harness run, which is one owner with it. */
  readonly #inner = new Map<Work, Work[]>();
  /** When runs without an end of their own are over, by what their gateway reports about the session. */
  readonly #idle = new Map<Work, { readonly atMs: number; readonly arrivalMs: number }>();

  constructor(
    story: Story,
    arrivals: ArrivalTimes,
    by: { readonly mode: Mode; readonly owners: Owners },
  ) {
    this.#arrivals = arrivals;
    this.#mode = by.mode;
    this.pauses = story.pauses.flatMap((pause) => this.#seen(pause));
    for (const work of story.works) {
      if (work.kind === "run" && work.parent?.kind === "harness") {
        push(this.#inner, work.parent, work);
      }
    }
    const lost = by.owners.all.filter(
      (owner) => owner.isEndLost && Number.isFinite(arrivals.startOf(owner)),
    );
    for (const owner of lost) {
      const idle = idleOf(owner, { story, arrivals, owners: by.owners });
      if (idle !== undefined) {
        this.#idle.set(owner, idle);
      }
    }
  }

  startMs(work: Work): number {
    return Number.isFinite(this.#arrivals.startOf(work)) ? work.startMs : never;
  }

  endMs(work: Work): number {
    if (Number.isFinite(this.#arrivals.endOf(work))) {
      return isOrphan(work) ? work.closedMs : work.endMs;
    }
    const hasLease = promisesBeats(this.#mode, work.process);
    const diesMs = hasLease ? work.process.diesMs : never;
    return Math.min(diesMs, unwatchedMs(work), this.#idleOf(work)?.atMs ?? never);
  }

  /** When the end of an owner arrived, that is, of both its runs, or what stands for it. */
  endArrivalMs(owner: Work): number {
    const ends = [owner, ...(this.#inner.get(owner) ?? [])].map((run) => this.#arrivals.endOf(run));
    const arrivalMs = Math.max(...ends);
    return Number.isFinite(arrivalMs) ? arrivalMs : (this.#idleOf(owner)?.arrivalMs ?? never);
  }

  progressMs(work: Work): readonly number[] {
    return this.#arrivals.progressOf(work);
  }

  #idleOf(work: Work) {
    const owner = work.kind === "run" ? work.parent : work;
    return owner === undefined || !isRun(work) ? undefined : this.#idle.get(owner);
  }

  #seen(pause: Pause): readonly SeenPause[] {
    const { tool, fromMs, toMs } = pause;
    const arrived = this.#arrivals.pauseOf(pause);
    if (!Number.isFinite(arrived.fromMs)) {
      return [];
    }
    const ofSession = this.#mode === "live" && namesSessions(this.#mode, tool.process);
    return [{ tool, ofSession, fromMs, toMs: Number.isFinite(arrived.toMs) ? toMs : never }];
  }
}

/** The first report that the session of a run is idle after which nothing started or ended in it or below. */
function idleOf(
  owner: Work,
  by: { readonly story: Story; readonly arrivals: ArrivalTimes; readonly owners: Owners },
): { readonly atMs: number; readonly arrivalMs: number } | undefined {
  const times = by.owners
    .below(owner)
    .flatMap(({ startMs, endMs, isEndLost }) => [startMs, isEndLost ? startMs : endMs]);
  const lastMs = Math.max(owner.startMs, ...times.filter((ms) => Number.isFinite(ms)));
  const idle = by.story.states.find(
    (each) =>
      each.session === owner.session &&
      each.process === owner.process &&
      each.reason === "run_completed" &&
      each.queueDepth === 0 &&
      each.atMs > lastMs &&
      Number.isFinite(by.arrivals.stateOf(each)),
  );
  return idle === undefined ? undefined : { atMs: idle.atMs, arrivalMs: by.arrivals.stateOf(idle) };
}
