import type { BranchTracker, DeliveryOutcome, DeliveryTracker } from "../otlp/payload.ts";

const badness = { delivered: 0, refused: 1, lost: 2 } as const satisfies Record<
  DeliveryOutcome,
  number
>;

/**
 * Follows one payload until no component keeps it, and then calls back with the worst outcome. It can be used again when the payload
 * is sent again.
 *
 * Keeps a watch for each branch of the pipelines that the payload passes, which the config bounds.
 */
export class DeliveryWatch implements DeliveryTracker {
  readonly #onSettled: (outcome: DeliveryOutcome) => void;
  readonly #branches = new Map<object, BranchWatch>();
  #keepers = 0;
  #worst: DeliveryOutcome = "delivered";
  /** Also after the payload was sent again, when it does not pass the branch that refused it. */
  #wasRefused = false;

  constructor(onSettled: (outcome: DeliveryOutcome) => void) {
    this.#onSettled = onSettled;
  }

  retain(): void {
    this.#keepers += 1;
  }

  release(outcome: DeliveryOutcome): void {
    if (badness[outcome] > badness[this.#worst]) {
      this.#worst = outcome;
    }
    this.#wasRefused ||= outcome === "refused";
    this.#keepers -= 1;
    if (this.#keepers === 0) {
      const worst = this.#worst;
      this.#worst = "delivered";
      this.#onSettled(worst === "delivered" && this.#wasRefused ? "refused" : worst);
    }
  }

  branch(way: object): BranchTracker {
    const branch = this.#branches.get(way) ?? new BranchWatch(this);
    this.#branches.set(way, branch);
    return branch;
  }
}

/** One way of a payload. It keeps the payload on the whole while anything on this way does. */
class BranchWatch extends DeliveryWatch implements BranchTracker {
  readonly #whole: DeliveryTracker;
  #isKept = false;
  /** It was delivered or refused for good on this way. */
  isSkipped = false;

  constructor(whole: DeliveryTracker) {
    super((outcome) => {
      this.isSkipped = outcome !== "lost";
      this.#isKept = false;
      whole.release(outcome);
    });
    this.#whole = whole;
  }

  override retain(): void {
    if (!this.#isKept) {
      this.#isKept = true;
      this.#whole.retain();
    }
    super.retain();
  }
}
