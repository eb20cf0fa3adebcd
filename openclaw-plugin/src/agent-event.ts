import { isRecord, text, time } from "./fields.ts";
import type { PauseEvent, ProgressEvent } from "./gateway-event.ts";

/** Stream and phase of an approval: of the gateway's own waits, and of the approvals that harnesses report. */
const approvalPhases: ReadonlyMap<string, PauseEvent["type"]> = new Map([
  ["lifecycle waiting-approval", "pause"],
  ["lifecycle approval-resolved", "resume"],
  ["approval requested", "pause"],
  ["approval resolved", "resume"],
]);

/**
 * Reads the argument of a listener of agent events: approvals, and new output of tools. Returns `undefined` for all other
 * events, which are nearly all. Keeps no part of `event`. Never throws.
 *
 * @param receivedMs when it arrived, by a monotonic clock
 */
export function parseAgentEvent(
  event: unknown,
  receivedMs: number,
): PauseEvent | ProgressEvent | undefined {
  if (!isRecord(event) || !isRecord(event["data"])) {
    return undefined;
  }
  const { stream, data } = event;
  const phase = text(data["phase"]);
  const reference = {
    runId: text(event["runId"]),
    sessionKey: text(event["sessionKey"]),
    sessionId: text(event["sessionId"]),
    callId: text(data["toolCallId"]),
  };
  if (stream === "tool") {
    return phase === "update" && reference.callId !== undefined
      ? { type: "progress", kind: "tool", ...reference, seq: 0, receivedMs }
      : undefined;
  }
  const type = approvalPhases.get(`${text(stream)} ${phase}`);
  const atMs = time(event["ts"]);
  // `unavailable`: no client can answer, so the tool does not wait.
  if (type === undefined || atMs === undefined || data["status"] === "unavailable") {
    return undefined;
  }
  return {
    type,
    ...reference,
    approvalId: text(data["approvalId"]),
    isBeforeStart: false,
    atMs,
  };
}
