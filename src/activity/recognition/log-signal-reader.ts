import protobuf from "protobufjs/minimal.js";
import { otlp } from "../../otlp/proto/generated.js";
import { recordRangesOf } from "../../otlp/record-ranges.ts";
import { type FieldRanges, withoutFields } from "../../otlp/splice.ts";
import { type SignalBatch, signalTypes } from "../model/signal-batch.ts";
import { workKinds } from "../model/work.ts";
import { type ActivityRecord, decodeRecord, decodeResource } from "./activity-record.ts";
import { addClaimEvent, claimEventNames, isClaimEvent } from "./dialects/claim-events.ts";
import { addEntityEvent, entityEventNames } from "./dialects/entity-events.ts";
import {
  type ReportIntervals,
  readReport,
  reportDialectOf,
  reportKeys,
} from "./dialects/reported-spans.ts";
import {
  addPauseEvent,
  addSessionEvent,
  pauseEventNames,
  sessionEventNames,
} from "./dialects/session-events.ts";
import { relayScopeName } from "./dialects/span-forms.ts";
import { addUnwatchedEvent, unwatchedEventName } from "./dialects/unwatched-events.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import type { LabelValues } from "./label-values.ts";
import type { SenderProcess, SenderProcesses } from "./sender-processes.ts";
import type { SpanSignalReader } from "./span-signal-reader.ts";

/** What a record must hold somewhere to be of interest. */
const names = [
  ...Object.values(entityEventNames),
  ...Object.values(sessionEventNames),
  ...Object.values(pauseEventNames),
  ...Object.values(claimEventNames),
  ...Object.values(reportKeys),
  unwatchedEventName,
];
/** A beginning of all of `names` that is found fast: they are told apart later. */
const needles = [
  "entity.",
  "session.",
  "message.queued",
  "gen_ai.agent.",
  "partial.event",
  "span.state",
  "openclaw.activity.",
];

/**
 * Turns log records into signals: S4 and S5 (spans reported in the body of a record), S6 (entity events),
 * S7 (session events), S8 (pauses), S9 (what a gateway says of its own sessions), and that a source no longer watches. One record that cannot be read costs no other.
 */
export class LogSignalReader {
  readonly #processes: SenderProcesses;
  readonly #hash: KeyedHash;
  readonly #tools: LabelValues;
  readonly #spans: SpanSignalReader;
  readonly #sessionReferences: readonly string[];
  readonly #intervals: ReportIntervals;
  readonly #forwardsClaims: boolean;
  #consumed: { readonly start: number; readonly end: number }[] = [];

  constructor(parts: {
    readonly processes: SenderProcesses;
    readonly hash: KeyedHash;
    readonly tools: LabelValues;
    /** Reads the spans that records carry; not the one that reads requests. */
    readonly spans: SpanSignalReader;
    readonly sessionReferences: readonly string[];
    readonly intervals: ReportIntervals;
    /** Whether events of S9 are passed on. */
    readonly passesClaims?: boolean;
  }) {
    this.#processes = parts.processes;
    this.#hash = parts.hash;
    this.#tools = parts.tools;
    this.#spans = parts.spans;
    this.#sessionReferences = parts.sessionReferences;
    this.#intervals = parts.intervals;
    this.#forwardsClaims = parts.passesClaims ?? false;
  }

  /** Releases the bytes of the last request. */
  release(): void {
    this.#spans.release();
  }

  /** How many records of the last request speak to us alone and are not passed on. */
  get consumedRecords(): number {
    return this.#consumed.length;
  }

  /** The last request, which was `bytes`, without the records that speak to us alone. */
  rest(bytes: Uint8Array): Uint8Array {
    const ranges: FieldRanges = {
      count: this.#consumed.length,
      start: (index) => this.#consumed[index]?.start ?? 0,
      end: (index) => this.#consumed[index]?.end ?? 0,
    };
    return withoutFields(bytes, ranges);
  }

