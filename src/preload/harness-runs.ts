import { OldestFirstMap } from "../collections/oldest-first-map.ts";
import { parentIdOf, type StartedSpan, spanIdOf } from "./started-span.ts";

/**
 * Open harness runs of OpenClaw in which nothing has started yet. Some versions start one that they never end, and create another, complete one
 * at its end; so one is sent only when something starts directly below it. Beyond `max` the oldest is forgotten.
 */
export class HarnessRuns {
  readonly #spans: OldestFirstMap<string, StartedSpan>;

  constructor(max: number) {
    this.#spans = new OldestFirstMap(max);
  }

  add(span: StartedSpan): void {
    this.#spans.set(spanIdOf(span), span);
  }

  /** Removes and returns the harness runs from `span` upwards, the topmost first. */
  takeAbove(span: StartedSpan): readonly StartedSpan[] {
    const runs: StartedSpan[] = [];
    for (let run = this.#parentOf(span); run !== undefined; run = this.#parentOf(run)) {
      runs.unshift(run);
      this.#spans.delete(spanIdOf(run));
    }
    return runs;
  }

  /** Removes ended ones. */
  sweep(): void {
    for (const [id, span] of this.#spans.entries()) {
      if (span.ended) {
        this.#spans.delete(id);
      }
    }
  }

  #parentOf(span: StartedSpan): StartedSpan | undefined {
    return this.#spans.get(parentIdOf(span) ?? "");
  }
}
