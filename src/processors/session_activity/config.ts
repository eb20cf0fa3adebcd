import { z } from "zod";
import { storageId } from "../../config/storage-id.ts";
import { duration } from "../../config/units.ts";
import { sessionReferenceKeys, workSpans } from "./span-rules-config.ts";

const bound = (fallback: number) => z.int().min(1).max(16_000_000).prefault(fallback);

export const schema = z.strictObject({
  allowed_lateness: duration({ min: "10ms", max: "1h" })
    .prefault("10s")
    .describe(
      "How long after the last run that holds a tool or model call has ended, by arrival, its end may still arrive. Longer than the delay of every exporter on the way.",
    ),
  max_age: duration({ min: "1s" })
    .prefault("12h")
    .describe("Open work without any signal for this long is given up."),
  tombstone_ttl: duration({ min: "1s" })
    .prefault("15m")
    .describe(
      "How long ended work is remembered, to recognize what arrives late; runs and what was evicted, for max_age at least.",
    ),
  max_sessions: bound(100_000).describe(
    "Sessions with open work; beyond it new ones are untracked.",
  ),
  max_open_work: bound(1_000_000).describe(
    "Open runs, tools and model calls; beyond it new ones are untracked.",
  ),
  max_tombstones: bound(1_000_000).describe(
    "Ended and evicted work that is remembered, about 110 bytes each; the oldest ended work is forgotten first.",
  ),
  stalled_after: duration({ min: "1s" })
    .prefault("2m")
    .describe(
      "Without progress for this long a run, tool or model call is silent. A session with a silent run and none that makes progress is stalled, or blocked_tool_call when a tool blocks it. Progress is a start, an end, or a repeat of a start with openclaw.progress; a heartbeat is none.",
    ),
  long_running_after: duration({ min: "1s" })
    .prefault("5m")
    .describe(
      "A session that makes progress and has had an open run for this long without a break is long_running instead of active.",
    ),
  max_pause: duration({ min: "1s" })
    .prefault("168h")
    .describe(
      "A wait for a person is taken to be over after this long if nothing reports its end. While it lasts, what waits is not silent, and max_age stops for it and for what is above it.",
    ),
  span_state_interval: duration({ min: "100ms", max: "24h" })
    .prefault("5s")
    .describe(
      "How often senders of span.state logs report an open span; their records do not say.",
    ),
  forward_pending_spans: z
    .boolean()
    .prefault(false)
    .describe(
      "Whether Logfire's pending spans are passed on. Only Logfire knows what to do with them.",
    ),
  forward_claims: z
    .boolean()
    .prefault(false)
    .describe(
      "Whether what a gateway says of its own sessions (session.stalled, session.state and the like, from the relay) is passed on too. It is read either way.",
    ),
  close_spans: z
    .boolean()
    .prefault(false)
    .describe(
      "Whether a span is added to the traces for each evicted marker, beside it, so that a trace view shows what was lost.",
    ),
  storage: storageId().describe(
    "The extension that keeps open work, sessions and counters over restarts. Without one they are forgotten.",
  ),
  restart_grace: duration({ min: "0s", max: "1h" })
    .prefault("30s")
    .describe(
      "How long after a restart nothing is evicted, so that senders can deliver what they could not. Only with storage.",
    ),
  export_interval: duration({ min: "100ms" })
    .prefault("10s")
    .describe("How often derived metrics are pushed to exporters that are not scraped."),
  trace_context: z
    .boolean()
    .prefault(true)
    .describe(
      "Whether events carry the trace id and span id of the work that they are about: the oldest evicted marker, or what blocks a session.",
    ),
  work_spans: workSpans,
  session_references: sessionReferenceKeys,
});

export type Config = z.output<typeof schema>;
