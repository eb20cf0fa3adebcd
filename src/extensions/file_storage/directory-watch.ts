import type { Logger } from "../../component/settings.ts";
import type { JournalDirectory } from "./journal-directory.ts";
import type { JournalLog } from "./journal-log.ts";
import type { JournalStatus } from "./journal-status.ts";

export interface DirectoryWatchOptions {
  readonly place: JournalDirectory;
  readonly log: JournalLog;
  readonly status: JournalStatus;
  readonly logger: Logger;
  /** The name of the journal in log lines. */
  readonly name: string;
}

/**
 * Watches for files of a journal that somebody removes, and for another process that takes its directory. Either ends the log, because
 * what is written to it then is lost, or mixed with what the other one writes. It keeps the last line that it logged.
 */
export class DirectoryWatch {
  readonly #options: DirectoryWatchOptions;
  /** Why the directory is not ready, in the last log line. */
  #unreadyBecause: string | undefined;

  constructor(options: DirectoryWatchOptions) {
    this.#options = options;
  }

  /** Checks that the files are still there, and fails the log if they are not. Never rejects. */
  async verify(): Promise<void> {
    const { place, log, status } = this.#options;
    if (status.reason !== undefined) {
      return;
    }
    const lost = await place.findLost();
    if (lost !== undefined && status.reason === undefined) {
      log.writer.fail(lost.reason, lost);
    }
  }

  /** Another process has taken the directory, so this one must write nothing more. */
  onTaken(): void {
    const { place, log, status } = this.#options;
    log.writer.fail("in_use", undefined);
    if (!status.isTaken) {
      // The log has ended already.
      place.forget();
      status.onGap("in_use", undefined, 0);
    }
  }

  /** Prepares the directory if that failed at the start, or its files were removed, and returns whether it is ready. Never rejects. */
  async prepare(): Promise<boolean> {
    const { place, logger, name } = this.#options;
    try {
      if (!place.isReady) {
        await place.prepare();
        const lost = await place.findForeign();
        if (lost?.reason === "in_use") {
          this.onTaken();
          throw lost;
        }
        await place.openEndMark();
      } else if (!place.hasEndMark) {
        // There was no room for it.
        await place.openEndMark();
      }
      return true;
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      if (because !== this.#unreadyBecause) {
        this.#unreadyBecause = because;
        logger.warn("State is still not stored.", { journal: name, because });
      }
      return false;
    }
  }
}
