import type { Chance } from "./chance.ts";
import type { RequestHabits } from "./gateway.ts";
import { ownerOf, type RequestedCall, type Session, type Work } from "./story.ts";

/** A call that a turn has left to others. */
export interface LeftCall extends RequestedCall {
  /** It waits for approval and will run when it gets it; else its caller runs it. */
  readonly isApproved: boolean;
  /** The model call that requested it. */
  readonly requestedBy: Work;
}

/** The name of a call that never runs: it is the form of an answer. */
const answerName = "final_result";

/** Makes up what becomes of tool calls that a model requests, besides being run. Without habits all of them run. */
export class RequestedCalls {
  readonly #habits: RequestHabits | undefined;
  readonly #chance: Chance;
  /** What the turns of a session have left to others and has no answer yet. */
  readonly #left = new Map<Session, readonly LeftCall[]>();
  /** Answers that the next model calls of a run are handed. */
  readonly #answered = new Map<Work, string[]>();

  constructor(habits: RequestHabits | undefined, chance: Chance) {
    this.#habits = habits;
    this.#chance = chance;
  }

  /** Whether the response of a model call is thrown away, with the calls in it. */
  discards(call: Work): boolean {
    const isDiscarded = this.#happens(({ discardedShare }) => discardedShare);
    if (isDiscarded) {
      call.requested = this.#calls(1 + this.#chance.below(3));
    }
    return isDiscarded;
  }

  /** Whether a call is refused at once; that is its answer. */
  refuses(call: Work, run: Work, name: string): boolean {
    const isRefused = this.#happens(({ refusedShare }) => refusedShare);
    if (isRefused) {
      const id = this.#chance.hex(8);
      call.requested = [...call.requested, { id, name }];
      this.answer(run, id);
    }
    return isRefused;
  }

  /** Whether a step with a tool that never ends makes its run fail. */
  cancels(): boolean {
    return this.#happens(({ cancelledShare }) => cancelledShare);
  }

  /** Adds the calls that the last model call of a turn requests and that do not run in it. Whether it may have requested others that do. */
  finish(call: Work): { readonly mayAlsoRun: boolean } {
    if (this.#happens(({ finalShare }) => finalShare)) {
      call.requested = [...call.requested, { id: this.#chance.hex(8), name: answerName }];
    }
    const isLeft = this.#happens(({ leftShare }) => leftShare);
    if (isLeft) {
      const forApproval = this.#happens(({ approvalShare }) => approvalShare);
      const calls = this.#calls(1 + this.#chance.below(2));
      const left = calls.map((each) => ({
        ...each,
        requestedBy: call,
        isApproved: forApproval && this.#happens(({ approvedShare }) => approvedShare),
      }));
      call.requested = [...call.requested, ...calls];
      this.#left.set(call.session, [...(this.#left.get(call.session) ?? []), ...left]);
    }
    return { mayAlsoRun: isLeft };
  }

  /** What turns of a session have left that were over at a moment. It is answered by then. */
  takeLeft(session: Session, atMs: number): readonly LeftCall[] {
    const left = this.#left.get(session) ?? [];
    const isOver = ({ requestedBy }: LeftCall) => ownerOf(requestedBy).endMs < atMs;
    this.#left.set(
      session,
      left.filter((each) => !isOver(each)),
    );
    return left.filter(isOver);
  }

  /** A run has the answer to a call, or what stands for it. */
  answer(run: Work, id: string): void {
    if (this.#habits !== undefined) {
      this.#answered.set(run, [...(this.#answered.get(run) ?? []), id]);
    }
  }

  /** What the next model call of a run is handed, or one that stands apart; undefined where inputs are not shown. */
  answersOf(run: Work | undefined): readonly string[] | undefined {
    const answered = run === undefined ? undefined : this.#answered.get(run);
    return answered ?? (this.#habits === undefined ? undefined : []);
  }

  #calls(count: number): readonly RequestedCall[] {
    return Array.from({ length: count }, () => ({
      id: this.#chance.hex(8),
      // Names of tools that are often run.
      name: `tool_${this.#chance.below(12)}`,
    }));
  }

  #happens(shareOf: (habits: RequestHabits) => number): boolean {
    return this.#habits !== undefined && this.#chance.happens(shareOf(this.#habits));
  }
}
