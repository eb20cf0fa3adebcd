import type { Journal } from "../../component/storage.ts";

/** What the storage reports to the engine that uses a journal. A hand-over changes which engine that is. */
export interface JournalUse {
  onSnapshotNeeded: () => void;
}

/** The state of a durable engine on its way to the one that continues it in the same process. */
export interface ActivityHandover {
  /** A snapshot, as the records of a journal. */
  readonly records: Iterable<Uint8Array>;
  /** The open journal, if there is one. */
  readonly journal: Journal | undefined;
  /**
   * Called when the state is stored in another journal, or is not to be stored any more. `journal` is discarded, because a start from it
   * would bring work back that has ended meanwhile.
   */
  readonly onMoved: () => void;
  /** Called when the successor goes on in `journal`. */
  readonly onShared: () => void;
  /** Resolves when one of both was called; at once without a journal. Until then what `journal` has is needed. */
  readonly released: Promise<void>;
  readonly use: JournalUse;
  /** The engine's clock minus the monotonic clock. */
  readonly offsetMs: number;
  /** Until when, by the engine's clock, senders have time to come back after a restart of the program. */
  readonly graceUntilMs: number;
}
