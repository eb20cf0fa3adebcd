import { ArrivalTimes } from "../../../bench/accuracy/arrival-times.ts";
import { aTrueClock } from "../../../bench/accuracy/sender-clock.ts";
import type {
  GatewayProcess,
  Pause,
  Session,
  SessionEnd,
  SessionState,
  Story,
  Work,
  WorkKind,
} from "../../../bench/accuracy/story.ts";

const never = Number.POSITIVE_INFINITY;

export const process: GatewayProcess = {
  index: 0,
  host: "host",
  pid: 1,
  instance: "one",
  beatMs: 0,
  isFork: false,
  unwatched: [],
  clock: aTrueClock,
  skewMs: 0,
  bornMs: 0,
  diesMs: never,
  death: "killed",
};

export const session: Session = { index: 0, name: "session" };
export const otherSession: Session = { index: 1, name: "other" };

/** A story that is written down work by work. Times are in seconds. */
export class HandMadeWorld {
  readonly works: Work[] = [];
  readonly pauses: Pause[] = [];
  readonly states: SessionState[] = [];
  readonly sessionEnds: SessionEnd[] = [];

  /** A harness run and the run in it; gives the run. */
  turn(
    startS: number,
    endS: number,
    more: {
      readonly above?: Work;
      readonly of?: Session;
      readonly by?: GatewayProcess;
      readonly isEndLost?: boolean;
      readonly isFailed?: boolean;
    } = {},
  ): Work {
    const { above, of = session, by = process, isEndLost = false, isFailed = false } = more;
    const times = { startMs: startS * 1_000, endMs: endS * 1_000 };
    const at = { session: of, process: by, isEndLost, isFailed, ...times };
    const harness = this.#add("harness", above, at);
    return this.#add("run", harness, at);
  }

  tool(run: Work, startS: number, endS: number, more: Partial<Work> = {}): Work {
    return this.#marker("tool", run, startS, endS, { tool: "exec", ...more });
  }

  modelCall(run: Work, startS: number, endS: number, more: Partial<Work> = {}): Work {
    return this.#marker("model_call", run, startS, endS, { model: "model", ...more });
  }

  pause(tool: Work, fromS: number, toS: number, isSignalled = true): void {
    const id = `0${this.pauses.length}`;
    this.pauses.push({ tool, id, fromMs: fromS * 1_000, toMs: toS * 1_000, isSignalled });
  }

  idle(atS: number, queueDepth = 0): void {
    this.states.push({
      session,
      process,
      atMs: atS * 1_000,
      state: "idle",
      reason: "run_completed",
      queueDepth,
    });
  }

  get story(): Story {
    const { works, pauses, states, sessionEnds } = this;
    const sessions = [session, otherSession];
    return {
      processes: [...new Set(works.map((work) => work.process))],
      sessions,
      works,
      pauses,
      states,
      claims: [],
      sessionEnds,
      lastsMs: 0,
    };
  }

  /** All signals arrive `delayMs` late, except those of `lost`. */
  arrivals(delayMs = 1_000, lost: readonly Work[] = []): ArrivalTimes {
    const arrivals = new ArrivalTimes(this.story);
    for (const work of this.works.filter((each) => !lost.includes(each))) {
      const record = (what: "start" | "end" | "progress", atMs: number) =>
        arrivals.record({ what, work, atMs, seq: 1 }, atMs + delayMs);
      record("start", work.startMs);
      for (const atMs of work.progressMs) {
        record("progress", atMs);
      }
      const endMs = Math.min(work.endMs, work.closedMs);
      if (Number.isFinite(endMs) && !work.isEndLost) {
        record("end", endMs);
      }
    }
    for (const pause of this.pauses.filter(({ isSignalled }) => isSignalled)) {
      arrivals.record({ what: "pause", pause, atMs: 0, seq: 1 }, pause.fromMs + delayMs);
      arrivals.record({ what: "resume", pause, atMs: 0, seq: 1 }, pause.toMs + delayMs);
    }
    for (const over of this.sessionEnds) {
      arrivals.record({ what: "session_end", over, atMs: over.atMs, seq: 1 }, over.atMs + delayMs);
    }
    for (const state of this.states) {
      arrivals.record({ what: "state", state, atMs: state.atMs, seq: 1 }, state.atMs + delayMs);
    }
    return arrivals;
  }

  sessionEnd(atS: number): void {
    this.sessionEnds.push({ session, process, atMs: atS * 1_000 });
  }

  #marker(kind: WorkKind, run: Work, startS: number, endS: number, more: Partial<Work>): Work {
    const isHung = !Number.isFinite(endS);
    return this.#add(kind, run, {
      session: run.session,
      process: run.process,
      startMs: startS * 1_000,
      endMs: endS * 1_000,
      ...(isHung ? { orphanedMs: run.endMs } : {}),
      ...more,
    });
  }

  #add(kind: WorkKind, parent: Work | undefined, times: Partial<Work>): Work {
    const index = this.works.length;
    const work: Work = {
      index,
      kind,
      traceId: "0a",
      spanId: index.toString(16).padStart(2, "0"),
      parent,
      session,
      process,
      tool: "",
      model: "",
      callId: kind === "tool" ? index.toString(16).padStart(2, "0") : "",
      requestedBy: undefined,
      startMs: 0,
      endMs: never,
      orphanedMs: never,
      closedMs: never,
      isClosedByRun: false,
      isFailed: false,
      requested: [],
      answered: undefined,
      progressMs: [],
      isEndLost: false,
      stamp: "right",
      isUnnamed: false,
      ...times,
    };
    this.works.push(work);
    return work;
  }
}
