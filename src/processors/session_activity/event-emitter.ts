import { createHash } from "node:crypto";
import type {
  ClockAnchor,
  EmittedRequest,
  EventSink,
  PendingCall,
} from "../../activity/journal/persisted-state.ts";
import type { ActivityEvent, EvictedEvent, EvictedMarker } from "../../activity/model/events.ts";
import { kindNames } from "../../activity/model/work.ts";
import type { Consumer } from "../../component/consumer.ts";
import type { Logger } from "../../component/settings.ts";
import { type DerivedSpan, encodeLogEvents, encodeSpans } from "../../otlp/encode.ts";
import type { Payload } from "../../otlp/payload.ts";
import { recordRangesOf } from "../../otlp/record-ranges.ts";
import { type RecordContext, toRecord } from "./event-records.ts";
import { EvictionLog } from "./eviction-log.ts";
import { Outbox } from "./outbox.ts";

const maxLogged = 1000;
const spansPerRequest = 512;

/** The events of one call, as a request. */
export interface EmittedCall extends Payload, EmittedRequest {}

/** Who speaks, and in what words. */
export interface EventEmitterOptions extends RecordContext {
  readonly resource: () => Readonly<Record<string, string>>;
  /** Of the journal: the same over restarts, and no other one's. */
  readonly instanceId: () => string;
  readonly scope: { readonly name: string; readonly version: string };
  readonly logger: Logger;
  readonly randomBytes: (length: number) => Uint8Array;
  /** When the call was that the events are of: the machine's clock and Unix time. */
  readonly lastCallAt: () => ClockAnchor;
  /** Called when the events of a call, and of all calls before it, have been handed on. */
  readonly onDelivered: (call: number) => void;
}

/** A sender's clock that differs from ours by more is not believed. */
const maxClockSkewMs = 86_400_000;

/**
 * Tells the world what the machine decided: as log records, as closing spans, as entries of the log that
 * pages show. It decides nothing.
 */
export class ActivityEventEmitter implements EventSink {
  readonly evictions = new EvictionLog(maxLogged);
  readonly #options: EventEmitterOptions;
  #calls = 0;
  #logs: Outbox<EmittedCall> | undefined;
  #traces: Outbox | undefined;

  constructor(options: EventEmitterOptions) {
    this.#options = options;
  }

  /** Calls of `tell` that had events. */
  get calls(): number {
    return this.#calls;
  }

  /** Events that have not been handed on. */
  get pending(): readonly EmittedCall[] {
    return this.#logs?.pending() ?? [];
  }

  /** Where log records of events go. */
  connectLogs(next: Consumer): void {
    this.#logs = new Outbox(next, this.#options.logger);
  }

  /** Where closing spans go. Of several pipelines the first one gets them, for each span once. */
  connectTraces(next: Consumer): void {
    this.#traces ??= new Outbox(next, this.#options.logger);
  }

