import { z } from "zod";
import { evictionReasons } from "../../activity/model/reasons.ts";

/** One eviction, as pages and support may show it: no id of anything. */
export const loggedEvictionSchema = z.object({
  atUnixMs: z.number(),
  reason: z.enum(evictionReasons),
  confidence: z.enum(["confirmed", "probable", "presumed"]),
  tools: z.number(),
  modelCalls: z.number(),
  /** Absent when only a number of markers is known. */
  oldestAgeMs: z.number().optional(),
  toolName: z.string().optional(),
  channel: z.string().optional(),
});

export type LoggedEviction = z.output<typeof loggedEvictionSchema>;
