import type { Clock } from "../../component/clock.ts";
import type { Logger } from "../../component/settings.ts";
import type { Config } from "./config.ts";
import { prepareDirectory } from "./directory.ts";
import type { Disk } from "./disk.ts";
import { DirectoryInUse, type DirectoryLock, lockDirectory } from "./lock.ts";

export interface DirectoryClaimOptions {
  readonly disk: Disk;
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when another process has locked the directory after this one had. */
  readonly onTaken: () => void;
}

/**
 * Makes the directory of the storage and locks it for this process, and does so again when somebody has removed it. Keeps the lock, and
 * the attempt in progress.
 */
export class DirectoryClaim {
  readonly #directory: string;
  readonly #options: DirectoryClaimOptions;
  #lock: DirectoryLock | undefined;
  #claiming: Promise<void> | undefined;
  /** Why the directory is not locked any more, in the last log line. */
  #because: string | undefined;

  constructor(directory: string, options: DirectoryClaimOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  get isHeld(): boolean {
    return this.#lock !== undefined;
  }

  /**
   * Makes and locks the directory, unless it is. Rejects with an `Error` for an operator. Journals that were opened on a full disk try
   * again, all at once.
   */
  make(timeoutMs: number): Promise<void> {
    this.#claiming ??= this.#make(timeoutMs).finally(() => {
      this.#claiming = undefined;
    });
    return this.#claiming;
  }

  /** Locks the directory again if the lock file was removed, because a second process could take the directory. Never rejects. */
  async keep(): Promise<void> {
    const lock = this.#lock;
    // It may be released meanwhile.
    if (lock === undefined || (await lock.isInPlace()) || lock !== this.#lock) {
      return;
    }
    const { logger } = this.#options;
    const directory = this.#directory;
    try {
      await this.make(0);
      this.#because = undefined;
      logger.warn(
        "The lock file of the storage was removed. The directory is locked again; do not remove it while the program runs, because a second process could take the directory.",
        { directory },
      );
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      if (because !== this.#because) {
        this.#because = because;
        logger.error("The directory of the storage is not locked any more.", {
          directory,
          because,
        });
      }
    }
  }

  /** Resolves when no attempt is in progress. Never rejects. */
  async idle(): Promise<void> {
    await this.#claiming?.catch(() => {});
  }

  /** Unlocks the directory. */
  release(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  async #make(timeoutMs: number): Promise<void> {
    const { disk, config, clock, logger, onTaken } = this.#options;
    const held = this.#lock;
    if (held !== undefined && (await held.isInPlace())) {
      return;
    }
    try {
      await prepareDirectory(this.#directory, { disk, config, logger });
      this.#lock = await lockDirectory(this.#directory, { disk, clock, timeoutMs });
      held?.release();
    } catch (error) {
      if (held !== undefined && error instanceof DirectoryInUse) {
        onTaken();
      }
      throw error;
    }
  }
}
