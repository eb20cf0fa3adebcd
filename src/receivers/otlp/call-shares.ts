import type { ByteBudget } from "../../net/body.ts";
import type { Transfers } from "../../net/transfers.ts";

/** What the calls of one connection take up. */
interface Share {
  calls: number;
  bytes: number;
}

/** One call, as long as it takes up room. */
export interface CountedCall {
  /** Whether there is room for it, perhaps because calls that had stalled made it. */
  fits(): boolean;
  /** Takes from the budget of all requests, within the share of the connection. */
  tryTake(bytes: number): boolean;
  giveBack(bytes: number): void;
  /** The call takes up no place any more. Safe to call twice. */
  leave(): void;
  /** What it has taken was given back to the budget. */
  settle(): void;
}

/**
 * Divides the calls at a time, and the bytes of their messages, among connections: one that has more of them than are left gets no more, so
 * that something is left for another one, however few connections try to take all. The first message of a connection may take all that is
 * left. It keeps two numbers for each connection with a call.
 */
export class CallShares {
  readonly #maxCalls: number;
  readonly #budget: ByteBudget;
  readonly #transfers: Transfers;
  readonly #shares = new WeakMap<object, Share>();
  #calls = 0;

  constructor(
    maxCalls: number,
    { budget, transfers }: { readonly budget: ByteBudget; readonly transfers: Transfers },
  ) {
    this.#maxCalls = maxCalls;
    this.#budget = budget;
    this.#transfers = transfers;
  }

  enter(connection: object): CountedCall {
    const share = this.#shares.get(connection) ?? { calls: 0, bytes: 0 };
    this.#shares.set(connection, share);
    share.calls += 1;
    this.#calls += 1;
    let taken = 0;
    let hasLeft = false;
    return {
      fits: () =>
        this.#transfers.makeRoom(
          () => this.#calls <= this.#maxCalls && share.calls - 1 <= this.#maxCalls - this.#calls,
        ),
      tryTake: (bytes) => {
        // Its first message may take all that is left.
        const hasRoom = () =>
          share.bytes === taken ||
          share.bytes + bytes <= this.#budget.limitBytes - this.#budget.takenBytes;
        if (!hasRoom() && !this.#transfers.makeRoom(hasRoom)) {
          return false;
        }
        if (!this.#budget.tryTake(bytes)) {
          return false;
        }
        share.bytes += bytes;
        taken += bytes;
        return true;
      },
      giveBack: (bytes) => {
        this.#budget.giveBack(bytes);
        share.bytes -= bytes;
        taken -= bytes;
      },
      leave: () => {
        if (!hasLeft) {
          hasLeft = true;
          share.calls -= 1;
          this.#calls -= 1;
        }
      },
      settle: () => {
        share.bytes -= taken;
        taken = 0;
      },
    };
  }
}
