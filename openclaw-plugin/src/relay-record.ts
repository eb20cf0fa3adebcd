import type { ClaimEvent, ClaimEventType } from "./claim-event.ts";
import type { WorkKind } from "./gateway-event.ts";

/** One span to send: complete when `phase` is `end`, still open (no end time) when it is `start`. Holds no raw id. */
export interface SpanRecord {
  readonly signal: "span";
  readonly phase: "start" | "end";
  /** A start that is sent again because the work made progress. */
  readonly isProgress: boolean;
  readonly kind: WorkKind;
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** 16 hex digits, or empty for a root. */
  readonly parentSpanId: string;
  readonly startMs: number;
  /** 0 while the work is open. */
  readonly endMs: number;
  /** Pseudonym of the session. */
  readonly session: string;
  /** OpenClaw's sequence number of the event behind this record. */
  readonly seq: number;
  readonly isError: boolean;
  /** Tool name or id of the harness. */
  readonly name: string | undefined;
  readonly outcome: string | undefined;
  readonly errorCategory: string | undefined;
  readonly channel: string | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
}

/** A session began or ended. Holds no raw id. */
export interface SessionRecord {
  readonly signal: "session";
  readonly event: "session.start" | "session.end";
  readonly session: string;
  /** The newest sequence number before this record; events with a higher one happened after it. */
  readonly seq: number;
  readonly atMs: number;
}

/** A span begins or ceases to wait for a person. Holds no raw id. */
export interface PauseRecord {
  readonly signal: "pause";
  readonly event: "gen_ai.agent.paused" | "gen_ai.agent.resumed";
  /** Pseudonym of the approval: the same in both records. */
  readonly pause: string;
  readonly session: string;
  /** The tool that waits or, if that is unknown, its run. */
  readonly traceId: string;
  readonly spanId: string;
  readonly seq: number;
  readonly atMs: number;
}

/** A report of the gateway about a session, in fields with a fixed set of values. Holds no raw id. */
export interface ClaimRecord
  extends Pick<
    ClaimEvent,
    | "state"
    | "activeWorkKind"
    | "queueDepth"
    | "ageMs"
    | "lastProgressAgeMs"
    | "evictedTools"
    | "evictedModelCalls"
  > {
  readonly signal: "claim";
  readonly event: ClaimEventType;
  readonly session: string | undefined;
  /** The work that it names, if the relay knows it as open; else empty. */
  readonly traceId: string;
  readonly spanId: string;
  readonly seq: number;
  readonly atMs: number;
  readonly reason: string | undefined;
  readonly classification: string | undefined;
  readonly toolName: string | undefined;
  readonly action: string | undefined;
  readonly status: string | undefined;
}

/** A record that is sent to `/v1/logs`. */
export type EventRecord = SessionRecord | PauseRecord | ClaimRecord;

export type RelayRecord = SpanRecord | EventRecord;
