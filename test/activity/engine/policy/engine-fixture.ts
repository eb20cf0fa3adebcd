import { ActivityEngine } from "../../../../src/activity/engine/activity-engine.ts";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import type { ActivityEvent } from "../../../../src/activity/model/events.ts";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import { SignalBatch } from "../../../../src/activity/model/signal-batch.ts";
import { limits, type Signal, write } from "../history.ts";

/** A whole engine whose parts a test can call. Times are in seconds, as in `History`. */
export class EngineFixture {
  readonly parts: EngineParts;
  readonly engine: ActivityEngine;
  readonly events: ActivityEvent[] = [];
  readonly #batch = new SignalBatch();

  constructor(changed: Partial<ActivityLimits> = {}) {
    const all = { ...limits, ...changed };
    this.parts = new EngineParts(all);
    this.engine = new ActivityEngine(all, undefined, this.parts);
  }

  arrive(at: number, ...signals: readonly Signal[]): void {
    this.#batch.clear();
    for (const signal of signals) {
      write(this.#batch, signal);
    }
    this.events.push(...this.engine.apply(this.#batch, at * 1000));
  }

  tick(at: number): void {
    do {
      this.events.push(...this.engine.tick(at * 1000));
    } while (this.engine.isBehind);
  }

  /** The row of a span; -1 when it is not known. */
  span(span: number, { trace = 1, process = 1 } = {}): number {
    const { traces, spans } = this.parts.store;
    const row = traces.find(process, 7, 7, 7, trace);
    return row === -1 ? -1 : spans.find(row, 5, span);
  }

  /** The owner of a span. */
  owner(span: number, of = {}): number {
    return this.parts.store.spans.owner.get(this.span(span, of));
  }

  /** The group of a span. */
  group(span: number, of = {}): number {
    return this.parts.store.groupOf(this.span(span, of));
  }
}

export const run = (span: number, more: Partial<Signal> = {}): Signal => ({
  type: "start",
  kind: "run",
  span,
  start: 0,
  ...more,
});

export const tool = (span: number, parent: number, more: Partial<Signal> = {}): Signal => ({
  type: "start",
  kind: "tool",
  span,
  parent,
  start: 0,
  ...more,
});

export const ended = (signal: Signal, end: number): Signal => ({ ...signal, type: "end", end });
