import { dirname } from "node:path";
import type { Disk } from "./disk.ts";
import { explained } from "./path-problem.ts";
import { shown } from "./place.ts";

export interface JournalDirectoryOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** The permissions of the directory if it is created. */
  readonly mode: number;
  /** Makes the directory above it this program's own. Rejects with an `Error` for an operator. */
  readonly claim: () => Promise<void>;
  /** Removes what the recovery has found to be unusable. */
  readonly cleanUp: () => Promise<void>;
}

/**
 * The directory of a journal, from the first change to the disk on. If the disk is full at the start, it is not ready: the journal is
 * then degraded, and prepares it again before each snapshot until that succeeds.
 */
export class JournalDirectory {
  readonly #options: JournalDirectoryOptions;
  #isReady = false;

  constructor(options: JournalDirectoryOptions) {
    this.#options = options;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Makes it ready for writing, unless it is. Rejects with an `Error` for an operator, whose cause has the system's error code. */
  async prepare(): Promise<void> {
    if (this.#isReady) {
      return;
    }
    const { disk, directory, mode, claim, cleanUp } = this.#options;
    await claim();
    const storage = dirname(directory);
    await disk.makeDirectory(directory, mode).catch(
      explained(`the directory ${shown(directory)} cannot be created`, {
        path: directory,
        storage,
      }),
    );
    await disk
      .syncDirectory(storage)
      .catch(
        explained(`the directory ${shown(storage)} cannot be synced`, { path: storage, storage }),
      );
    await cleanUp();
    this.#isReady = true;
  }
}
