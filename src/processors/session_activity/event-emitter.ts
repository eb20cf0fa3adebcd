import { createHash } from "node:crypto";
import type {
  ClockAnchor,
  EmittedRequest,
  EventSink,
  PendingCall,
  SeriesIdentity,
} from "../../activity/journal/persisted-state.ts";
import type { ActivityEvent, EvictedEvent, EvictedMarker } from "../../activity/model/events.ts";
import { kindNames } from "../../activity/model/work.ts";
import type { Clock } from "../../component/clock.ts";
import type { Consumer } from "../../component/consumer.ts";
import type { Logger } from "../../component/settings.ts";
import {
  type DerivedSpan,
  encodeLogEvents,
  encodeSpans,
  type LogEvent,
} from "../../otlp/encode.ts";
import type { Payload } from "../../otlp/payload.ts";
import { RecordCursor } from "../../otlp/record-cursor.ts";
import { type RecordContext, toRecord } from "./event-records.ts";
import { EvictionLog } from "./eviction-log.ts";
import { type DropReason, dropReasons, Outbox } from "./outbox.ts";

const maxLogged = 1000;
const spansPerRequest = 512;

/** The events of one call as a request. */
export interface EmittedCall extends Payload, EmittedRequest {}

/** The durable engine, as the emitter needs it. */
interface EmittingActivity {
  readonly series: SeriesIdentity;
  /** The time of the call whose events are emitted. */
  lastCallAt(): ClockAnchor;
  /** Called when the events of a call, and of all calls before it, are delivered or given up. */
  onDelivered(call: number): void;
}

export interface EventEmitterOptions extends RecordContext {
  readonly activity: () => EmittingActivity;
  readonly resource: () => Readonly<Record<string, string>>;
  readonly scope: { readonly name: string; readonly version: string };
  readonly logger: Logger;
  readonly clock: Clock;
  /** Whether events that are pending at a shutdown are stored and emitted by the next start. */
  readonly isStored: boolean;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** A sender's clock that is further away from ours is not used for closing spans. */
const maxClockSkewMs = 86_400_000;

/**
 * Emits the events of the engine: as log records, as closing spans, and as entries of the log of evictions. It decides nothing.
 *
 * Keeps the last 1 000 evictions, and two outboxes, each with at most 10 000 payloads that are not delivered. Events that find no
 * room there are dropped, logged and counted.
 */
export class ActivityEventEmitter implements EventSink {
  readonly evictions = new EvictionLog(maxLogged);
  readonly #options: EventEmitterOptions;
  #dropped = new Map<DropReason, number>(dropReasons.map((reason) => [reason, 0]));
  #calls = 0;
  #logs: Outbox<EmittedCall> | undefined;
  #traces: Outbox | undefined;

  constructor(options: EventEmitterOptions) {
    this.#options = options;
  }

  /** How many calls had events so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Events that are not delivered, the oldest first. */
  get pending(): readonly EmittedCall[] {
    return this.#logs?.pending() ?? [];
  }

  /** How many events are not delivered. */
  get pendingEvents(): number {
    return this.#logs?.pendingItems ?? 0;
  }

  /** How many events this process dropped. */
  droppedEvents(reason: DropReason): number {
    return this.#dropped.get(reason) ?? 0;
  }

  /** Sends events to `next` as log records. */
  connectLogs(next: Consumer): void {
    const { logger, clock, isStored } = this.#options;
    const onDropped = (items: number, reason: DropReason) => {
      this.#dropped.set(reason, this.droppedEvents(reason) + items);
    };
    this.#logs = new Outbox({ next, logger, clock, isStored, onDropped });
  }

  /** Sends closing spans to `next`; `onDropped` is called with those that were dropped. Of several pipelines only the first gets them, so that each exists once. */
  connectTraces(
    next: Consumer,
    onDropped: (items: number, reason: DropReason) => void = () => {},
  ): void {
    const { logger, clock } = this.#options;
    this.#traces ??= new Outbox({ next, logger, clock, isStored: false, onDropped });
  }

  /**
   * Goes on with what another emitter has pending, where both are connected, and with its counts. Calls continue after its last one;
   * evictions are part of the engine's state.
   */
  takeOver(from: ActivityEventEmitter): void {
    this.#calls = from.#calls;
    this.#dropped = from.#dropped;
    if (this.#logs !== undefined && from.#logs !== undefined) {
      from.#logs.adapt(this.#logs.options);
      this.#logs = from.#logs;
      from.#logs = undefined;
    }
    if (this.#traces !== undefined && from.#traces !== undefined) {
      from.#traces.adapt(this.#traces.options);
      this.#traces = from.#traces;
      from.#traces = undefined;
    }
  }

