import { isRecord, text, time } from "./fields.ts";
import type { PauseEvent } from "./gateway-event.ts";

const types: ReadonlyMap<string, PauseEvent["type"]> = new Map([
  ["plugin.approval.requested", "pause"],
  ["plugin.approval.resolved", "resume"],
]);

/**
 * Reads an event that OpenClaw sends to a client of its approvals: approvals that a plugin requests before a tool starts.
 * Returns `undefined` for all others. Keeps no part of `payload`. Never throws.
 *
 * @param nowMs Unix time of the call, because the time in an answer cannot be trusted
 */
export function parseApprovalEvent(
  name: string,
  payload: unknown,
  nowMs: number,
): PauseEvent | undefined {
  const type = types.get(name);
  const approvalId = isRecord(payload) ? text(payload["id"]) : undefined;
  if (type === undefined || !isRecord(payload) || approvalId === undefined) {
    return undefined;
  }
  const request = isRecord(payload["request"]) ? payload["request"] : {};
  return {
    type,
    runId: text(request["runId"]),
    sessionKey: text(request["sessionKey"]),
    sessionId: undefined,
    callId: text(request["toolCallId"]),
    approvalId,
    isBeforeStart: true,
    atMs: (type === "pause" ? time(payload["createdAtMs"]) : undefined) ?? nowMs,
  };
}
