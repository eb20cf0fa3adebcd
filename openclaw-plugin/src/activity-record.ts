import type { WorkKind } from "./activity-event.ts";

/** One span to send: complete when `phase` is `end`, still open (no end time) when it is `start`. Holds no raw id. */
export interface SpanRecord {
  readonly signal: "span";
  readonly phase: "start" | "end";
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

export type ActivityRecord = SpanRecord | SessionRecord;