  /** Emits the events of the call that has just returned them. */
  emit(events: readonly ActivityEvent[]): void {
    if (events.length === 0) {
      return;
    }
    const calledAt = this.#options.activity().lastCallAt();
    this.#calls++;
    for (const event of events) {
      this.logEviction(event, calledAt);
      if (event.type === "held") {
        this.#options.logger.warn(
          "Evictions are held back because too many are due at once or no signals arrive. Check the network first.",
          { reason: event.cause, markers: event.markers },
        );
      }
    }
    this.#post(this.#calls, this.#requestOf(events, this.#calls, calledAt));
    if (this.#traces !== undefined) {
      this.#emitTraces(this.#traces, events, calledAt);
    }
  }

  /** Continues after `calls` calls of an earlier process, and emits the events that it did not deliver, with their own times. */
  resume(calls: number, pending: readonly PendingCall[]): void {
    this.#calls = calls;
    for (const each of pending) {
      const request =
        "bytes" in each
          ? requestFrom(each.bytes)
          : this.#requestOf(each.events, each.call, each.calledAt);
      this.#post(each.call, request);
    }
  }

  /** Adds an eviction to the log of evictions. Ignores other events. */
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

  /** Resolves when the pipelines have taken what they take now. Rejects when `deadline` aborts earlier. */
  async drain(deadline: AbortSignal): Promise<void> {
    await Promise.all([this.#logs?.drain(deadline), this.#traces?.drain(deadline)]);
  }

  #post(call: number, payload: Payload): void {
    const onDelivered = () => this.#options.activity().onDelivered(call);
    if (this.#logs === undefined) {
      onDelivered();
    } else {
      this.#logs.post({ ...payload, call }, onDelivered);
    }
  }

  /**
   * Events that are emitted again after a crash have the same `log.record.uid`, so it is made of what the journal contains. The
   * time is part of it because a call number is used twice when the journal could not be written.
   */
  #requestOf(events: readonly ActivityEvent[], call: number, calledAt: ClockAnchor): Payload {
    const { resource, scope, activity } = this.#options;
    const uid = createHash("sha256")
      .update(`${activity().series.instanceId} ${call} ${calledAt.atMs}`)
      .digest("hex")
      .slice(0, 32);
    const records: LogEvent[] = [];
    for (const event of events) {
      const atMs = "atMs" in event ? event.atMs : calledAt.atMs;
      const record = toRecord(event, toNano(toUnixMs(atMs, calledAt)), this.#options);
      const attributes = { ...record.attributes, "log.record.uid": `${uid}-${records.length}` };
      records.push({ ...record, attributes });
    }
    return {
      signal: "logs",
      bytes: encodeLogEvents({ resource: resource(), scope, events: records }),
      items: records.length,
    };
  }

  #emitTraces(to: Outbox, events: readonly ActivityEvent[], calledAt: ClockAnchor): void {
    const spans: DerivedSpan[] = [];
    for (const event of events) {
      if (event.type === "evicted") {
        for (const marker of event.markers) {
          spans.push(this.#closingSpan(event, marker, toUnixMs(event.atMs, calledAt)));
        }
      }
    }
    const { resource, scope } = this.#options;
    for (let from = 0; from < spans.length; from += spansPerRequest) {
      const part = spans.slice(from, from + spansPerRequest);
      to.post({
        signal: "traces",
        bytes: encodeSpans({ resource: resource(), scope, spans: part }),
        items: part.length,
      });
    }
  }

  /** A sibling of the evicted span, as long as that was open. Its times are the sender's if they are credible, else ours. */
  #closingSpan(event: EvictedEvent, marker: EvictedMarker, evictedMs: number): DerivedSpan {
    const ageMs = Math.max(0, marker.ageMs);
    const isCredible = Math.abs(evictedMs - (marker.startMs + ageMs)) <= maxClockSkewMs;
    const startMs = isCredible ? marker.startMs : evictedMs - ageMs;
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
  let items = 0;
  for (const cursor = new RecordCursor(bytes); cursor.next(); ) {
    items += 1;
  }
  return { signal: "logs", bytes, items };
}

function toUnixMs(atMs: number, anchor: ClockAnchor): number {
  return anchor.unixMs - (anchor.atMs - atMs);
}

function toNano(unixMs: number): bigint {
  return BigInt(Math.round(unixMs * 1000)) * 1000n;
}
