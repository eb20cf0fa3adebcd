import type { DeliveryOutcome, DeliveryTracker } from "../otlp/payload.ts";

const badness = { delivered: 0, refused: 1, lost: 2 } as const satisfies Record<
  DeliveryOutcome,
  number
>;

/** Follows one payload until no component keeps it, and then calls back once with the worst outcome. */
export class DeliveryWatch implements DeliveryTracker {
  readonly #onSettled: (outcome: DeliveryOutcome) => void;
  #keepers = 0;
  #worst: DeliveryOutcome = "delivered";

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
    this.#keepers -= 1;
    if (this.#keepers === 0) {
      this.#onSettled(this.#worst);
    }
  }
}
