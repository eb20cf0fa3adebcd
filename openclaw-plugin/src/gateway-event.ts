/** OpenClaw's diagnostic events and hooks that the relay reads. It ignores all others. */

import { type ClaimEvent, claimEventTypes, parseClaimEvent } from "./claim-event.ts";
import { isRecord, number, text, time } from "./fields.ts";

export type WorkKind = "harness" | "run" | "tool" | "model_call";

/** A piece of work starts or ends. Ids are raw: they must not leave the process. */
export interface WorkEvent {
  readonly type: "start" | "end";
  readonly kind: WorkKind;
  readonly runId: string | undefined;
  readonly sessionKey: string | undefined;
  readonly sessionId: string | undefined;
  /** Tool-call id or model-call id. */
  readonly callId: string | undefined;
  /** The same for the start and the end of one piece of work within its run: its kind and call id or name. */
  readonly key: string;
  /** Tool name, or id of the harness. */
  readonly name: string | undefined;
  readonly channel: string | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  /** OpenClaw's own span ids of this piece of work. Only a hint: some harnesses give the run's instead of the tool's. */
  readonly traceSpanId: string | undefined;
  readonly traceParentId: string | undefined;
  /** OpenClaw's sequence number. It gives the order of events, which may arrive in another order. */
  readonly seq: number;
  readonly atMs: number;
  /** This field and the following ones are set only in ends. */
  readonly durationMs: number | undefined;
  readonly outcome: string | undefined;
  readonly isError: boolean;
  readonly errorCategory: string | undefined;
}

/** A sub-agent was started for a session; its own events follow. */
export interface SpawnEvent {
  readonly type: "spawn";
  readonly childRunId: string | undefined;
  readonly childSessionKey: string | undefined;
  readonly requesterSessionKey: string | undefined;
}

/** A conversation began, or ended because it was reset, deleted or expired. */
export interface SessionEvent {
  readonly type: "session_start" | "session_end";
  readonly sessionKey: string | undefined;
  readonly sessionId: string | undefined;
  readonly atMs: number;
}

/** An open run or tool made progress. */
export interface ProgressEvent {
  readonly type: "progress";
  readonly kind: "run" | "tool";
  readonly runId: string | undefined;
  readonly sessionKey: string | undefined;
  readonly sessionId: string | undefined;
  /** Of a tool. */
  readonly callId: string | undefined;
  /** 0 where OpenClaw gives none. */
  readonly seq: number;
  /** When it arrived, by a monotonic clock. */
  readonly receivedMs: number;
}

/** A wait for an approval began, or ended because the approval was granted, denied, expired or withdrawn. */
export interface PauseEvent {
  readonly type: "pause" | "resume";
  readonly runId: string | undefined;
  readonly sessionKey: string | undefined;
  readonly sessionId: string | undefined;
  /** Of the tool that waits. */
  readonly callId: string | undefined;
  readonly approvalId: string | undefined;
  /** Whether the tool starts only when the approval is resolved; until then its run waits. */
  readonly isBeforeStart: boolean;
  readonly atMs: number;
}

export type ActivityEvent =
  | WorkEvent
  | SpawnEvent
  | SessionEvent
  | ProgressEvent
  | PauseEvent
  | ClaimEvent;

const kindOfPrefix: Readonly<Record<string, WorkKind>> = {
  "harness.run": "harness",
  run: "run",
  "tool.execution": "tool",
  "model.call": "model_call",
};

const phases = {
  harness: ["started", "completed", "error"],
  run: ["started", "completed"],
  tool: ["started", "completed", "error", "blocked"],
  model_call: ["started", "completed", "error"],
} as const;

const workEventTypes: readonly string[] = Object.entries(kindOfPrefix).flatMap(([prefix, kind]) =>
  phases[kind].map((phase) => `${prefix}.${phase}`),
);

/** The types of diagnostic events that `parseDiagnosticEvent` reads, and that the plugin subscribes to. */
export const diagnosticEventTypes: readonly string[] = [
  ...workEventTypes,
  "run.progress",
  ...claimEventTypes,
];

const known = new Map(
  workEventTypes.map((type) => {
    const dot = type.lastIndexOf(".");
    return [type, { kind: kindOfPrefix[type.slice(0, dot)], phase: type.slice(dot + 1) }] as const;
  }),
);

/** The hooks that `parseHook` reads. */
export const hookNames = ["session_start", "session_end", "subagent_spawned"] as const;