  /**
   * Writes the signals of a logs request into `signals`, which is emptied before. Requests without any,
   * nearly all, are only searched for names.
   */
  read(bytes: Uint8Array, signals: SignalBatch): void {
    signals.clear();
    this.#consumed = [];
    if (!holdsAny(bytes, needles)) {
      return;
    }
    const { resources, scopes, records } = recordRangesOf(bytes);
    const scopeNames = scopes.map(scopeNameOf);
    const known = new Map<number, ReturnType<typeof decodeResource>>();
    for (const { resource, scope, fieldStart, start, end } of records) {
      const message = bytes.subarray(start, end);
      if (!holdsAny(message, names)) {
        continue;
      }
      const attributes =
        known.get(resource) ?? decodeResource(resources[resource] ?? new Uint8Array(0));
      known.set(resource, attributes);
      const record = decodeRecord(message, attributes);
      if (record === undefined) {
        continue;
      }
      const isConsumed =
        scopeNames[scope] === relayScopeName && isClaimEvent(record.eventName)
          ? this.#readClaim(record, signals)
          : this.#readRecord(record, scopeNames[scope] ?? "", signals);
      if (isConsumed) {
        this.#consumed.push({ start: fieldStart, end });
      }
    }
  }

  /** What a gateway says of its sessions. An event of that name from anybody else is none of these. */
  #readClaim(seen: ActivityRecord, signals: SignalBatch): boolean {
    const context = {
      sender: this.#processes.findDecoded(seen.resource),
      hash: this.#hash,
      sessionReferences: this.#sessionReferences,
      tools: this.#tools,
    };
    addClaimEvent(seen, context, signals);
    return !this.#forwardsClaims;
  }

  /** True when the record speaks to us alone. */
  #readRecord(seen: ActivityRecord, scopeName: string, signals: SignalBatch): boolean {
    const sender = this.#processes.findDecoded(seen.resource);
    const context = { sender, hash: this.#hash, sessionReferences: this.#sessionReferences };
    switch (seen.eventName) {
      case entityEventNames.state:
      case entityEventNames.delete:
        addEntityEvent(seen, sender, signals);
        return false;
      case sessionEventNames.start:
      case sessionEventNames.end:
        addSessionEvent(seen, context, signals);
        return false;
      case pauseEventNames.paused:
      case pauseEventNames.resumed:
      case pauseEventNames.resolved:
        addPauseEvent(seen, context, signals);
        return false;
      case unwatchedEventName:
        return addUnwatchedEvent(seen, { sender, scopeName }, signals);
      default:
        return reportDialectOf(seen) !== undefined && this.#readReport(seen, sender, signals);
    }
  }

  #readReport(seen: ActivityRecord, sender: SenderProcess, signals: SignalBatch): boolean {
    const report = readReport(seen, this.#intervals);
    if (report !== undefined) {
      const { dialect, isStart, intervalMs, bytes } = report;
      const told = { dialect, isStart, intervalMs, sentMs: seen.atMs, sender };
      const before = signals.count;
      // Some senders put a ResourceSpans where others have the request around it.
      for (const request of [bytes, inRequest(bytes)]) {
        this.#spans.append(request, signals, told);
        if (signals.count > before) {
          return true;
        }
      }
    }
    signals.add({
      type: signalTypes.malformed,
      dialect: reportDialectOf(seen) ?? 0,
      kind: workKinds.other,
      flags: 0,
      process: sender.process,
      serviceHost: sender.serviceHost,
      startMs: 0,
      endMs: 0,
    });
    return false;
  }
}

function holdsAny(bytes: Uint8Array, texts: readonly string[]): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return texts.some((text) => buffer.includes(text));
}

function scopeNameOf(bytes: Uint8Array): string {
  try {
    return otlp.InstrumentationScope.decode(bytes).name ?? "";
  } catch {
    return "";
  }
}

function inRequest(resourceSpans: Uint8Array): Uint8Array {
  return protobuf.Writer.create().uint32(10).bytes(resourceSpans).finish();
}
