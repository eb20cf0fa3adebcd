import type { FoundFile } from "./file-search.ts";
import { FollowedFile } from "./followed-file.ts";
import type { StoredOffset } from "./offset-journal.ts";

/** Files that are known, also those that are gone or idle. Far more than anyone rotates. */
const maxKnownFiles = 16_384;

export interface FileTableOptions {
  readonly maxOpenFiles: number;
  /** Whether unknown files are passed over that are there at the first look. */
  readonly startsAtEnd: boolean;
  /** Whether files are read again that have not changed. */
  readonly readsAgain: boolean;
  /** A file is no longer known. */
  readonly onForgotten: (identity: string) => void;
  /** A file cannot be opened or read. */
  readonly onUnreadable: (path: string, error: unknown) => void;
  /** There are more files than can be known. */
  readonly onFull: () => void;
}

/**
 * The files that are followed, by identity, so that a renamed file is the same file.
 *
 * Keeps up to 16 384 files of some hundred bytes. At the bound the one that has been gone longest is forgotten, and if none is gone, new ones
 * are not read. At most `maxOpenFiles` of them are open.
 */
export class FileTable {
  readonly #options: FileTableOptions;
  readonly #files = new Map<string, FollowedFile>();
  /** Offsets of an earlier run whose files have not been found yet. */
  readonly #stored = new Map<string, StoredOffset>();
  /** In the order of their last use. */
  readonly #open = new Set<FollowedFile>();
  #isFirstLook = true;
  #isClosed = false;

  constructor(options: FileTableOptions) {
    this.#options = options;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Takes the offsets of an earlier run over. Files that appeared since are read from the beginning. */
  restore(stored: readonly StoredOffset[]): void {
    this.#isFirstLook = false;
    for (const offset of stored.slice(-maxKnownFiles)) {
      this.#stored.set(offset.file, offset);
    }
  }

  /** What is to be stored of all files. */
  *offsets(): Generator<StoredOffset> {
    yield* this.#stored.values();
    for (const file of this.#files.values()) {
      yield file.stored;
    }
  }

  /** Takes over what was found, and returns the files that are to be read, in order; those that are gone come first. */
  async look(found: readonly FoundFile[]): Promise<readonly FollowedFile[]> {
    const isPassing = this.#isFirstLook && this.#options.startsAtEnd;
    const present = new Set(found.map(({ facts }) => facts.identity));
    const gone = [...this.#files.values()].filter(({ identity }) => !present.has(identity));
    for (const file of gone) {
      file.missedPolls += 1;
    }
    const toRead = gone.filter(({ isOpen }) => isOpen);
    for (const { path, facts } of found) {
      const known = this.#files.get(facts.identity);
      const file = known ?? (await this.#add({ path, facts }, isPassing));
      if (file !== undefined) {
        file.path = path;
        file.missedPolls = 0;
        if (this.#options.readsAgain || !file.isDone(facts)) {
          toRead.push(file);
        }
      }
    }
    this.#isFirstLook = false;
    return toRead;
  }

  /** Opens a file, and closes another one if too many are open. False when it cannot be read now. */
  async open(file: FollowedFile): Promise<boolean> {
    try {
      if (!(await file.open())) {
        return false;
      }
    } catch (error) {
      this.#options.onUnreadable(file.path, error);
      return false;
    }
    if (this.#isClosed) {
      await file.close();
      return false;
    }
    this.#open.delete(file);
    this.#open.add(file);
    for (const other of this.#open) {
      if (this.#open.size <= this.#options.maxOpenFiles) {
        break;
      }
      await this.close(other);
    }
    return true;
  }

  async close(file: FollowedFile): Promise<void> {
    this.#open.delete(file);
    await file.close();
  }

  /** The file is gone for good. */
  async forget(file: FollowedFile): Promise<void> {
    await this.close(file);
    this.#files.delete(file.identity);
    this.#options.onForgotten(file.identity);
  }

  /** For good, also for a poll that a shutdown did not wait for. */
  async closeAll(): Promise<void> {
    this.#isClosed = true;
    for (const file of [...this.#open]) {
      await this.close(file);
    }
  }

  async #add({ path, facts }: FoundFile, isPassing: boolean): Promise<FollowedFile | undefined> {
    if (!(await this.#makeRoom())) {
      this.#options.onFull();
      return undefined;
    }
    const file = new FollowedFile(facts.identity, path);
    const stored = this.#storedOf(facts.identity);
    if (stored !== undefined) {
      file.resume(stored);
      this.#stored.delete(stored.file);
    } else if (isPassing && !(await this.#passToEnd(file))) {
      return undefined;
    }
    this.#files.set(file.identity, file);
    return file;
  }

  /** False when the file cannot be read. Once it can, it is read from the beginning. */
  async #passToEnd(file: FollowedFile): Promise<boolean> {
    try {
      const isOpen = await this.open(file);
      if (isOpen) {
        await file.passToEnd(await file.facts());
      }
      return isOpen;
    } catch (error) {
      this.#options.onUnreadable(file.path, error);
      await this.close(file);
      return false;
    }
  }

  /** The device may have another number after a reboot; the fingerprint shows whether the inode is the same file. */
  #storedOf(identity: string): StoredOffset | undefined {
    const inode = inodeOf(identity);
    return (
      this.#stored.get(identity) ??
      [...this.#stored.values()].find(({ file }) => inodeOf(file) === inode)
    );
  }

  async #makeRoom(): Promise<boolean> {
    if (this.#files.size < maxKnownFiles) {
      return true;
    }
    const gone = [...this.#files.values()]
      .filter(({ missedPolls }) => missedPolls > 0)
      .sort((a, b) => b.missedPolls - a.missedPolls)[0];
    if (gone !== undefined) {
      await this.forget(gone);
    }
    return gone !== undefined;
  }
}

function inodeOf(identity: string): string {
  return identity.slice(identity.indexOf(":") + 1);
}
