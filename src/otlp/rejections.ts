import type { Signal } from "./payload.ts";

/** Why a record (a span, a metric, a log record) is left out of its request. */
export const rejectReasons = [
  "trace_id",
  "span_id",
  "undecodable",
  "wrong_type",
  "too_deep",
  "other_signal",
] as const;
export type RejectReason = (typeof rejectReasons)[number];

/** What is removed from, or replaced in, a record, a resource or a scope that is kept. */
export const repairReasons = [
  "trace_id",
  "span_id",
  "parent_span_id",
  "link",
  "wire_type",
  "wrong_type",
  "invalid_utf8",
] as const;
export type RepairReason = (typeof repairReasons)[number];

/** Items by reason; for rejections spans, data points or log records, for repairs fields. Only what there is. */
export type CountsBy<Reason extends string> = ReadonlyMap<Reason, number>;

/** Adds up several counts. */
export function sumOf<Reason extends string>(
  ...all: readonly (CountsBy<Reason> | undefined)[]
): CountsBy<Reason> {
  const sum = new Map<Reason, number>();
  for (const counts of all) {
    for (const [reason, count] of counts ?? []) {
      sum.set(reason, (sum.get(reason) ?? 0) + count);
    }
  }
  return sum;
}

const words = { traces: "spans", metrics: "data points", logs: "log records" } as const;

const sentences = {
  trace_id: "a trace_id must have 16 bytes (32 hex digits in JSON) and not be all zero",
  span_id: "a span_id must have 8 bytes (16 hex digits in JSON) and not be all zero",
  undecodable: "every field must be decodable",
  wrong_type: "every value in JSON must have the type of its field and fit into it",
  too_deep: "messages must nest at most 100 deep",
  other_signal: "they are data of another signal",
} as const satisfies Record<RejectReason, string>;

/** The message for the sender about what was left out. Quotes nothing of the request. */
export function rejectionMessage(signal: Signal, rejectedBy: CountsBy<RejectReason>): string {
  const why = [...rejectedBy].map(([reason, count]) => `${sentences[reason]} (${count})`);
  return `Some ${words[signal]} were left out: ${why.join("; ")}.`;
}
