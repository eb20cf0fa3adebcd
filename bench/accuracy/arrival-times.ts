import { push } from "./owners.ts";
import type { SenderSignal } from "./sender-dialect.ts";
import type {
  GatewayClaim,
  GatewayProcess,
  Pause,
  SessionEnd,
  SessionState,
  Story,
  Work,
} from "./story.ts";

const never = Number.POSITIVE_INFINITY;

/** When each signal first arrived at the collector; Infinity if it never did. */
export class ArrivalTimes {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #pauses = new Map<Pause, { fromMs: number; toMs: number }>();
  readonly #progress = new Map<Work, number[]>();
  readonly #states = new Map<SessionState, number>();
  readonly #claims = new Map<GatewayClaim, number>();
  readonly #sessionEnds = new Map<SessionEnd, number>();
  readonly #gone = new Map<GatewayProcess, number>();

  constructor(story: Story) {
    const works = Math.max(0, ...[story.works.at(-1)?.index ?? -1]) + 1;
    this.#starts = new Float64Array(works).fill(never);
    this.#ends = new Float64Array(works).fill(never);
  }

  /** Records the arrival of a signal. `from` is the process that sent it. */
  record(signal: SenderSignal, nowMs: number, from?: GatewayProcess): void {
    switch (signal.what) {
      case "start":
      case "beat":
        earliest(this.#starts, signal.work, nowMs);
        break;
      case "end":
        earliest(this.#starts, signal.work, nowMs);
        earliest(this.#ends, signal.work, nowMs);
        break;
      case "progress":
        if (!this.progressOf(signal.work).includes(signal.atMs)) {
          push(this.#progress, signal.work, signal.atMs);
        }
        break;
      case "pause":
        this.#waitOf(signal.pause).fromMs = Math.min(this.#waitOf(signal.pause).fromMs, nowMs);
        break;
      case "resume":
        this.#waitOf(signal.pause).toMs = Math.min(this.#waitOf(signal.pause).toMs, nowMs);
        break;
      case "state":
        this.#states.set(signal.state, Math.min(this.stateOf(signal.state), nowMs));
        break;
      case "claim":
        this.#claims.set(signal.claim, Math.min(this.claimOf(signal.claim), nowMs));
        break;
      case "session_end":
        this.#sessionEnds.set(signal.over, Math.min(this.sessionEndOf(signal.over), nowMs));
        break;
      case "gone":
        if (from !== undefined) {
          this.#gone.set(from, Math.min(this.goneOf(from), nowMs));
        }
        break;
      default:
    }
  }

  /** When the start of work arrived, or any other signal of it. */
  startOf({ index }: Work): number {
    return this.#starts[index] ?? never;
  }

  endOf({ index }: Work): number {
    return this.#ends[index] ?? never;
  }

  pauseOf(pause: Pause): { readonly fromMs: number; readonly toMs: number } {
    return this.#waitOf(pause);
  }

  /** When the progress happened that has arrived. */
  progressOf(work: Work): readonly number[] {
    return this.#progress.get(work) ?? [];
  }

  stateOf(state: SessionState): number {
    return this.#states.get(state) ?? never;
  }

  claimOf(claim: GatewayClaim): number {
    return this.#claims.get(claim) ?? never;
  }

  sessionEndOf(over: SessionEnd): number {
    return this.#sessionEnds.get(over) ?? never;
  }

  /** When the signal arrived that a process stops. */
  goneOf(process: GatewayProcess): number {
    return this.#gone.get(process) ?? never;
  }

  #waitOf(pause: Pause): { fromMs: number; toMs: number } {
    const known = this.#pauses.get(pause) ?? { fromMs: never, toMs: never };
    this.#pauses.set(pause, known);
    return known;
  }
}

function earliest(times: Float64Array, { index }: Work, nowMs: number): void {
  times[index] = Math.min(times[index] ?? nowMs, nowMs);
}
