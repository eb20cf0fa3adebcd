import type { Consumer } from "../component/consumer.ts";
import type { Signal } from "../otlp/payload.ts";
import type { QueueJournal } from "./queue-journal.ts";
import type { QueuedPayload } from "./sending-queue.ts";

export interface QueueHandoverOptions {
  /** The journal of the queue, which is open. */
  readonly journal: QueueJournal | undefined;
  /**
   * Gives the queue of a signal away: each payload that waits goes to `take` now, each that is being sent when its attempt fails. What
   * still arrives at the predecessor goes to `heir`. `take` resolves when the predecessor's journal has the payload no longer, or goes on;
   * the shutdown of the predecessor waits for that, because its journal is closed then. It never rejects.
   */
  readonly give: (
    signal: Signal,
    heir: Consumer,
    take: (entry: QueuedPayload) => Promise<void>,
  ) => void;
  /** All that is wanted was given. What waits for its next attempt does so no longer. */
  readonly end: (isJournalShared: boolean) => void;
}

/** The sending queues of an exporter on their way to the one that replaces it. */
export class QueueHandover {
  readonly journal: QueueHandoverOptions["journal"];
  readonly give: QueueHandoverOptions["give"];
  readonly end: QueueHandoverOptions["end"];

  constructor({ journal, give, end }: QueueHandoverOptions) {
    this.journal = journal;
    this.give = give;
    this.end = end;
  }
}
