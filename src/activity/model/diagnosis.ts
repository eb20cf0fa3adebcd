/** Verdicts on an open run, or on the work that a gateway complains about; the values of `openclaw.verdict`. */
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

/** Claims: what a gateway reports about its own session; the values of `openclaw.claim`. `none`: there is no claim. Stored as an index. */
export const claimNames = ["none", "stalled", "stuck", "long_running", "recovery"] as const;

export type Claim = (typeof claimNames)[number];

/** What blocks a session that makes no progress; the values of `openclaw.blocked_by`. */
export const blockedByNames = ["none", "tool", "model_call", "run"] as const;

export type BlockedBy = (typeof blockedByNames)[number];

/** States of a session with an open run, in OpenClaw's words; the values of `openclaw.state`. */
export const sessionStateNames = [
  "active",
  "long_running",
  "stalled",
  "blocked_tool_call",
  "paused",
] as const;

export type SessionState = (typeof sessionStateNames)[number];
