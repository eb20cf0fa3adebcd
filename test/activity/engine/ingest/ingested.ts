import type { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import type { SignalResult } from "../../../../src/activity/model/dialects.ts";
import { SignalBatch } from "../../../../src/activity/model/signal-batch.ts";
import { type Signal, write } from "../history.ts";

export function batchOf(...signals: readonly Signal[]): SignalBatch {
  const batch = new SignalBatch();
  for (const signal of signals) {
    write(batch, signal);
  }
  return batch;
}

/** Ingests signals that arrive at second `at`, and returns the result of each. No deadline is decided. */
export function ingest(
  parts: EngineParts,
  at: number,
  ...signals: readonly Signal[]
): readonly SignalResult[] {
  const batch = batchOf(...signals);
  return signals.map((_, row) => parts.router.ingest(batch, row, at * 1000));
}

/** The row of a span of process 1, or -1. */
export function rowOf(parts: EngineParts, span: number, trace = 1): number {
  const { traces, spans } = parts.store;
  const row = traces.find(1, 7, 7, 7, trace);
  return row === -1 ? -1 : spans.find(row, 5, span);
}

export const run: Signal = { type: "start", kind: "run", span: 1, start: 0 };
export const tool: Signal = { type: "start", kind: "tool", span: 2, parent: 1, start: 1 };
export const modelCall: Signal = { ...tool, kind: "model_call" };

export function ended(signal: Signal, end: number, more: Partial<Signal> = {}): Signal {
  return { ...signal, type: "end", end, ...more };
}
