import type { Journal } from "../../component/storage.ts";

/** What the storage tells the engine that uses a journal. A hand-over changes which engine that is. */
export interface JournalUse {
  onSnapshotNeeded: () => void;
}

/** The state of a durable engine on its way to the one that continues it in the same process. */
export interface ActivityHandover {
  /** A snapshot, as the records of a journal. */
  readonly records: Iterable<Uint8Array>;
  /** The open journal, if there is one. */
  readonly journal: Journal | undefined;
  readonly use: JournalUse;
  /** The engine's clock minus the monotonic clock. */
  readonly offsetMs: number;
  /** Until when, by the engine's clock, senders have time to come back after a restart of the program. */
  readonly graceUntilMs: number;
}
