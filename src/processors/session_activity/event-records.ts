import type { Verdict } from "../../activity/model/diagnosis.ts";
import type {
  ActivityEvent,
  DiagnosedEvent,
  EvictedEvent,
  Evidence,
  HeldEvent,
  ReconciledEvent,
  RecoveredEvent,
  ShownSession,
  StalledEvent,
} from "../../activity/model/events.ts";
import { kindNames } from "../../activity/model/work.ts";
import type { LabelValues } from "../../activity/recognition/label-values.ts";
import type { LogEvent } from "../../otlp/encode.ts";
import { sessionRefDigits } from "../../privacy/session-ref.ts";

const info = { severityNumber: 9, severityText: "INFO" } as const;
const warn = { severityNumber: 13, severityText: "WARN" } as const;

/**
 * The body of a record is what an operator reads first, and backends match on it: alerts and saved searches contain these texts.
 * So no body changes its wording, here or below.
 */
const verdictBodies: Readonly<Record<Verdict, string>> = {
  waiting_for_person: "The session waits for a person to answer. Nothing hangs.",
  silent_tool:
    "A tool is running and has made no progress for a while. It hangs, or it takes long.",
  silent_model_call:
    "A model call is running and has made no progress for a while. It hangs, or it takes long.",
  retrying:
    "The last model call failed and nothing has started since. The run waits to retry, or it hangs.",
  wedged_run:
    "The run is open and makes no progress, but no tool and no model call of it is open. The run itself hangs.",
  progressing: "The session makes progress. Nothing hangs.",
  stale_marker: "The work belongs to a run that has ended. The marker is stale, nothing hangs.",
  queued_only:
    "Messages wait in the queue and no run is open. No tool and no model call blocks them.",
  unknown: "The complaint matches no open work that is known.",
};

/** Verdicts that need an operator, so their records are warnings. */
const warningVerdicts: readonly Verdict[] = [
  "silent_tool",
  "silent_model_call",
  "retrying",
  "wedged_run",
  "stale_marker",
];

/** What a record needs besides the event. */
export interface RecordContext {
  readonly tools: LabelValues;
  readonly channels: LabelValues;
  /** Whether the record's own trace and span id are set. */
  readonly hasTraceContext: boolean;
}

/** The record of an event. `timeUnixNano` is the time of the event: a deadline, or for a reconciliation the time of the call. */
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
    case "diagnosed":
      return toDiagnosedRecord(event, timeUnixNano, context);
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

/**
 * `session.activity.evicted`: reason, counts and bounded dimensions. No session, run or tool-call id. The trace context, if
 * enabled, is in the record's own fields and nowhere else.
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
    // The wording fits only the reason orphaned_no_owner, but backends match on it.
    body: "Session activity was evicted because nobody owned it any more.",
    attributes: {
      "openclaw.reason": event.reason,
      "openclaw.evictedTools": event.tools,
      "openclaw.evictedModelCalls": event.modelCalls,
      "openclaw.confidence": event.confidence,
      ...millisecondsOf({ oldestAgeMs: event.oldestAgeMs }),
      ...dimensionsOf(event, context),
    },
    ...traceContextOf(event, context),
  };
}

/** `session.activity.reconciled`: the end of evicted work arrived, or a sign that it continues. */
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

/** `session.stalled`: no open run of a session makes progress. Names the work that blocks it. */
function toStalledRecord(
  event: StalledEvent,
  timeUnixNano: bigint,
  context: RecordContext,
): LogEvent {
  return {
    ...warn,
    timeUnixNano,
    eventName: "session.stalled",
    body: verdictBodies[event.verdict],
    attributes: {
      "openclaw.state": event.state,
      "openclaw.openTools": event.tools,
      "openclaw.openModelCalls": event.modelCalls,
      ...evidenceOf(event),
      ...dimensionsOf(event, context),
    },
    ...traceContextOf(event, context),
  };
}

/** `session.diagnosed`: the verdict on a gateway's complaint, or on a silent tool beside others that make progress. */
function toDiagnosedRecord(
  event: DiagnosedEvent,
  timeUnixNano: bigint,
  context: RecordContext,
): LogEvent {
  return {
    ...(warningVerdicts.includes(event.verdict) ? warn : info),
    timeUnixNano,
    eventName: "session.diagnosed",
    body: verdictBodies[event.verdict],
    attributes: {
      "openclaw.claim": event.claim,
      ...evidenceOf(event),
      ...dimensionsOf(event, context),
    },
    ...traceContextOf(event, context),
  };
}

/** `session.recovered`: a stalled session is no longer stalled. */
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
      ...dimensionsOf({ ...event, name: 0 }, context),
    },
  };
}

/** `session.activity.held`: evictions are held back, because too many are due at once or no signals arrive. */
function toHeldRecord(event: HeldEvent, timeUnixNano: bigint): LogEvent {
  return {
    ...warn,
    timeUnixNano,
    eventName: "session.activity.held",
    body: "Evictions are held back because they may be the fault of what brings the signals.",
    attributes: { "openclaw.reason": event.cause, "openclaw.heldMarkers": event.markers },
  };
}

/** The verdict and its evidence. */
function evidenceOf(event: Evidence): Record<string, string | number> {
  const { ageMs, silentMs, usualP50Ms, usualP99Ms, lastSignal } = event;
  return {
    "openclaw.verdict": event.verdict,
    "openclaw.blockedBy": event.blockedBy,
    ...millisecondsOf({ ageMs, silentMs, usualP50Ms, usualP99Ms }),
    ...(lastSignal === undefined ? {} : { "openclaw.lastSignal": lastSignal }),
  };
}

/** Attributes with our prefix and rounded values. Absent values are left out. */
function millisecondsOf(
  values: Readonly<Record<string, number | undefined>>,
): Record<string, number> {
  const attributes: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) {
      attributes[`openclaw.${name}`] = Math.round(value);
    }
  }
  return attributes;
}

/** The record's own ids. None without the option, and none for an event that is about no single work. */
function traceContextOf(
  { traceId, spanId }: { readonly traceId: Uint8Array; readonly spanId: Uint8Array },
  { hasTraceContext }: RecordContext,
): { readonly traceId?: Uint8Array; readonly spanId?: Uint8Array } {
  const hasIds = hasTraceContext && traceId.some(Boolean) && spanId.some(Boolean);
  return hasIds ? { traceId, spanId } : {};
}

/** Tool name and channel, which are bounded, and the reference of the session, if it is to be shown. */
function dimensionsOf(
  { name, channel, sessionRef }: ShownSession & { readonly name: number },
  { tools, channels }: RecordContext,
): Record<string, string> {
  const toolName = tools.valueOf(name);
  const channelName = channels.valueOf(channel);
  return {
    ...(toolName === undefined ? {} : { "gen_ai.tool.name": toolName }),
    ...(channelName === undefined ? {} : { "openclaw.channel": channelName }),
    ...(sessionRef === undefined
      ? {}
      : { "openclaw.session.ref": sessionRef.toString(16).padStart(sessionRefDigits, "0") }),
  };
}