/**
 * Reads the arguments of a listener of diagnostic events. Returns `undefined` for events of other types and for events that
 * the dispatcher does not mark as trusted or internal. Never throws.
 *
 * @param receivedMs when it arrived, by a monotonic clock
 */
export function parseDiagnosticEvent(
  event: unknown,
  metadata: unknown,
  receivedMs: number,
): WorkEvent | ProgressEvent | ClaimEvent | undefined {
  if (!isRecord(event) || !isRecord(metadata)) {
    return undefined;
  }
  const name = text(event["type"]) ?? "";
  const type = known.get(name);
  if (type === undefined && name !== "run.progress") {
    return parseClaimEvent(event, metadata);
  }
  if (metadata["trusted"] !== true) {
    return undefined;
  }
  return type === undefined
    ? progressOf(event, receivedMs)
    : parseWorkEvent(event, type.kind, type.phase);
}

function progressOf(event: Readonly<Record<string, unknown>>, receivedMs: number): ProgressEvent {
  return {
    type: "progress",
    kind: "run",
    runId: text(event["runId"]),
    sessionKey: text(event["sessionKey"]),
    sessionId: text(event["sessionId"]),
    callId: undefined,
    seq: number(event["seq"]) ?? 0,
    receivedMs,
  };
}

function parseWorkEvent(
  event: Readonly<Record<string, unknown>>,
  kind: WorkKind | undefined,
  phase: string,
): WorkEvent | undefined {
  const atMs = time(event["ts"]);
  if (kind === undefined || atMs === undefined) {
    return undefined;
  }
  const trace = isRecord(event["trace"]) ? event["trace"] : {};
  const callId = text(event["toolCallId"]) ?? text(event["callId"]);
  const name = text(event["toolName"]) ?? text(event["harnessId"]);
  const model = text(event["model"]);
  const outcome = outcomeOf(event, phase);
  return {
    type: phase === "started" ? "start" : "end",
    kind,
    runId: text(event["runId"]),
    sessionKey: text(event["sessionKey"]),
    sessionId: text(event["sessionId"]),
    callId,
    key: keyOf(kind, callId ?? `${name ?? ""}\0${model ?? ""}`),
    name,
    channel: text(event["channel"]),
    provider: text(event["provider"]),
    model,
    traceSpanId: text(trace["spanId"]),
    traceParentId: text(trace["parentSpanId"]),
    seq: number(event["seq"]) ?? 0,
    // A runtime that records its own time knows when a tool started or ended; the bus only knows when it learned of it.
    atMs: time(event["sourceTimestampMs"]) ?? atMs,
    durationMs: number(event["durationMs"]),
    outcome,
    isError: phase === "error" || outcome === "error" || outcome === "timed_out",
    errorCategory: text(event["errorCategory"]),
  };
}

/** The key that the start and the end of one piece of work share within their run. */
export function keyOf(kind: WorkKind, callId: string): string {
  return kind === "harness" || kind === "run" ? kind : `${kind}\0${callId}`;
}

function outcomeOf(event: Readonly<Record<string, unknown>>, phase: string): string | undefined {
  switch (phase) {
    case "started":
      return undefined;
    case "completed":
      return text(event["outcome"]) ?? "completed";
    case "blocked":
      return "blocked";
    default:
      return text(event["terminalReason"]) ?? "error";
  }
}

/** OpenClaw's reasons for the end of a conversation. `compaction` and `restart` are missing, because the conversation continues. */
const endingReasons = new Set(["new", "reset", "idle", "daily", "deleted"]);

/**
 * Reads the arguments of a plugin hook. Returns `undefined` for calls that are not about activity. Never throws.
 *
 * @param atMs Unix time of the call, because hooks carry none
 */
export function parseHook(
  call: { readonly name: string; readonly event: unknown; readonly context: unknown },
  atMs: number,
): SpawnEvent | SessionEvent | undefined {
  const { name, event, context } = call;
  const read = (key: string) =>
    (isRecord(event) ? text(event[key]) : undefined) ??
    (isRecord(context) ? text(context[key]) : undefined);
  const isOver = name === "session_end" && endingReasons.has(read("reason") ?? "");
  if (name === "session_start" || isOver) {
    return {
      type: isOver ? "session_end" : "session_start",
      sessionKey: read("sessionKey"),
      sessionId: read("sessionId"),
      atMs,
    };
  }
  if (name === "subagent_spawned") {
    return {
      type: "spawn",
      childRunId: read("runId"),
      childSessionKey: read("childSessionKey"),
      requesterSessionKey: read("requesterSessionKey"),
    };
  }
  return undefined;
}
