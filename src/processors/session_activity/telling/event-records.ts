import type { LogEvent } from "../../../otlp/encode.ts";
import { type Confidence, confidenceOf, kindNames } from "../kinds.ts";
import type {
  ActivityEvent,
  EvictedEvent,
  HeldEvent,
  ReconciledEvent,
  RecoveredEvent,
  StalledEvent,
} from "../machine/activity-event.ts";
import type { LabelValues } from "../signals/label-values.ts";

const info = { severityNumber: 9, severityText: "INFO" } as const;
const warn = { severityNumber: 13, severityText: "WARN" } as const;

export interface RecordContext {
  readonly tools: LabelValues;
  readonly channels: LabelValues;
  /** Whether the record's own trace and span id are set. */
  readonly hasTraceContext: boolean;
}

/** The record of any event. `timeUnixNano` is when it happened; a reconciliation is told when it is found. */
export function toRecord(
  event: ActivityEvent,
  timeUnixNano: bigint,
  context: RecordContext,
): LogEvent {
  switch (event.type) {
    case "evicted":
      return toEvictedRecord(event, timeUnixNano, context);
    case "reconciled":
      return toReconciledRecord(event, timeUnixNano);
    case "stalled":
      return toStalledRecord(event, timeUnixNano, context);
    case "recovered":
      return toRecoveredRecord(event, timeUnixNano, context);
    case "held":
      return toHeldRecord(event, timeUnixNano);
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** How sure an eviction is; one that was inferred from what a model asked for is presumed. */
export function confidenceOfEvent(event: EvictedEvent): Confidence {
  return event.isInferred ? "presumed" : confidenceOf[event.reason];
}

/**
 * `session.activity.evicted`: reason, counts and bounded dimensions. No session, run or tool-call id;
 * the trace context, when wanted, stands in the record's own fields and nowhere else.
 */
function toEvictedRecord(
  event: EvictedEvent,
  timeUnixNano: bigint,
  context: RecordContext,
): LogEvent {
  return {
    ...warn,
    timeUnixNano,
    eventName: "session.activity.evicted",
    body: "Session activity was evicted because nobody owned it any more.",
    attributes: {
      "openclaw.reason": event.reason,
      "openclaw.evictedTools": event.tools,
      "openclaw.evictedModelCalls": event.modelCalls,
      "openclaw.confidence": confidenceOfEvent(event),
      ...ageOf(event.oldestAgeMs),
      ...namesOf(event, context),
    },
    ...(context.hasTraceContext ? { traceId: event.traceId, spanId: event.spanId } : {}),
  };
}

/** `session.activity.reconciled`: an eviction that the sender has since corrected. */
function toReconciledRecord(event: ReconciledEvent, timeUnixNano: bigint): LogEvent {
  return {
    ...info,
    timeUnixNano,
    eventName: "session.activity.reconciled",
    body: "The end of evicted session activity arrived after all.",
    attributes: {
      "openclaw.kind": kindNames[event.kind],
      "openclaw.lateByMs": Math.round(event.lateByMs),
    },
  };
}

/** `session.stalled`: a session has open work and nothing was heard of it for too long. */
function toStalledRecord(
  event: StalledEvent,
  timeUnixNano: bigint,
  context: RecordContext,
): LogEvent {
  return {
    ...warn,
    timeUnixNano,
    eventName: "session.stalled",
    body: "A session has open work and nothing was heard of it for a while.",
    attributes: {
      "openclaw.state": event.state,
      "openclaw.silentMs": Math.round(event.silentMs),
      "openclaw.openTools": event.tools,
      "openclaw.openModelCalls": event.modelCalls,
      ...ageOf(event.oldestAgeMs),
      ...namesOf(event, context),
    },
    ...(context.hasTraceContext && event.oldestAgeMs !== undefined
      ? { traceId: event.traceId, spanId: event.spanId }
      : {}),
  };
}

/** `session.recovered`: a session that was stalled is not any more. */
function toRecoveredRecord(
  event: RecoveredEvent,
  timeUnixNano: bigint,
  context: RecordContext,
): LogEvent {
  return {
    ...info,
    timeUnixNano,
    eventName: "session.recovered",
    body: "A session that was stalled is not any more.",
    attributes: {
      "openclaw.reason": event.cause,
      ...namesOf({ name: 0, channel: event.channel }, context),
    },
  };
}

/** `session.activity.held`: evictions wait, because they would be too many to be believed. */
function toHeldRecord(event: HeldEvent, timeUnixNano: bigint): LogEvent {
  return {
    ...warn,
    timeUnixNano,
    eventName: "session.activity.held",
    body: "Evictions are held back because they may be the fault of what brings the signals.",
    attributes: { "openclaw.reason": event.cause, "openclaw.heldMarkers": event.markers },
  };
}

function ageOf(oldestAgeMs: number | undefined): Record<string, number> {
  return oldestAgeMs === undefined ? {} : { "openclaw.oldestAgeMs": Math.round(oldestAgeMs) };
}

/** Bounded dimensions only. */
function namesOf(
  { name, channel }: { readonly name: number; readonly channel: number },
  { tools, channels }: RecordContext,
): Record<string, string> {
  const toolName = tools.valueOf(name);
  const channelName = channels.valueOf(channel);
  return {
    ...(toolName === undefined ? {} : { "gen_ai.tool.name": toolName }),
    ...(channelName === undefined ? {} : { "openclaw.channel": channelName }),
  };
}
