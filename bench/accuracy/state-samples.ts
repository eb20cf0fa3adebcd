import { type Owners, push } from "./owners.ts";
import type { RunReading } from "./state-reading.ts";
import { ownerOf, type Story, type Work } from "./story.ts";
import { type SessionTruth, type Thresholds, TrueStates } from "./true-states.ts";
import { type DeliveredView, realView } from "./views.ts";

/** What the collector reported about all open runs at one moment. */
export interface StateSample {
  readonly atMs: number;
  readonly runs: readonly RunReading[];
}

/** One session at one moment about which the collector was wrong. */
export interface WrongState {
  readonly atMs: number;
  readonly session: string;
  readonly truth: string;
  readonly reading: string;
}

/** How often the collector reported the true state of a session. A session at a moment counts in one of the first three. */
export interface StateScore {
  /** Not near a change, and knowable. */
  readonly settled: number;
  readonly settledRight: number;
  /** Within the lateness and the delay of delivery after a change. */
  readonly changing: number;
  readonly changingRight: number;
  /** The delivered signals show another state than the true one. */
  readonly unknowable: number;
  /** Of those, where the collector reported what the delivered signals show. */
  readonly unknowableAsDelivered: number;
  readonly wrong: readonly WrongState[];
}

/** A process that is killed is only missed when its heartbeats are. */
const leaseMs = 60_000;

/** Of the sessions at moments that are settled and knowable, the part that the collector had right. */
export function shareRight({ settled, settledRight }: StateScore): number {
  return settled === 0 ? 1 : settledRight / settled;
}

/** Answers what sessions really did, and whether that could be known, at any moment. */
export class StateTruth {
  readonly #owners: Owners;
  readonly #real: TrueStates;
  readonly #seen: TrueStates;
  readonly #settlingMs: number;

  constructor(
    story: Story,
    by: {
      readonly owners: Owners;
      readonly delivered: DeliveredView;
      readonly limits: Thresholds;
      /** How long a change needs to be known: the lateness and the delay of delivery. */
      readonly settlingMs: number;
    },
  ) {
    this.#owners = by.owners;
    this.#real = new TrueStates(by.owners, realView(story), by.limits);
    this.#seen = new TrueStates(by.owners, by.delivered, by.limits);
    this.#settlingMs = by.settlingMs;
  }

  get owners(): Owners {
    return this.#owners;
  }

  /** What the delivered signals show about a session, by the time it happened. */
  seen(session: string, atMs: number): SessionTruth | undefined {
    return this.#seen.at(session, atMs);
  }

  real(session: string, atMs: number): SessionTruth | undefined {
    return this.#real.at(session, atMs);
  }

  isOpen(work: Work, atMs: number): boolean {
    return this.#seen.isOpen(work, atMs);
  }

  /** Whether what a session does has been the same for long enough to be known. */
  isSettled(session: string, atMs: number): boolean {
    const diesMs = this.#owners.ofSession(session)[0]?.process.diesMs ?? Number.POSITIVE_INFINITY;
    if (diesMs <= atMs && atMs < diesMs + leaseMs + this.#settlingMs) {
      return false;
    }
    const now = textOf(this.seen(session, atMs));
    const fromMs = atMs - this.#settlingMs;
    return [fromMs, ...this.#seen.turningPoints(session, fromMs, atMs)].every(
      (point) => textOf(this.seen(session, point)) === now,
    );
  }

