import { z } from "zod";

/**
 * Tool calls that are read of one model call or run: of more requests the first, and the others are counted as untracked; of more
 * answers the last. No model asks for as many at once.
 */
export const maxCallsPerSpan = 128;

/**
 * Rows that one search reads among those that belong together: the runs of a session, the open work of a run, the processes of a
 * trace. A search that is cut knows nothing of the rest, so its answer is the cautious one: see `engine/DESIGN.md`. No session of an
 * agent has as many at once.
 */
export const maxSearched = 128;

/** How long the engine waits and how much it keeps. Durations are in milliseconds. Stored in the journal under these keys. */
const schema = z.object({
  /** How long after the end of its last holder a marker may still report its own end. */
  allowedLatenessMs: z.number(),
  /** Open work without any signal for this long is evicted. */
  maxAgeMs: z.number(),
  /** How long ended work is kept to recognize late signals; runs and evicted work are kept for `maxAgeMs` at least. */
  tombstoneTtlMs: z.number(),
  /** Sessions (or owner trees) with open work; further ones are untracked. */
  maxSessions: z.number(),
  /** Open runs, tools and model calls; further ones are untracked. */
  maxOpenWork: z.number(),
  /** Ended and evicted spans and links that are kept; the oldest are dropped first. */
  maxTombstones: z.number(),
  /** Work without progress for this long is silent. */
  stalledAfterMs: z.number(),
  /** A session that has had an open run for this long is long-running. */
  longRunningAfterMs: z.number(),
  /** A wait for a person ends after this long at the latest. */
  maxPauseMs: z.number(),
  /** How many deadlines and evicted markers one call handles; the rest waits for the next call. */
  stepsPerCall: z.number(),
  /** Whether events list each evicted marker. */
  includesMarkers: z.boolean(),
  /** Whether a run holds work of other processes as it holds its own. Journals from before this rule do not have the key. */
  holdsAcrossProcesses: z.boolean().default(false),
  /**
   * Whether a search among the rows of one session, run or trace ends after `maxSearched` rows, and counts them as steps. Journals
   * from before this rule do not have the key.
   */
  boundsSearches: z.boolean().default(false),
  /**
   * Whether work whose end is of another kind than its start counts as what its end says. Journals from before this rule do not have the
   * key.
   */
  correctsKinds: z.boolean().default(false),
  /**
   * Whether an eviction is only presumed to be right where the run of the work is in another process. Journals from before this rule do not
   * have the key.
   */
  presumesElsewhere: z.boolean().default(false),
  /** Instead of `maxSearched`. Only tests set it, so that short histories reach the bound. */
  maxSearched: z.number().optional(),
});

export type ActivityLimits = z.output<typeof schema>;

/** The limits that say how many rows a search may read. */
export type SearchLimits = Pick<ActivityLimits, "boundsSearches" | "maxSearched">;

/** How many rows one search may read. */
export function mostSearched(limits: SearchLimits): number {
  return limits.boundsSearches ? (limits.maxSearched ?? maxSearched) : Number.POSITIVE_INFINITY;
}

/** How many rows the searches of one decision may read together: it may concern many markers. */
export function mostSearchedTogether(limits: SearchLimits): number {
  return 8 * mostSearched(limits);
}

/**
 * Reads stored limits. Journals call `includesMarkers` `tellsMarkers`, so that an earlier program reads them, too; a few journals of
 * version 3 have the name of today.
 */
export const storedLimits: z.ZodType<ActivityLimits> = z.preprocess((stored) => {
  const { tellsMarkers, ...limits }: Readonly<Record<string, unknown>> = Object(stored);
  return tellsMarkers === undefined ? limits : { ...limits, includesMarkers: tellsMarkers };
}, schema);

/** Limits under the keys of a journal. */
export function toStoredLimits(limits: ActivityLimits): Readonly<Record<string, unknown>> {
  const { includesMarkers, ...others } = limits;
  return { ...others, tellsMarkers: includesMarkers };
}
