import { setTimeout as pause } from "node:timers/promises";
import type { Chance } from "./chance.ts";
import type { Script } from "./scripts.ts";
import { emptyTally, type Tally } from "./tally.ts";
import { type Request, requestsOf, type Step, type Work } from "./work.ts";

/** How a gateway sends. */
export interface Habits {
  readonly mostSessions: number;
  readonly mostInFlight: number;
  readonly mostSteps: number;
  /** What is told again though it was answered: as by a sender whose answer came too late. */
  readonly repeatedShare: number;
  /** How long it waits between two requests. */
  readonly pauseMs: { readonly from: number; readonly to: number };
  /** The requests of some steps, at a time of the sender's clock. */
  readonly encode: (steps: readonly Step[], atMs: number) => readonly Request[];
}

const usualHabits: Habits = {
  mostSessions: 4,
  mostInFlight: 3,
  mostSteps: 12,
  repeatedShare: 0.05,
  pauseMs: { from: 5, to: 35 },
  encode: requestsOf,
};

/** Delivers a request, however often it has to be sent; resolves when it was answered with 200. */
export type Deliver = (request: Request) => Promise<void>;

interface Telling {
  readonly script: Script;
  next: number;
  /** Steps that were sent and not yet answered. */
  unanswered: number;
  /** When the last step was taken. */
  atMs: number;
}

/**
 * Tells scripts as an exporter does: in batches, a few on their way at once. It knows what it told of, and what
 * was answered.
 */
export class Gateway {
  /** What must be counted when everything has arrived and fallen due. */
  readonly truth: Tally = emptyTally();
  /** How many starts were answered. */
  answeredStarts = 0;
  /** Work that nobody will own, by what becomes of it. */
  readonly evicted: Work[] = [];
  /** Runs that stay open. */
  readonly staying: Work[] = [];
  readonly #chance: Chance;
  readonly #deliver: Deliver;
  readonly #nextScript: () => Script | undefined;
  readonly #habits: Habits;
  readonly #tellings: Telling[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  /** The sender's clock, which never stands still between two steps. */
  #atMs = 0;
  #stops = false;

  /** `nextScript` is asked when there is room for another session. */
  constructor(
    chance: Chance,
    deliver: Deliver,
    nextScript: () => Script | undefined,
    habits: Partial<Habits> = {},
  ) {
    this.#chance = chance;
    this.#deliver = deliver;
    this.#nextScript = nextScript;
    this.#habits = { ...usualHabits, ...habits };
  }

  /** Begins nothing new any more. */
  stop(): void {
    this.#stops = true;
  }

  /** Resolves when everything was told and answered, after `stop`. */
  async run(): Promise<void> {
    for (;;) {
      this.#begin();
      const batch = this.#batch();
      if (batch.length === 0 && this.#inFlight.size === 0 && this.#tellings.length === 0) {
        return;
      }
      const requests = this.#habits.encode(
        batch.map(({ step }) => step),
        this.#atMs,
      );
      for (const request of requests) {
        const tellings = batch.filter(({ step }) => request.steps.includes(step));
        this.#send(request, tellings);
      }
      this.#answered(
        batch.filter(({ step }) => !requests.some(({ steps }) => steps.includes(step))),
      );
      const hasRoom = this.#inFlight.size < this.#habits.mostInFlight;
      if (this.#inFlight.size > 0 && (!hasRoom || batch.length === 0)) {
        await Promise.race(this.#inFlight);
      }
      const { from, to } = this.#habits.pauseMs;
      await pause(from + this.#chance.below(to - from));
    }
  }

  #begin(): void {
    while (!this.#stops && this.#tellings.length < this.#habits.mostSessions) {
      const script = this.#nextScript();
      if (script === undefined) {
        this.stop();
        return;
      }
      this.#count(script);
      this.#tellings.push({ script, next: 0, unanswered: 0, atMs: 0 });
    }
  }

  #batch(): { readonly step: Step; readonly telling: Telling }[] {
    const batch: { readonly step: Step; readonly telling: Telling }[] = [];
    for (let left = 1 + this.#chance.below(this.#habits.mostSteps); left > 0; left--) {
      const ready = this.#tellings.filter((telling) => isReady(telling));
      if (ready.length === 0) {
        break;
      }
      const telling = this.#chance.pick(ready);
      const step = telling.script[telling.next]!;
      telling.next++;
      telling.unanswered++;
      telling.atMs = performance.now();
      this.#stamp(step);
      batch.push({ step, telling });
    }
    return batch;
  }

  #stamp(step: Step): void {
    this.#atMs = Math.max(Date.now(), this.#atMs + 1);
    if (step.type === "start" || step.type === "partial_log") {
      step.work.startMs = this.#atMs;
    } else if (step.type === "end") {
      // What is told after its run ended within the run's last milliseconds, however long the telling takes.
      const runEndMs = step.work.parent?.endMs ?? 0;
      step.work.endMs = runEndMs === 0 ? this.#atMs : runEndMs + 5;
      this.#atMs = Math.max(this.#atMs, step.work.endMs);
    }
  }

  #send(
    request: Request,
    tellings: readonly { readonly step: Step; readonly telling: Telling }[],
  ): void {
    const sending = this.#deliver(request).then(async () => {
      if (this.#chance.is(this.#habits.repeatedShare)) {
        await this.#deliver(request);
      }
      this.#answered(tellings);
    });
    const tracked = sending.finally(() => this.#inFlight.delete(tracked));
    this.#inFlight.add(tracked);
  }

  /** Of steps that were answered, or of which this sender tells nothing. */
  #answered(tellings: readonly { readonly step: Step; readonly telling: Telling }[]): void {
    for (const { step, telling } of tellings) {
      telling.unanswered--;
      if (step.type === "start" || step.type === "partial_log") {
        this.answeredStarts++;
      }
      if (telling.next === telling.script.length && telling.unanswered === 0) {
        this.#tellings.splice(this.#tellings.indexOf(telling), 1);
      }
    }
  }

  #count(script: Script): void {
    for (const step of script) {
      if (step.type !== "start" && step.type !== "partial_log") {
        continue;
      }
      const { kind, fate } = step.work;
      this.truth.started[kind]++;
      if (fate === "ends") {
        this.truth.ended[kind]++;
      } else if (fate === "stays") {
        this.truth.open[kind]++;
        if (kind === "run") {
          this.staying.push(step.work);
        }
      } else if (kind !== "run") {
        this.truth.evicted[fate]++;
        this.evicted.push(step.work);
      }
    }
  }
}

/** The end of a session or process is told when everything before it was answered. */
function isReady({ script, next, unanswered, atMs }: Telling): boolean {
  const step = script[next];
  if (step === undefined) {
    return false;
  }
  return "work" in step ? performance.now() >= atMs + (step.afterMs ?? 0) : unanswered === 0;
}
