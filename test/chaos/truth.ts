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

/** How long the collector was there between two moments: not while it was down or stopped, when no time passes for its deadlines. */
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

/** At least and at most. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

const never = Number.POSITIVE_INFINITY;
/** Clocks of two processes are compared, and timers fire late. */
const marginMs = 100;
/** A snapshot that comes twice promises the next one after three times the time between, at least 30 s. */
const snapshotLeaseMs = 25_000;

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
  readonly #aliveMs: AliveMs;

  constructor({
    latenessMs,
    aliveMs,
  }: {
    readonly latenessMs: number;
    readonly aliveMs: AliveMs;
  }) {
    this.#latenessMs = latenessMs - marginMs;
    this.#aliveMs = aliveMs;
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
      this.#endsAround(work, above).some((step) => this.#timesOf(step).answeredMs === never)
    );
  }

  /**
   * Whether what was said of the work took so long to arrive that the collector may have decided without it: its start, its end or the start
   * of a run above it came later than the lateness allows.
   */
  isLate(work: Work): boolean {
    const above = ancestorsOf(work);
    const runEnds = above.flatMap((run) => {
      const step = run.kind === "run" ? this.#ends.get(run) : undefined;
      return step === undefined ? [] : [step];
    });
    const closings = [...runEnds, ...this.#endsAround(work, above)];
    const closedMs = Math.min(...closings.map((step) => this.#timesOf(step).sentMs));
    const own = this.#toldOf(work);
    const bornMs = Math.min(...own.map(({ sentMs }) => sentMs));
    const starts = above.map((each) => this.#starts.get(each)).filter((step) => step !== undefined);
    return (
      own.some(({ answeredMs }) => this.#isLongAfter(closedMs, answeredMs)) ||
      own.some(({ sentMs, answeredMs }) => this.#isLongAfter(sentMs, answeredMs)) ||
      starts.some((step) => this.#isLongAfter(bornMs, this.#timesOf(step).answeredMs)) ||
      this.#outlivesSnapshots(work, own)
    );
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
    return fromMs !== never && (toMs === never || this.#aliveMs(fromMs, toMs) >= this.#latenessMs);
  }

  #outlivesSnapshots(work: Work, own: readonly StepTimes[]): boolean {
    const dialect = this.traces.get(hex(work.traceId))?.dialect;
    const [first] = own;
    const last = own.at(-1);
    return (
      dialect === "datadog_partial" &&
      first !== undefined &&
      last !== undefined &&
      this.#aliveMs(first.sentMs, last.answeredMs) > snapshotLeaseMs
    );
  }
}

function ancestorsOf(work: Work): readonly Work[] {
  return work.parent === undefined ? [] : [work.parent, ...ancestorsOf(work.parent)];
}
