import { dialects, type SignalResult, sourceRanks } from "../../model/dialects.ts";
import type { Moment } from "../../model/moment.ts";
import { type SignalBatch, signalTypes } from "../../model/signal-batch.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { UnwatchedWork } from "../policy/unwatched-work.ts";
import type { OpenWork } from "../store/open-work.ts";
import type { RequestedTools } from "./requested-tools.ts";
import type { SessionSignals } from "./session-signals.ts";
import type { SpanSignals } from "./span-signals.ts";

/** What it needs of the engine. */
interface SignalRouterParts {
  readonly openWork: OpenWork;
  readonly processes: ProcessLiveness;
  readonly requested: RequestedTools;
  readonly sessionSignals: SessionSignals;
  readonly spanSignals: SpanSignals;
  readonly unwatched: UnwatchedWork;
}

/** Hands each signal to its handler, unless a better source of the same process reports the same work. Keeps nothing. */
export class SignalRouter {
  readonly #parts: SignalRouterParts;

  constructor(parts: SignalRouterParts) {
    this.#parts = parts;
  }

  /** Ingests the signal in `row`, which arrived at `nowMs`. */
  ingest(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { openWork, processes, requested, sessionSignals, spanSignals, unwatched } = this.#parts;
    const process = batch.process.get(row);
    const dialect = batch.dialect.get(row);
    openWork.durations.onProcessSeen(process, nowMs);
    if (process !== 0 && batch.type.get(row) === signalTypes.unwatched) {
      unwatched.onUnwatched(batch, row, nowMs);
      return "unwatched";
    }
    const serviceHost = batch.serviceHost.get(row);
    const isBetter = processes.onSignal({ process, serviceHost, dialect, nowMs });
    if (isBetter && dialect === dialects.relay) {
      unwatched.handOver(process, nowMs);
    }
    if (process === 0) {
      return spanSignals.refuseProcess(batch, row);
    }
    switch (batch.type.get(row)) {
      case signalTypes.alive:
        processes.onHeartbeat(process, batch.intervalMs.get(row), momentOf(batch, row, nowMs));
        return "heartbeat";
      case signalTypes.gone:
        processes.onDelete(process, momentOf(batch, row, nowMs));
        return "gone";
      case signalTypes.sessionStart:
        return "session_started";
      case signalTypes.sessionEnd:
        return sessionSignals.end(batch, row, nowMs);
      case signalTypes.pause:
        requested.onWait(batch, row, nowMs);
        return sessionSignals.pause(batch, row, nowMs);
      case signalTypes.resume:
        requested.onWait(batch, row, nowMs);
        return sessionSignals.resume(batch, row, nowMs);
      case signalTypes.claim:
        return sessionSignals.claim(batch, row, nowMs);
      case signalTypes.recovered:
        return sessionSignals.recovered(batch, row);
      case signalTypes.idle:
        return sessionSignals.idle(batch, row, nowMs);
      case signalTypes.queued:
        return sessionSignals.queued(batch, row);
      case signalTypes.evictedBySender:
        return sessionSignals.evictedBySender(batch, row, nowMs);
      case signalTypes.malformed:
        return "malformed";
      default:
        break;
    }
    // Live and finished spans are the same spans; the relay's are its own.
    const isRelayed = processes.sourceOf(process) === sourceRanks.relay;
    if ((dialect !== dialects.relay && isRelayed) || unwatched.covers(batch, row, nowMs)) {
      return "superseded";
    }
    switch (batch.type.get(row)) {
      case signalTypes.request:
        return requested.onRequest(batch, row, nowMs);
      case signalTypes.answer:
        return requested.onAnswer(batch, row, nowMs);
      default:
        break;
    }
    if (dialect === dialects.impliedParent) {
      return spanSignals.toolPart(batch, row, nowMs);
    }
    if (batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0) {
      requested.onToolSeen(batch, row, nowMs);
    }
    return batch.type.get(row) === signalTypes.start
      ? spanSignals.start(batch, row, nowMs)
      : spanSignals.end(batch, row, nowMs);
  }
}

function momentOf(batch: SignalBatch, row: number, atMs: number): Moment {
  return { atMs, timeMs: batch.startMs.get(row), seq: 0 };
}
