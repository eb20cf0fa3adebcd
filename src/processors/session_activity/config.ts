import { z } from "zod";
import { duration } from "../../config/units.ts";
import { sessionReferenceKeys, workSpans } from "./span-rules-config.ts";

const bound = (fallback: number) => z.int().min(1).max(16_000_000).prefault(fallback);

export const schema = z.strictObject({
  allowed_lateness: duration({ min: "10ms", max: "1h" })
    .prefault("10s")
    .describe(
      "How long after the last owner of a session ended a tool or model call may still report its end. Longer than the delay of every exporter on the way.",
    ),
  max_age: duration({ min: "1s" })
    .prefault("12h")
    .describe("Open work without any signal for this long is given up."),
  tombstone_ttl: duration({ min: "1s" })
    .prefault("15m")
    .describe("How long ended and evicted work is remembered, to recognize what arrives late."),
  max_sessions: bound(100_000).describe(
    "Sessions with open work; beyond it new ones are untracked.",
  ),
  max_open_work: bound(1_000_000).describe(
    "Open runs, tools and model calls; beyond it new ones are untracked.",
  ),
  max_tombstones: bound(1_000_000).describe(
    "Ended and evicted work that is remembered, about 110 bytes each; the oldest is forgotten first.",
  ),
  export_interval: duration({ min: "100ms" })
    .prefault("10s")
    .describe("How often derived metrics are pushed to exporters that are not scraped."),
  trace_context: z
    .boolean()
    .prefault(true)
    .describe("Whether events carry the trace id and span id of the oldest evicted marker."),
  work_spans: workSpans,
  session_references: sessionReferenceKeys,
});

export type Config = z.output<typeof schema>;
