import type { Dialect } from "../model/dialects.ts";
import { type SignalBatch, signalTypes } from "../model/signal-batch.ts";
import { workKinds } from "../model/work.ts";
import type { SenderProcess } from "./sender-processes.ts";

/** Adds the signal of a record or a span that cannot be read, which is counted. */
export function addMalformed(dialect: Dialect, sender: SenderProcess, signals: SignalBatch): void {
  signals.add({
    type: signalTypes.malformed,
    dialect,
    kind: workKinds.other,
    flags: 0,
    process: sender.process,
    serviceHost: sender.serviceHost,
    startMs: 0,
    endMs: 0,
  });
}
