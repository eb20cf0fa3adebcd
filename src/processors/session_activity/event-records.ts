import type { LogEvent } from "../../otlp/encode.ts";
import type { EvictedEvent, ReconciledEvent } from "./activity-event.ts";
import { confidenceOf, kindNames } from "./kinds.ts";
import type { LabelValues } from "./label-values.ts";

const info = { severityNumber: 9, severityText: "INFO" } as const;
const warn = { severityNumber: 13, severityText: "WARN" } as const;

export interface RecordContext {
  readonly tools: LabelValues;
  readonly channels: LabelValues;
  /** Whether the record's own trace and span id are set. */
  readonly hasTraceContext: boolean;
}

/**
 * `session.activity.evicted`: reason, counts and bounded dimensions. No session, run or tool-call id;
 * the trace context, when wanted, stands in the record's own fields and nowhere else.
 */
export function toEvictedRecord(
  event: EvictedEvent,
  timeUnixNano: bigint,
  context: RecordContext,
): LogEvent {
  const toolName = context.tools.valueOf(event.name);
  const channel = context.channels.valueOf(event.channel);
  return {
    ...warn,
    timeUnixNano,
    eventName: "session.activity.evicted",
    body: "Session activity was evicted because nobody owned it any more.",
    attributes: {
      "openclaw.reason": event.reason,
      "openclaw.evictedTools": event.tools,
      "openclaw.evictedModelCalls": event.modelCalls,
      "openclaw.confidence": confidenceOf[event.reason],
      ...(event.oldestAgeMs === undefined
        ? {}
        : { "openclaw.oldestAgeMs": Math.round(event.oldestAgeMs) }),
      ...(toolName === undefined ? {} : { "gen_ai.tool.name": toolName }),
      ...(channel === undefined ? {} : { "openclaw.channel": channel }),
    },
    ...(context.hasTraceContext ? { traceId: event.traceId, spanId: event.spanId } : {}),
  };
}

/** `session.activity.reconciled`: an eviction that the sender has since corrected. */
export function toReconciledRecord(event: ReconciledEvent, timeUnixNano: bigint): LogEvent {
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
