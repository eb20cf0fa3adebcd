import { dialects, type SignalResult, sourceRanks } from "../../model/dialects.ts";
import type { Moment } from "../../model/moment.ts";
import { type SignalBatch, signalTypes } from "../../model/signal-batch.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { UnwatchedWork } from "../policy/unwatched-work.ts";
import type { OpenWork } from "../store/open-work.ts";
import type { Admission } from "./admission.ts";
import type { GuessedKinds } from "./guessed-kinds.ts";
import type { ImpliedTools } from "./implied-tools.ts";
import type { RequestRecords } from "./request-records.ts";
import type { RequestedTools } from "./requested-tools.ts";
import type { SessionSignals } from "./session-signals.ts";
import type { SpanEnds } from "./span-ends.ts";
import type { SpanStarts } from "./span-starts.ts";

/** What it needs of the engine. */
interface SignalRouterParts {
  readonly openWork: OpenWork;
  readonly processes: ProcessLiveness;
  readonly admission: Admission;
  readonly implied: ImpliedTools;
  readonly requests: RequestRecords;
  readonly requested: RequestedTools;
  readonly sessionSignals: SessionSignals;
  readonly starts: SpanStarts;
  readonly ends: SpanEnds;
  readonly guesses: GuessedKinds;
  readonly unwatched: UnwatchedWork;
}

/** Passes each signal to its handler, unless a better source of the same process reports the same work. Keeps nothing. */
export class SignalRouter {
  readonly #parts: SignalRouterParts;

  constructor(parts: SignalRouterParts) {
    this.#parts = parts;
  }

  /** Ingests the signal in `row`, which arrived at `nowMs`. */
  ingest(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { openWork, processes, requests, requested, sessionSignals, unwatched } = this.#parts;
    switch (batch.type.get(row)) {
      case signalTypes.foreign:
        return "foreign";
      case signalTypes.overlong:
        return "overlong";
      default:
        break;
    }
    const process = batch.process.get(row);
    const dialect = batch.dialect.get(row);
    openWork.durations.onProcessSeen(process, nowMs);
    if (process !== 0 && batch.type.get(row) === signalTypes.unwatched) {
      unwatched.onUnwatched(batch, row, nowMs);
      return "unwatched";
    }
    const serviceHost = batch.serviceHost.get(row);
    const isBetter = processes.onSignal({ process, serviceHost, dialect, nowMs });
    if (isBetter && dialect === dialects.relay.storedId) {
      unwatched.handOver(process, nowMs);
    }
    if (process === 0) {
      return this.#parts.admission.refuseProcess(batch, row);
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
        requests.waits.add(batch, row, nowMs);
        return sessionSignals.pause(batch, row, nowMs);
      case signalTypes.resume:
        requests.waits.add(batch, row, nowMs);
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
    // Live and finished spans are the same spans; the spans of a relay are not.
    const isRelayed = processes.sourceOf(process) === sourceRanks.relay;
    if (
      (dialect !== dialects.relay.storedId && isRelayed) ||
      (unwatched.processes.size > 0 && unwatched.covers(batch, row, nowMs))
    ) {
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
    if (dialect === dialects.impliedParent.storedId) {
      return this.#parts.implied.onPart(batch, row, nowMs);
    }
    if (batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0) {
      requested.onToolSeen(batch, row, nowMs);
    }
    if (batch.type.get(row) === signalTypes.start) {
      return this.#parts.starts.ingest(batch, row, nowMs);
    }
    const result = this.#parts.ends.ingest(batch, row, nowMs);
    this.#parts.guesses.learn(batch, row, nowMs);
    return result;
  }
}

function momentOf(batch: SignalBatch, row: number, atMs: number): Moment {
  return { atMs, timeMs: batch.startMs.get(row), seq: 0 };
}
