import { z } from "zod";
import { storageId } from "../../config/storage-id.ts";
import { duration } from "../../config/units.ts";
import { hashKey } from "../../privacy/hash-key.ts";
import { sessionReferenceKeys, workSpans } from "./span-rules-config.ts";

/** The engine compares times and sets no timers for these, so they may be longer than a timer. */
const longestMemory = "8760h";

/** Left out: it follows from the memory limit of the process. */
const bound = () => z.int().min(1).max(16_000_000).optional();

export const schema = z.strictObject({
  allowed_lateness: duration({ min: "10ms", max: "1h" })
    .prefault("10s")
    .describe(
      "How long a tool or model call may stay open after the end of its last holder (the runs that own it) arrived; then it is evicted. Must be longer than the delay of every exporter on the way.",
    ),
  max_age: duration({ min: "1s", max: longestMemory })
    .prefault("12h")
    .describe("Open work that has sent no signal for this long is evicted."),
  tombstone_ttl: duration({ min: "1s", max: longestMemory })
    .prefault("15m")
    .describe(
      "How long ended work is remembered, so that late signals are recognized. Runs and evicted work are remembered for at least max_age.",
    ),
  max_sessions: bound().describe(
    "The most sessions with open work. Beyond this, work of new sessions is untracked: counted, but never reported as an orphan. Default: as many as max_open_work, at most 100 000.",
  ),
  max_open_work: bound().describe(
    "The most open runs, tools and model calls. Beyond this, new work is untracked. Default: 77 for each MiB of the memory limit of the process, at most 1 000 000.",
  ),
  max_tombstones: bound().describe(
    "The most ended and evicted work that is remembered. Beyond this, the oldest ended work is forgotten first. Default: 155 for each MiB of the memory limit of the process, at most 1 000 000.",
  ),
  stalled_after: duration({ min: "1s" })
    .prefault("2m")
    .describe(
      "A run, tool or model call that makes no progress for this long is silent. A session is stalled, or blocked_tool_call if a tool blocks it, when one of its runs is silent and none makes progress. A start, an end, and a repeated start with openclaw.progress are progress; a heartbeat is not.",
    ),
  long_running_after: duration({ min: "1s" })
    .prefault("5m")
    .describe(
      "A session that makes progress is long_running instead of active when it has had an open run for this long without a break.",
    ),
  max_pause: duration({ min: "1s", max: longestMemory })
    .prefault("168h")
    .describe(
      "A pause (a wait for a person) expires after this long if its end is not reported. While it lasts, the waiting work is not silent, and max_age stops for it and for all work above it.",
    ),
  max_lease: duration({ min: "30s", max: longestMemory })
    .prefault("3h")
    .describe(
      "The longest lease that a sender may promise with its heartbeats: a lease is three intervals. A promise of a longer one does not count, so that max_age applies.",
    ),
  span_state_interval: duration({ min: "100ms", max: "24h" })
    .prefault("5s")
    .describe(
      "How often senders of span.state logs report an open span. Their records do not contain this interval.",
    ),
  forward_pending_spans: z
    .boolean()
    .prefault(false)
    .describe(
      "Whether Logfire's pending spans are forwarded. Only a Logfire backend understands them.",
    ),
  forward_claims: z
    .boolean()
    .prefault(false)
    .describe(
      "Whether a gateway's records about its own sessions (session.stalled, session.state and others, sent by the relay) are forwarded. The collector evaluates them in both cases.",
    ),
  close_spans: z
    .boolean()
    .prefault(false)
    .describe(
      "Whether one closing span per evicted marker is added to the traces, as a sibling of the marker and linked to it, so that a trace view shows the lost work.",
    ),
  storage: storageId().describe(
    "The storage extension that keeps open work, sessions and counters across restarts. Without it, a restart loses them.",
  ),
  restart_grace: duration({ min: "0s", max: "1h" })
    .prefault("30s")
    .describe(
      "Nothing is evicted for this long after a restart, so that senders can deliver what they buffered meanwhile. Only with storage.",
    ),
  export_interval: duration({ min: "100ms" })
    .prefault("10s")
    .describe(
      "How often derived metrics are pushed to exporters that are not scraped, such as otlp_http.",
    ),
  trace_context: z
    .boolean()
    .prefault(true)
    .describe(
      "Whether events contain the trace id and span id of the work they report: the oldest evicted marker, or the work that blocks a session.",
    ),
  session_ref: z
    .boolean()
    .optional()
    .describe(
      "Whether events contain openclaw.session.ref: 12 hex digits by which events of one session are found, and which no one can turn back into the session. Default: true if there is a session_ref_key.",
    ),
  session_ref_key: hashKey()
    .optional()
    .describe(
      "Key of openclaw.session.ref, which is HMAC-SHA-256 over the session: at least 32 characters, from openssl rand -hex 32. Anyone who has the key can compute it, and so does the redaction processor with the same key. Default: a random key, which is kept in the storage, so that nobody else can.",
    ),
  work_spans: workSpans,
  session_references: sessionReferenceKeys,
});

export type Config = z.output<typeof schema>;

/** Whether events show a reference of their session. */
export function showsSessions({
  session_ref: isOn,
  session_ref_key: key,
}: Pick<Config, "session_ref" | "session_ref_key">): boolean {
  return isOn ?? key !== undefined;
}
