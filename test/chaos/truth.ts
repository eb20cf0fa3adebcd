import type { Script } from "../system/kill/scripts.ts";
import { type Reason, reasons } from "../system/kill/tally.ts";
import type { Step, Work } from "../system/kill/work.ts";
import type { DialectName } from "./dialect.ts";
import { hex } from "./items.ts";

/** When a step was sent for the first time, and when it was answered with success for the first time. */
export interface StepTimes {
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** How long the collector was there between two moments: while it is down or stopped, no time passes for its deadlines. */
export type AliveMs = (fromMs: number, toMs: number) => number;

/** What a sender said about the work of one trace, and what must become of it. */
export interface TraceTruth {
  readonly sender: string;
  readonly dialect: DialectName;
  /** The process that the sender names. */
  readonly service: string;
  readonly works: readonly Work[];
  /** It waits for a person at its end. */
  readonly waits: boolean;
}

export interface TruthOptions {
  readonly latenessMs: number;
  readonly aliveMs: AliveMs;
  /** The same, but where it is not known exactly, too long instead of too short. */
  readonly mostAliveMs?: AliveMs;
  /** When the test began, for texts. */
  readonly beganMs?: number;
  /** When a network delivered requests a second time. */
  readonly repeatsMs?: () => readonly number[];
}

/** At least and at most. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

const never = Number.POSITIVE_INFINITY;
/** Clocks of two processes are compared, and timers fire late. */
const marginMs = 100;
/** A snapshot that comes twice, as after a lost answer, promises the next one after three times the time between, at least 30 s. */
const snapshotLeaseMs = 25_000;

/** Those whose repeated starts do not show when they were sent. */
const timelessDialects: readonly DialectName[] = ["live_span", "relay", "logfire_pending"];

/** What the senders know: what they did, what they sent, and what was answered. */
export class Truth {
  readonly traces = new Map<string, TraceTruth>();
  readonly #times = new Map<Step, StepTimes>();
  readonly #starts = new Map<Work, Step>();
  readonly #ends = new Map<Work, Step>();
  readonly #sessionEnds = new Map<string, Step>();
  readonly #processEnds = new Map<string, Step>();
  #past: ReadonlySet<string> = new Set();
  readonly #latenessMs: number;
  readonly #options: Required<TruthOptions>;

  constructor(options: TruthOptions) {
    this.#latenessMs = options.latenessMs - marginMs;
    this.#options = {
      ...{ mostAliveMs: options.aliveMs, beganMs: 0, repeatsMs: () => [] },
      ...options,
    };
  }

  /** A sender begins with a script. */
  begin(script: Script, by: { readonly sender: string; readonly dialect: DialectName }): void {
    const works = new Map<string, Work[]>();
    for (const step of script) {
      switch (step.type) {
        case "start":
        case "partial_log": {
          // A sender of finished spans says nothing of starts.
          if (by.dialect !== "span") {
            this.#starts.set(step.work, step);
          }
          const trace = hex(step.work.traceId);
          works.set(trace, [...(works.get(trace) ?? []), step.work]);
          break;
        }
        case "end":
          this.#ends.set(step.work, step);
          break;
        case "session_end":
          this.#sessionEnds.set(step.session, step);
          break;
        case "process_end":
          this.#processEnds.set(step.process, step);
          break;
        default:
      }
    }
    for (const [trace, some] of works) {
      const waits = script.some(({ type }) => type === "pause");
      this.traces.set(trace, { ...by, service: some[0]?.process ?? "", works: some, waits });
    }
  }

  /** From now on nobody can say what the collector has to think of what was reported until now: its memory was damaged. */
  forgive(): void {
    this.#past = new Set(this.traces.keys());
  }

  /** Whether anything was forgiven. */
  get hasPast(): boolean {
    return this.#past.size > 0;
  }

  isPast(trace: string): boolean {
    return this.#past.has(trace);
  }

  sent(steps: readonly Step[], atMs: number): void {
    for (const step of steps) {
      if (!this.#times.has(step)) {
        this.#times.set(step, { sentMs: atMs, answeredMs: never });
      }
    }
  }

  answered(steps: readonly Step[], atMs: number): void {
    for (const step of steps) {
      const times = this.#times.get(step);
      if (times !== undefined && times.answeredMs === never) {
        this.#times.set(step, { ...times, answeredMs: atMs });
      }
    }
  }

  /** Whether a step of the work, of work above it, or the end of its session or process was never answered: nobody knows whether it arrived. */
  isUnknown(work: Work): boolean {
    const above = ancestorsOf(work);
    return (
      this.isPast(hex(work.traceId)) ||
      [work, ...above].some((each) =>
        this.#toldOf(each).some(({ answeredMs }) => answeredMs === never),
      ) ||
      this.#endsAround(work, above).some((step) => this.#timesOf(step).answeredMs === never) ||
      this.#maySeemAlive(work)
    );
  }

  /** Whether a start may have been delivered again after the end of its process, which then seems to live, as it does not show when it was sent. */
  #maySeemAlive(work: Work): boolean {
    const dialect = this.traces.get(hex(work.traceId))?.dialect;
    const end = this.#processEnds.get(work.process);
    if (end === undefined || dialect === undefined || !timelessDialects.includes(dialect)) {
      return false;
    }
    const { sentMs, answeredMs } = this.#timesOf(end);
    return this.#options
      .repeatsMs()
      .some((atMs) => atMs > sentMs && !this.#isLongAfter(answeredMs, atMs));
  }

