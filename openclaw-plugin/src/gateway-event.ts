/** What the relay understands of OpenClaw's diagnostic events and hooks; everything else is ignored at the door. */

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
  /** What the start and the end of one piece of work share, beside the run id: its kind and call id or name. */
  readonly key: string;
  /** Tool name, or id of the harness. */
  readonly name: string | undefined;
  readonly channel: string | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  /** Ids OpenClaw itself gave this piece of work. Only a hint: some harnesses name the run's instead of the tool's. */
  readonly traceSpanId: string | undefined;
  readonly traceParentId: string | undefined;
  /** OpenClaw's sequence number: the order of what happened, where arrival is not. */
  readonly seq: number;
  readonly atMs: number;
  /** What follows is told by ends only. */
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

/** A conversation began or is over: reset, deleted, expired. */
export interface SessionEvent {
  readonly type: "session_start" | "session_end";
  readonly sessionKey: string | undefined;
  readonly sessionId: string | undefined;
  readonly atMs: number;
}

/** Something came of a run or a tool that is open. */
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
  /** When it came, by a clock that never goes back. */
  readonly receivedMs: number;
}

/** An approval is waited for, or no longer: granted, denied, expired, or given up. */
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

/** The diagnostic events `parseDiagnosticEvent` understands: what to ask OpenClaw for. */
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

/** The hooks `parseHook` understands. */
export const hookNames = ["session_start", "session_end", "subagent_spawned"] as const;

/**
 * Reads what OpenClaw hands to a listener of diagnostic events.
 * `undefined` for events of other types and for those the dispatcher does not vouch for. Never throws.
 *
 * @param receivedMs when it came, by a clock that never goes back
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
    // A runtime that keeps its own time knows better than the bus when a tool started or ended.
    atMs: time(event["sourceTimestampMs"]) ?? atMs,
    durationMs: number(event["durationMs"]),
    outcome,
    isError: phase === "error" || outcome === "error" || outcome === "timed_out",
    errorCategory: text(event["errorCategory"]),
  };
}

/** What the start and the end of one piece of work share, beside the run id. */
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

/** Why OpenClaw says a conversation is over. A compaction or a restart goes on with it, so those are missing. */
const endingReasons = new Set(["new", "reset", "idle", "daily", "deleted"]);

/**
 * Reads what OpenClaw hands to a plugin hook. `undefined` for what says nothing about activity. Never throws.
 *
 * @param atMs Unix time of the call: hooks carry none
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