  /**
   * Silences of a tool, without open work below it, that meet a moment at which its run is not silent. It is certain that
   * they can be noticed when there is time enough for its signals to arrive.
   */
  silencesBesideOthers(tool: Work, owner: Work): readonly { readonly isCertain: boolean }[] {
    if (this.#owners.below(tool).length > 0) {
      return [];
    }
    return this.#seen.silencesOf(tool).flatMap(({ fromMs, toMs }) => {
      const points = [fromMs, ...this.#seen.progressOf(owner)];
      const busyMs = points
        .filter((atMs) => atMs >= fromMs && atMs < toMs)
        .filter((atMs) => this.isOpen(owner, atMs) && !this.#seen.isSilent(owner, atMs))
        .filter((atMs) => this.#seen.verdictOf(owner, atMs) === "progressing");
      const [first] = busyMs;
      return first === undefined || !this.isOpen(tool, first)
        ? []
        : [{ isCertain: first + this.#settlingMs < Math.min(toMs, this.#seen.endOf(owner)) }];
    });
  }

  /** Whether there was no progress in a session, and nothing of it arrived that long before. */
  isStill(session: string, fromMs: number, toMs: number): boolean {
    return this.#owners
      .ofSession(session)
      .every((owner) => this.#seen.lastProgressMs(owner, toMs) < fromMs - this.#settlingMs);
  }

  isKnowable(session: string, atMs: number): boolean {
    return textOf(this.seen(session, atMs)) === textOf(this.real(session, atMs));
  }
}

/** Compares what the collector reported at some moments with what sessions did then. */
export function scoreStates(
  samples: readonly StateSample[],
  truth: StateTruth,
  works: ReadonlyMap<string, Work>,
): StateScore {
  const { owners } = truth;
  const waiting = owners.all.toSorted((a, b) => a.startMs - b.startMs);
  const score = {
    settled: 0,
    settledRight: 0,
    changing: 0,
    changingRight: 0,
    unknowable: 0,
    unknowableAsDelivered: 0,
  };
  const wrong: WrongState[] = [];
  let open = new Set<Work>();
  let next = 0;
  for (const { atMs, runs } of samples) {
    for (; (waiting[next]?.startMs ?? Number.POSITIVE_INFINITY) <= atMs; next++) {
      const owner = waiting[next];
      if (owner !== undefined) {
        open.add(owner);
      }
    }
    open = new Set([...open].filter((owner) => truth.isOpen(owner, atMs)));
    const readings = new Map<string, RunReading[]>();
    for (const run of runs) {
      const work = works.get(run.spanId);
      push(readings, work === undefined ? run.spanId : owners.sessionOf(work), run);
    }
    const sessions = new Set([
      ...[...open].map((owner) => owners.sessionOf(owner)),
      ...readings.keys(),
    ]);
    for (const session of sessions) {
      const reading = textOf(readingOf(readings.get(session), works));
      const known = textOf(truth.seen(session, atMs));
      const isRight = reading === known;
      if (!truth.isSettled(session, atMs)) {
        score.changing++;
        score.changingRight += Number(isRight);
      } else if (!truth.isKnowable(session, atMs)) {
        score.unknowable++;
        score.unknowableAsDelivered += Number(isRight);
      } else {
        score.settled++;
        score.settledRight += Number(isRight);
        if (!isRight) {
          wrong.push({ atMs, session, truth: known, reading });
        }
      }
    }
  }
  return { ...score, wrong };
}

/** A session as the collector has it. Its runs may not agree on its state, which is never right. */
function readingOf(
  runs: readonly RunReading[] | undefined,
  works: ReadonlyMap<string, Work>,
): SessionTruth | undefined {
  const [first] = runs ?? [];
  if (runs === undefined || first === undefined) {
    return undefined;
  }
  const all = (name: "state" | "blockedBy") => [...new Set(runs.map((run) => run[name]))].join("|");
  const verdicts = new Map(
    runs.map(({ spanId, verdict }) => {
      const work = works.get(spanId);
      return [work === undefined ? spanId : ownerOf(work).spanId, verdict];
    }),
  );
  return { state: all("state"), blockedBy: all("blockedBy"), verdicts };
}

function textOf(truth: SessionTruth | undefined): string {
  if (truth === undefined) {
    return "no open run";
  }
  const verdicts = [...truth.verdicts].sort(([a], [b]) => (a < b ? -1 : 1));
  const runs = verdicts.map(([spanId, verdict]) => `${spanId} ${verdict}`).join(", ");
  return `${truth.state}, blocked by ${truth.blockedBy}: ${runs}`;
}