  emit(events: readonly ActivityEvent[]): void {
    if (events.length === 0) {
      return;
    }
    const calledAt = this.#options.lastCallAt();
    this.#calls++;
    for (const event of events) {
      this.logEviction(event, calledAt);
      if (event.type === "held") {
        this.#options.logger.warn(
          "Evictions are held back because they may be the fault of what brings the signals.",
          { reason: event.cause, markers: event.markers },
        );
      }
    }
    this.#post(this.#calls, this.#requestOf(events, this.#calls, calledAt));
    this.#emitTraces(events, calledAt);
  }

  /** Goes on where an earlier process ended: what that had not handed on is told now, as of when it happened. */
  resume(calls: number, untold: readonly PendingCall[]): void {
    this.#calls = calls;
    for (const each of untold) {
      const request =
        "bytes" in each
          ? requestFrom(each.bytes)
          : this.#requestOf(each.events, each.call, each.calledAt);
      this.#post(each.call, request);
    }
  }

  /** Puts an eviction into the log that pages show. */
  logEviction(event: ActivityEvent, anchor: ClockAnchor): void {
    if (event.type !== "evicted") {
      return;
    }
    const { tools, channels } = this.#options;
    const toolName = tools.valueOf(event.name);
    const channel = channels.valueOf(event.channel);
    this.evictions.add({
      atUnixMs: Math.round(toUnixMs(event.atMs, anchor)),
      reason: event.reason,
      confidence: event.confidence,
      tools: event.tools,
      modelCalls: event.modelCalls,
      ...(event.oldestAgeMs === undefined ? {} : { oldestAgeMs: Math.round(event.oldestAgeMs) }),
      ...(toolName === undefined ? {} : { toolName }),
      ...(channel === undefined ? {} : { channel }),
    });
  }

  /** Resolves when everything told has been handed on; rejects when `deadline` aborts before that. */
  async drain(deadline: AbortSignal): Promise<void> {
    await Promise.all([this.#logs?.drain(deadline), this.#traces?.drain(deadline)]);
  }

  #post(call: number, payload: Payload): void {
    const onDelivered = () => this.#options.onDelivered(call);
    if (this.#logs === undefined) {
      onDelivered();
    } else {
      this.#logs.post({ ...payload, call }, onDelivered);
    }
  }

  #requestOf(events: readonly ActivityEvent[], call: number, calledAt: ClockAnchor): Payload {
    const uid = this.#uidOf(call, calledAt);
    const records = events.map((event, at) => {
      const atMs = "atMs" in event ? event.atMs : calledAt.atMs;
      const record = toRecord(event, toNano(toUnixMs(atMs, calledAt)), this.#options);
      return { ...record, attributes: { ...record.attributes, "log.record.uid": `${uid}-${at}` } };
    });
    const { resource, scope } = this.#options;
    return {
      signal: "logs",
      bytes: encodeLogEvents({ resource: resource(), scope, events: records }),
      items: records.length,
    };
  }

  /**
   * What is told again after a crash must be known for it, so this is of what the journal knows. The time is there
   * because the number is given twice when the journal could not be written.
   */
  #uidOf(call: number, { atMs }: ClockAnchor): string {
    const hash = createHash("sha256").update(`${this.#options.instanceId()} ${call} ${atMs}`);
    return hash.digest("hex").slice(0, 32);
  }

  #emitTraces(events: readonly ActivityEvent[], calledAt: ClockAnchor): void {
    const spans = events.flatMap((event) =>
      event.type === "evicted"
        ? event.markers.map((marker) =>
            this.#closing(event, marker, toUnixMs(event.atMs, calledAt)),
          )
        : [],
    );
    for (let from = 0; from < spans.length; from += spansPerRequest) {
      const some = spans.slice(from, from + spansPerRequest);
      const { resource, scope } = this.#options;
      this.#traces?.post({
        signal: "traces",
        bytes: encodeSpans({ resource: resource(), scope, spans: some }),
        items: some.length,
      });
    }
  }

  /** A span beside the evicted one, as long as that was open; times are the sender's, where they can be. */
  #closing(event: EvictedEvent, marker: EvictedMarker, evictedMs: number): DerivedSpan {
    const ageMs = Math.max(0, marker.ageMs);
    const isBelievable = Math.abs(evictedMs - (marker.startMs + ageMs)) <= maxClockSkewMs;
    const startMs = isBelievable ? marker.startMs : evictedMs - ageMs;
    const toolName = this.#options.tools.valueOf(marker.name);
    const kind = kindNames[marker.kind];
    return {
      traceId: marker.traceId,
      spanId: this.#options.randomBytes(8),
      parentSpanId: marker.parentSpanId,
      name: `${toolName ?? kind} (evicted)`,
      startTimeUnixNano: toNano(startMs),
      endTimeUnixNano: toNano(startMs + ageMs),
      attributes: {
        "openclaw.reason": event.reason,
        "openclaw.confidence": event.confidence,
        "openclaw.kind": kind,
        ...(toolName === undefined ? {} : { "gen_ai.tool.name": toolName }),
      },
      statusMessage: "evicted",
      linkedSpanId: marker.spanId,
    };
  }
}

function requestFrom(bytes: Uint8Array): Payload {
  return { signal: "logs", bytes, items: recordRangesOf(bytes).records.length };
}

function toUnixMs(atMs: number, anchor: ClockAnchor): number {
  return anchor.unixMs - (anchor.atMs - atMs);
}

function toNano(unixMs: number): bigint {
  return BigInt(Math.round(unixMs * 1000)) * 1000n;
}