  /**
   * Whether what was said of the work took so long to arrive that the collector may have decided without it: its start, its end or the start
   * of a run above it came later than the lateness allows.
   */
  isLate(work: Work): boolean {
    const above = ancestorsOf(work);
    const closings = this.#closingsOf(work);
    const closedMs = Math.min(...closings.map(({ sentMs }) => sentMs));
    const own = this.#toldOf(work);
    const bornMs = Math.min(...own.map(({ sentMs }) => sentMs));
    const starts = above.map((each) => this.#starts.get(each)).filter((step) => step !== undefined);
    return (
      own.some(({ answeredMs }) => this.#isLongAfter(closedMs, answeredMs)) ||
      own.some(({ sentMs, answeredMs }) => this.#isLongAfter(sentMs, answeredMs)) ||
      starts.some((step) => this.#isLongAfter(bornMs, this.#timesOf(step).answeredMs)) ||
      this.#outlivesSnapshots(work, own, closings)
    );
  }

  /**
   * Whether an orphan of the trace is reported less than the lateness after the end of a run, a session or a process in it was sent for the
   * first time. False where nobody can say what the collector had to think of the trace.
   */
  isTooEarly({ works }: TraceTruth, seenMs: number): boolean {
    const closings = works.flatMap((work) => [
      ...this.#endsAround(work, []),
      ...(work.kind === "run" ? [this.#ends.get(work)] : []),
    ]);
    const closedMs = Math.min(
      ...closings.map((step) => (step === undefined ? never : this.#timesOf(step).sentMs)),
    );
    const isCertain = works.every((work) => !this.isUnknown(work) && !this.isLate(work));
    return isCertain && this.#options.mostAliveMs(closedMs, seenMs) < this.#latenessMs;
  }

  /** What the sender told of the work of a trace, and when, for a person who looks for the cause of a contradiction. */
  storyOf({ works }: TraceTruth): string {
    const toS = (ms: number) =>
      ms === never ? "never" : ((ms - this.#options.beganMs) / 1000).toFixed(2);
    const timesOf = (times: readonly StepTimes[]) =>
      times.map(({ sentMs, answeredMs }) => `${toS(sentMs)}–${toS(answeredMs)} s`).join(", ");
    return works
      .map((work) => {
        const around = this.#endsAround(work, []).map((step) => this.#timesOf(step));
        return `${work.kind} that ${work.fate}: ${timesOf(this.#toldOf(work))} / ${timesOf(around)}`;
      })
      .join("; ");
  }

  /** How many markers of a trace must be evicted, and may be. */
  evictionsOf(trace: TraceTruth): ReadonlyMap<Reason, Record<"tool" | "model_call", Range>> {
    const ranges = new Map(
      reasons.map((reason) => [
        reason,
        { tool: { least: 0, most: 0 }, model_call: { least: 0, most: 0 } },
      ]),
    );
    for (const work of trace.works) {
      const { kind, fate } = work;
      if (kind === "run") {
        continue;
      }
      const isCertain = !this.isUnknown(work) && !this.isLate(work);
      for (const reason of reasons) {
        const range = ranges.get(reason);
        const isExpected = fate === reason;
        if (range !== undefined && (isExpected || !isCertain)) {
          const { least, most } = range[kind];
          range[kind] = { least: least + (isExpected && isCertain ? 1 : 0), most: most + 1 };
        }
      }
    }
    return ranges;
  }

  /** The ends of the runs above it, of its sessions and of its process. */
  #closingsOf(work: Work): readonly StepTimes[] {
    const above = ancestorsOf(work);
    const runEnds = above.flatMap((run) => {
      const step = run.kind === "run" ? this.#ends.get(run) : undefined;
      return step === undefined ? [] : [step];
    });
    return [...runEnds, ...this.#endsAround(work, above)].map((step) => this.#timesOf(step));
  }

  /** The ends of its sessions and of its process. */
  #endsAround(work: Work, above: readonly Work[]): readonly Step[] {
    const sessions = [work, ...above].flatMap(({ session }) =>
      session === undefined ? [] : [session],
    );
    return [
      ...sessions.map((session) => this.#sessionEnds.get(session)),
      this.#processEnds.get(work.process),
    ].filter((step) => step !== undefined);
  }

  /** What was said of the work itself. */
  #toldOf(work: Work): readonly StepTimes[] {
    return [this.#starts.get(work), this.#ends.get(work)].flatMap((step) =>
      step === undefined ? [] : [this.#timesOf(step)],
    );
  }

  #timesOf(step: Step): StepTimes {
    return this.#times.get(step) ?? { sentMs: never, answeredMs: never };
  }

  #isLongAfter(fromMs: number, toMs: number): boolean {
    return (
      fromMs !== never &&
      (toMs === never || this.#options.aliveMs(fromMs, toMs) >= this.#latenessMs)
    );
  }

  /** Whether its lease may have ended before it did, or before it was decided that it is an orphan. */
  #outlivesSnapshots(
    work: Work,
    own: readonly StepTimes[],
    closings: readonly StepTimes[],
  ): boolean {
    const dialect = this.traces.get(hex(work.traceId))?.dialect;
    const [first] = own;
    if (dialect !== "datadog_partial" || first === undefined) {
      return false;
    }
    const endMs = Math.max(...own.map(({ answeredMs }) => answeredMs));
    const closedMs = Math.max(...closings.map(({ answeredMs }) => answeredMs));
    return (
      this.#options.aliveMs(first.sentMs, endMs) > snapshotLeaseMs ||
      (work.fate !== "ends" &&
        this.#options.aliveMs(first.sentMs, closedMs) + this.#latenessMs > snapshotLeaseMs)
    );
  }
}

function ancestorsOf(work: Work): readonly Work[] {
  return work.parent === undefined ? [] : [work.parent, ...ancestorsOf(work.parent)];
}
