import { dirname } from "node:path";
import type { Disk } from "./disk.ts";
import type { EndMark } from "./end-mark.ts";
import { endMarkName } from "./file-names.ts";
import type { JournalLog } from "./journal-log.ts";
import { findLostFiles } from "./lost-files.ts";
import { explained, pathProblem } from "./path-problem.ts";
import { shown } from "./place.ts";
import { isRefusal, type LostFiles, reasonOf } from "./write-failure.ts";

export interface JournalDirectoryOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** The permissions of the directory if it is created. */
  readonly mode: number;
  /** Makes the directory above it this program's own. Rejects with an `Error` for an operator. */
  readonly claim: () => Promise<void>;
  /** Removes what the recovery has found to be unusable. */
  readonly cleanUp: () => Promise<void>;
  readonly log: JournalLog;
  readonly endMark: EndMark;
  /** The name of the recovered snapshot. */
  readonly snapshotName: string | undefined;
}

/**
 * The directory of a journal, from the first change to the disk on. If the disk is full at the start, or the directory was removed, it
 * is not ready: the journal is then degraded, and prepares it again before each snapshot until that succeeds.
 */
export class JournalDirectory {
  readonly #options: JournalDirectoryOptions;
  #isReady = false;
  #isClean = false;
  /** The name of the newest complete snapshot. */
  snapshotName: string | undefined;

  constructor(options: JournalDirectoryOptions) {
    this.#options = options;
    this.snapshotName = options.snapshotName;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get hasEndMark(): boolean {
    return this.#options.endMark.isOpen;
  }

  /**
   * Prepares it at the start and opens the log. If the disk is full or broken, the log fails, but the collector starts; if this program may
   * not write there, it rejects with an `Error` for an operator.
   */
  async open(): Promise<void> {
    const { directory, log } = this.#options;
    try {
      await this.prepare();
      await this.openEndMark();
      await log.writer.open();
    } catch (error) {
      if (this.#isReady && isRefusal(error)) {
        const failed = `the directory ${shown(directory)} cannot be written to`;
        throw await pathProblem(failed, { path: directory, storage: dirname(directory) }, error);
      }
      if (!this.#isReady && reasonOf(error) !== "no_space") {
        throw error;
      }
      log.writer.fail(reasonOf(error), error);
    }
  }

  /** To be called when it is ready, and has no files of another process. Never rejects. */
  async openEndMark(): Promise<void> {
    const { endMark, log } = this.#options;
    await endMark.open(log.writer.syncedSequence);
  }

  /** It is not there any more, or belongs to another process. */
  forget(): void {
    this.#isReady = false;
  }

  /** Compares the files in it with those that there should be. */
  findLost(): Promise<LostFiles | undefined> {
    const { log, endMark } = this.#options;
    return findLostFiles(this.#options, () => {
      const { segments } = log;
      const { openSegment, sequence } = log.writer;
      return {
        names: [
          ...segments.names,
          ...(openSegment === undefined ? [] : [openSegment.name]),
          ...(this.snapshotName === undefined ? [] : [this.snapshotName]),
          ...(endMark.isOpen ? [endMarkName] : []),
        ],
        open: openSegment,
        lastNumber: segments.lastNumber,
        sequence,
      };
    });
  }

  /** Looks for files of another process in a directory that has lost its own. */
  findForeign(): Promise<LostFiles | undefined> {
    const { segments, writer } = this.#options.log;
    const { lastNumber } = segments;
    const { sequence } = writer;
    return findLostFiles(this.#options, () => ({
      names: [],
      open: undefined,
      lastNumber,
      sequence,
    }));
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
    if (!this.#isClean) {
      await cleanUp();
      this.#isClean = true;
    }
    this.#isReady = true;
  }
}
