import type { ClaimEvent } from "./claim-event.ts";
import type { Work } from "./gateway-work.ts";
import { closedText, lowCardinality } from "./low-cardinality.ts";
import type { OpenGatewayWork } from "./open-gateway-work.ts";
import type { ClaimRecord } from "./relay-record.ts";

/** Turns a claim into the record to send. `session` is a pseudonym. */
export function claimRecord(
  event: ClaimEvent,
  session: string | undefined,
  open: OpenGatewayWork,
): ClaimRecord {
  const work = session === undefined ? undefined : workOf(event, session, open);
  return {
    signal: "claim",
    event: event.event,
    session,
    traceId: work?.traceId ?? "",
    spanId: work?.spanId ?? "",
    seq: event.seq,
    atMs: event.atMs,
    state: event.state,
    reason: closedText(event.reason),
    classification: closedText(event.classification),
    activeWorkKind: event.activeWorkKind,
    toolName: lowCardinality(event.toolName),
    queueDepth: event.queueDepth,
    ageMs: event.ageMs,
    lastProgressAgeMs: event.lastProgressAgeMs,
    action: closedText(event.action),
    status: closedText(event.status),
    evictedTools: event.evictedTools,
    evictedModelCalls: event.evictedModelCalls,
  };
}

/** The open work that a claim names. A gateway names a tool by its call id, other work only by its kind. */
function workOf(event: ClaimEvent, session: string, open: OpenGatewayWork): Work | undefined {
  switch (event.activeWorkKind) {
    case "tool_call":
      return event.callId === undefined
        ? undefined
        : open.newest(session, ({ kind, callId }) => kind === "tool" && callId === event.callId);
    case "model_call":
      return open.newest(session, ({ kind }) => kind === "model_call");
    case "embedded_run":
      return (
        open.newest(session, ({ kind }) => kind === "run") ??
        open.newest(session, ({ kind }) => kind === "harness")
      );
    case undefined:
      return undefined;
    default: {
      const never: never = event.activeWorkKind;
      return never;
    }
  }
}
