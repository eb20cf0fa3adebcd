/** What a span is to the machine. `other` is only a link between a marker and its owner. */
export const workKinds = { other: 0, run: 1, tool: 2, modelCall: 3 } as const;

export type WorkKind = (typeof workKinds)[keyof typeof workKinds];

/** The values of the attribute `openclaw.kind`, by `WorkKind`; `other` is never counted. */
export const kindNames = ["other", "run", "tool", "model_call"] as const;

/** Narrows a number out of a column. */
export function toWorkKind(value: number): WorkKind {
  switch (value) {
    case workKinds.run:
      return workKinds.run;
    case workKinds.tool:
      return workKinds.tool;
    case workKinds.modelCall:
      return workKinds.modelCall;
    default:
      return workKinds.other;
  }
}

/** Why a marker was evicted, in order of precedence. */
export const evictionReasons = [
  "orphaned_no_owner",
  "session_ended",
  "process_gone",
  "lease_expired",
  "max_age",
] as const;

export type EvictionReason = (typeof evictionReasons)[number];

export type Confidence = "confirmed" | "probable" | "presumed";

/** How sure an eviction is, by its reason. */
export const confidenceOf: Readonly<Record<EvictionReason, Confidence>> = {
  orphaned_no_owner: "confirmed",
  session_ended: "confirmed",
  process_gone: "confirmed",
  lease_expired: "probable",
  max_age: "presumed",
};

/** What an open run, or the work that a gateway complains of, turns out to be; the values of `openclaw.verdict`. */
export const verdictNames = [
  "waiting_for_person",
  "silent_tool",
  "silent_model_call",
  "retrying",
  "wedged_run",
  "progressing",
  "stale_marker",
  "queued_only",
  "unknown",
] as const;

export type Verdict = (typeof verdictNames)[number];

/** What a gateway says of a session of its own; the values of `openclaw.claim`. `none`: nobody claimed anything. */
export const claimNames = ["none", "stalled", "stuck", "long_running", "recovery"] as const;

export type Claim = (typeof claimNames)[number];

/** What a session that makes no progress waits for; the values of `openclaw.blocked_by`. */
export const blockedByNames = ["none", "tool", "model_call", "run"] as const;

export type BlockedBy = (typeof blockedByNames)[number];

/** What made progress last; the values of `openclaw.lastSignal`. */
export const progressNames = [
  "run.start",
  "run.end",
  "tool.start",
  "tool.end",
  "model_call.start",
  "model_call.end",
  "progress",
  "pause",
  "resume",
] as const;

export type Progress = (typeof progressNames)[number];

/** How many tool names are told apart; the number after it stands for all others, which are not one tool. */
export const mostToolNames = 1000;
