import type { Dialect } from "../model/dialects.ts";
import type { SignalBatch, signalTypes } from "../model/signal-batch.ts";
import { workKinds } from "../model/work.ts";

/** Adds what only counts: a part of a report that was not believed. */
export function addDisregarded(
  type: typeof signalTypes.foreign | typeof signalTypes.overlong,
  of: {
    readonly dialect: Dialect;
    readonly sender: { readonly process: number; readonly serviceHost: number };
  },
  signals: SignalBatch,
): void {
  signals.add({
    type,
    dialect: of.dialect,
    kind: workKinds.other,
    flags: 0,
    process: of.sender.process,
    serviceHost: of.sender.serviceHost,
    startMs: 0,
    endMs: 0,
  });
}
