import type { Clock } from "../../component/clock.ts";
import { beforeDeadline } from "../../component/deadline.ts";
import type { Logger } from "../../component/settings.ts";
import type { ObservedJournal } from "./journal-metrics.ts";
import { reasonSentences } from "./write-failure.ts";

/** How long the journals may take to close when the shutdown deadline has passed before it was their turn. */
const lastMomentMs = 200;

/** As `beforeDeadline`. If others have used up the time, there is a last moment, because a healthy disk needs no longer. */
export async function beforeEnd<T>(
  deadline: AbortSignal,
  work: Promise<T>,
  clock: Clock,
): Promise<T | "late"> {
  if (!deadline.aborted) {
    return beforeDeadline(deadline, work);
  }
  const lastMoment = new AbortController();
  const cancelTimer = clock.after(lastMomentMs, () => lastMoment.abort());
  try {
    return await beforeDeadline(lastMoment.signal, work);
  } finally {
    cancelTimer();
  }
}

/** Logs of each journal what is not stored at the end. Throws if records are lost. */
export function reportLosses(
  journals: ReadonlyMap<string, ObservedJournal>,
  { isLate, logger }: { readonly isLate: boolean; readonly logger: Logger },
): void {
  const incomplete: string[] = [];
  for (const [name, { journal }] of journals) {
    const { lostBecause } = journal;
    const unwritten = isLate ? journal.unwrittenRecords : 0;
    const unsynced = isLate ? journal.unsyncedRecords : 0;
    if (lostBecause !== undefined) {
      incomplete.push(name);
      logger.error(`State was not stored when the program ended. ${reasonSentences[lostBecause]}`, {
        journal: name,
        reason: lostBecause,
      });
    } else if (unwritten > 0) {
      incomplete.push(name);
      logger.error("The disk was too slow to store all records before the shutdown deadline.", {
        journal: name,
        unwritten_records: unwritten,
      });
    } else if (unsynced > 0) {
      logger.warn(
        "The disk was too slow to sync all records before the shutdown deadline. They are written, but a power cut in the next seconds can lose them.",
        { journal: name, unsynced_records: unsynced },
      );
    }
  }
  if (incomplete.length > 0) {
    throw new Error(`Records were not stored before the end: ${incomplete.join(", ")}.`);
  }
}
