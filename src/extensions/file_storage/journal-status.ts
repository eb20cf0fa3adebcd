import { isDeepStrictEqual } from "node:util";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Logger } from "../../component/settings.ts";
import type { DegradedReason, JournalOwner, JournalState } from "../../component/storage.ts";
import type { JournalCounts } from "./journal-counts.ts";
import { failureSentence, LostFiles } from "./write-failure.ts";

export interface JournalStatusOptions {
  readonly counts: JournalCounts;
  readonly logger: Logger;
  /** The name of the journal in log lines. */
  readonly name: string;
  readonly owner: JournalOwner;
  /** Called after the owner's `onState`. */
  readonly onState: (state: JournalState) => void;
}

/** Whether a journal stores, and what it drops while it does not. It counts and logs both, and calls the owner. */
export class JournalStatus {
  state: JournalState = { status: "ok" };
  /** Increases with every failure of the log, so that a snapshot knows whether it closes the latest gap. */
  gaps = 0;
  /** Whether it is being closed, or is: no snapshot begins any more, and one that closes no gap is given up. */
  isClosed = false;
  readonly #options: JournalStatusOptions;
  #droppedInGap = 0;

  constructor(options: JournalStatusOptions) {
    this.#options = options;
  }

  /** Why the journal does not store; `undefined` if it does. */
  get reason(): DegradedReason | undefined {
    return this.state.status === "ok" ? undefined : this.state.reason;
  }

  /** Whether another process has taken the directory. It stays so. */
  get isTaken(): boolean {
    return this.reason === "in_use";
  }

  /** A record was appended that the log does not accept. */
  onDropped(): void {
    if (this.reason === undefined) {
      this.#options.counts.droppedRecords.closed += 1;
    } else {
      this.countDropped(this.reason, 1);
    }
  }

  countDropped(reason: DegradedReason, records: number): void {
    this.#droppedInGap += records;
    this.#options.counts.droppedRecords[reason] += records;
  }

  /** The log has failed. Returns whether all was well before. */
  onGap(reason: DegradedReason, error: unknown, droppedRecords: number): boolean {
    const { counts, logger, name } = this.#options;
    const isNew = this.state.status === "ok";
    this.gaps += 1;
    this.countDropped(reason, droppedRecords);
    counts.writeErrors[reason] += 1;
    this.#set({ status: "degraded", reason });
    if (isNew) {
      logger.error(`State is no longer stored. ${failureSentence(reason, error)}`, {
        journal: name,
        reason,
        ...fieldsOf(error),
      });
    }
    return isNew;
  }

  /** A snapshot has closed the gap. */
  onGapClosed(): void {
    const { logger, name } = this.#options;
    this.#set({ status: "ok" });
    logger.info("State is stored again, beginning with a new snapshot.", {
      journal: name,
      dropped_records: this.#droppedInGap,
    });
    this.#droppedInGap = 0;
  }

  /** Calls the owner. An exception of the owner must not come out of an append. */
  callOwner(call: (owner: JournalOwner) => void): void {
    const { logger, name, owner } = this.#options;
    try {
      call(owner);
    } catch (error) {
      logger.error("A component's journal callback failed because of a bug.", {
        journal: name,
        "exception.type": error instanceof Error ? error.name : typeof error,
      });
    }
  }

  #set(state: JournalState): void {
    if (isDeepStrictEqual(state, this.state)) {
      return;
    }
    this.state = state;
    this.callOwner((owner) => owner.onState?.(state));
    this.#options.onState(state);
  }
}

function fieldsOf(error: unknown): Readonly<Record<string, string>> {
  if (error === undefined) {
    return {};
  }
  return error instanceof LostFiles ? { path: error.path } : { "error.code": errorCodeOf(error) };
}
