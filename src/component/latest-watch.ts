import type { BranchTracker, DeliveryOutcome } from "../otlp/payload.ts";

/**
 * Follows payloads of which each replaces the one before, such as pushes of cumulative metrics. On a way on which one is still kept, by
 * the queue of an exporter for example, none is passed: there is never more than one.
 *
 * Keeps a node for each branch of the pipelines, which the config bounds.
 */
export class LatestWatch implements BranchTracker {
  readonly #onLost: (outcome: Exclude<DeliveryOutcome, "delivered">) => void;
  readonly #branches = new Map<object, LatestWatch>();
  #keepers = 0;

  /** `onLost`: called when one was lost on some way. */
  constructor(onLost: (outcome: Exclude<DeliveryOutcome, "delivered">) => void) {
    this.#onLost = onLost;
  }

  get isSkipped(): boolean {
    return this.#branches.size === 0
      ? this.#keepers > 0
      : [...this.#branches.values()].every((branch) => branch.isSkipped);
  }

  retain(): void {
    this.#keepers += 1;
  }

  release(outcome: DeliveryOutcome): void {
    this.#keepers -= 1;
    // Where there are branches, those report.
    if (outcome !== "delivered" && this.#branches.size === 0) {
      this.#onLost(outcome);
    }
  }

  branch(way: object): BranchTracker {
    const branch = this.#branches.get(way) ?? new LatestWatch(this.#onLost);
    this.#branches.set(way, branch);
    return branch;
  }
}
