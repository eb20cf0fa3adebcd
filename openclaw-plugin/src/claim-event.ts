import { isRecord, natural, number, oneOf, text, time } from "./fields.ts";

/**
 * Events in which the gateway reports on one of its sessions. The first five are claims, the next two are evidence for or
 * against a claim, and the last reports that the gateway itself removed markers without an owner.
 */
export const claimEventTypes = [
  "session.stalled",
  "session.stuck",
  "session.long_running",
  "session.recovery.requested",
  "session.recovery.completed",
  "session.state",
  "message.queued",
  "session.activity.evicted",
] as const;

export type ClaimEventType = (typeof claimEventTypes)[number];

const workKinds = ["tool_call", "model_call", "embedded_run"] as const;

const sessionStates = ["idle", "waiting", "processing"] as const;

/** Ids and names are raw: they must not leave the process. */
export interface ClaimEvent {
  readonly type: "claim";
  readonly event: ClaimEventType;
  readonly sessionKey: string | undefined;
  readonly sessionId: string | undefined;
  /** Id of the tool call it names. */
  readonly callId: string | undefined;
  readonly seq: number;
  readonly atMs: number;
  readonly state: (typeof sessionStates)[number] | undefined;
  readonly reason: string | undefined;
  readonly classification: string | undefined;
  /** The kind of work that the gateway believes to be active. */
  readonly activeWorkKind: (typeof workKinds)[number] | undefined;
  readonly toolName: string | undefined;
  readonly queueDepth: number | undefined;
  readonly ageMs: number | undefined;
  readonly lastProgressAgeMs: number | undefined;
  readonly action: string | undefined;
  readonly status: string | undefined;
  readonly evictedTools: number | undefined;
  readonly evictedModelCalls: number | undefined;
}

/**
 * Reads the arguments of a listener of diagnostic events. Returns `undefined` for events of other types, and for events
 * that the gateway itself did not emit. The gateway's events of these types are not `trusted` but `internal`, a mark that
 * the dispatcher sets and a plugin cannot set. Never throws.
 */
export function parseClaimEvent(event: unknown, metadata: unknown): ClaimEvent | undefined {
  if (!isRecord(event) || !isRecord(metadata)) {
    return undefined;
  }
  const type = oneOf(claimEventTypes, event["type"]);
  const atMs = time(event["ts"]);
  const isOfGateway = metadata["internal"] === true || metadata["trusted"] === true;
  if (type === undefined || atMs === undefined || !isOfGateway) {
    return undefined;
  }
  return {
    type: "claim",
    event: type,
    sessionKey: text(event["sessionKey"]),
    sessionId: text(event["sessionId"]),
    callId: text(event["activeToolCallId"]),
    seq: number(event["seq"]) ?? 0,
    atMs,
    state: oneOf(sessionStates, event["state"]),
    reason: text(event["reason"]),
    classification: text(event["classification"]),
    activeWorkKind: oneOf(workKinds, event["activeWorkKind"]),
    toolName: text(event["activeToolName"]),
    queueDepth: natural(event["queueDepth"]),
    ageMs: natural(event["ageMs"]),
    lastProgressAgeMs: natural(event["lastProgressAgeMs"]),
    action: text(event["action"]),
    status: text(event["status"]),
    evictedTools: natural(event["evictedTools"]),
    evictedModelCalls: natural(event["evictedModelCalls"]),
  };
}
