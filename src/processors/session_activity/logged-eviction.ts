import { z } from "zod";
import { evictionReasons } from "../../activity/model/reasons.ts";

/** An eviction in the log of evictions: no ids. Stored in the journal, so no name in it changes. */
export const loggedEvictionSchema = z.object({
  atUnixMs: z.number(),
  reason: z.enum(evictionReasons),
  confidence: z.enum(["confirmed", "probable", "presumed"]),
  tools: z.number(),
  modelCalls: z.number(),
  /** Absent when only a count of markers is known. */
  oldestAgeMs: z.number().optional(),
  toolName: z.string().optional(),
  channel: z.string().optional(),
});

export type LoggedEviction = z.output<typeof loggedEvictionSchema>;
