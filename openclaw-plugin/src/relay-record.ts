import type { ClaimEvent, ClaimEventType } from "./claim-event.ts";
import type { WorkKind } from "./gateway-event.ts";

/** One span to send: complete when `phase` is `end`, still open (no end time) when it is `start`. Holds no raw id. */
export interface SpanRecord {
  readonly signal: "span";
  readonly phase: "start" | "end";
  /** A start that is sent again because something came of the work. */
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

/** A session began or is over. Holds no raw id. */
export interface SessionRecord {
  readonly signal: "session";
  readonly event: "session.start" | "session.end";
  readonly session: string;
  /** The newest sequence number seen before: what has a higher one belongs to what comes after. */
  readonly seq: number;
  readonly atMs: number;
}

/** The span that waits for a person begins or ceases to. Holds no raw id. */
export interface PauseRecord {
  readonly signal: "pause";
  readonly event: "gen_ai.agent.paused" | "gen_ai.agent.resumed";
  /** Pseudonym of the approval: the same in both records. */
  readonly pause: string;
  readonly session: string;
  /** The tool that waits; where that is not known, its run. */
  readonly traceId: string;
  readonly spanId: string;
  readonly seq: number;
  readonly atMs: number;
}

/** What the gateway says about a session, in closed fields. Holds no raw id. */
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
  /** The work that it names, as far as that is known to be open; else empty. */
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

/** What is sent to `/v1/logs`. */
export type EventRecord = SessionRecord | PauseRecord | ClaimRecord;

export type RelayRecord = SpanRecord | EventRecord;
