import { dirname, join } from "node:path";
import type { Clock } from "../../component/clock.ts";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Logger } from "../../component/settings.ts";
import type { Config } from "./config.ts";
import { UnfitFile } from "./file-problems.ts";
import type { FileFacts, FileSystem, OpenFile } from "./file-system.ts";
import { framingOf } from "./message-encoding.ts";
import { expiredNames, rotatedPath } from "./rotated-files.ts";
import { repairOf } from "./torn-end.ts";
import { claimFile, releaseFile } from "./written-files.ts";

/** How an append ended: so many of the messages are in the file, and why the others are not. */
export interface Appended {
  readonly written: number;
  readonly error?: unknown;
  /** The file should have been rotated and could not, so it is longer than it should be. */
  readonly rotationError?: unknown;
}

/**
 * What becomes of a file that is there at the start. `set_aside`: it gets the name that a rotated file would get, and a new one is begun.
 */
export type FoundFile = "as_configured" | "continued" | "set_aside";

export interface OutputFileOptions {
  readonly id: string;
  readonly config: Config;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
}

const bytesPerMegabyte = 1024 * 1024;
const defaultDirectoryMode = 0o755;

/**
 * The file that an exporter writes. It holds whole messages only: what a failed write left is cut off before anything else is
 * written, also what a crash left when the file is continued. Before each append it looks whether its path still leads to the
 * open file; if the file was moved or removed, it begins a new one. One call at a time.
 */
export class OutputFile {
  readonly #options: OutputFileOptions;
  readonly #maxBytes: number;
  #open: { readonly file: OpenFile; readonly identity: string } | undefined;
  /** Set when a failed write could not be cut off yet: the size up to which the open file is whole. */
  #wholeBytes: number | undefined;
  #isDirty = false;
  /** Until that has succeeded, the file at the path must not be touched. */
  #isToBeSetAside = false;

  constructor(options: OutputFileOptions) {
    this.#options = options;
    const { rotation } = options.config;
    this.#maxBytes =
      rotation === undefined ? Number.POSITIVE_INFINITY : rotation.max_megabytes * bytesPerMegabyte;
  }

  /**
   * Opens the file, and empties it unless the config or `found` continues it. Rejects with the system's error or an {@link UnfitFile}.
   */
  async start(found: FoundFile = "as_configured"): Promise<void> {
    const { append, rotation } = this.#options.config;
    const isContinued = append || rotation !== undefined || found === "continued";
    this.#isToBeSetAside = found === "set_aside";
    await this.#openPath({ isContinued });
    await this.#deleteExpired();
  }

  /** Appends messages in order. A message that is longer than a file may be gets one of its own. Never rejects. */
  async append(messages: readonly Uint8Array[]): Promise<Appended> {
    let written = 0;
    let rotationError: unknown;
    try {
      while (written < messages.length) {
        let { file, sizeBytes } = await this.#ready();
        const first = messages[written]?.length ?? 0;
        if (sizeBytes > 0 && sizeBytes + first > this.#maxBytes) {
          rotationError = await this.#rotate();
          ({ file, sizeBytes } = await this.#ready());
        }
        const count = this.#fitting(messages, { from: written, sizeBytes });
        await this.#write(file, messages.slice(written, written + count), sizeBytes);
        written += count;
      }
      return { written, rotationError };
    } catch (error) {
      return { written, error, rotationError };
    }
  }

  /** Makes what is written survive a power cut. Rejects with the system's error. */
  async sync(): Promise<void> {
    if (this.#isDirty) {
      this.#isDirty = false;
      await this.#open?.file.sync();
    }
  }

  /** Syncs and closes the file. Never rejects; safe to call twice. */
  async close(): Promise<void> {
    const open = this.#open;
    if (open === undefined) {
      return;
    }
    await this.sync().catch((error: unknown) => this.#warn("The file could not be synced.", error));
    this.#open = undefined;
    this.#wholeBytes = undefined;
    releaseFile(open.identity);
    // If closing fails, there is nothing left to do.
    await open.file.close().catch(() => {});
  }

  /** The open file and where it ends, after it was found at its path or opened anew. */
  async #ready(): Promise<{ file: OpenFile; sizeBytes: number }> {
    const { config, files } = this.#options;
    const facts = await files.facts(config.path);
    if (this.#open !== undefined && this.#open.identity === facts?.identity) {
      if (this.#wholeBytes !== undefined) {
        await this.#open.file.cut(Math.min(this.#wholeBytes, facts.sizeBytes));
        this.#wholeBytes = undefined;
        return this.#ready();
      }
      return { file: this.#open.file, sizeBytes: facts.sizeBytes };
    }
    if (this.#open !== undefined) {
      this.#options.logger.warn("The file was moved or removed. A new one is begun at its path.", {
        path: config.path,
      });
      await this.close();
    }
    return this.#openPath({ isContinued: true });
  }

  async #openPath(how: {
    readonly isContinued: boolean;
  }): Promise<{ file: OpenFile; sizeBytes: number }> {
    const { config, files } = this.#options;
    const { path } = config;
    if (config.create_directory) {
      await files.makeDirectory(
        dirname(path),
        config.directory_permissions ?? defaultDirectoryMode,
      );
    }
    // Before the opening, because opening a pipe waits for its reader.
    mustBeFile(path, await files.facts(path));
    if (this.#isToBeSetAside) {
      await this.#setAside();
      this.#isToBeSetAside = false;
    }
    const file = await files.open(path);
    try {
      return await this.#take(file, how);
    } catch (error) {
      this.#open = undefined;
      await file.close().catch(() => {});
      throw error;
    }
  }

  async #take(
    file: OpenFile,
    { isContinued }: { readonly isContinued: boolean },
  ): Promise<{ file: OpenFile; sizeBytes: number }> {
    const { id, config, logger } = this.#options;
    const { path } = config;
    const { identity, sizeBytes } = await file.facts();
    const other = claimFile(identity, id);
    if (other !== undefined) {
      throw new UnfitFile(
        `the file ${path} is already written by the exporter "${other}". Give each exporter a path of its own.`,
      );
    }
    try {
      if (isContinued) {
        await this.#repair(file, sizeBytes);
      } else if (sizeBytes > 0) {
        await file.cut(0);
        // The user may have relied on it: what was accepted survives a crash, but not the start after it.
        logger.warn(
          "The data of an earlier run was removed from the file, because append is false. Set append: true to keep it.",
          {
            path,
            removed_bytes: sizeBytes,
          },
        );
      }
      const { sizeBytes: now } = await file.facts();
      this.#open = { file, identity };
      this.#wholeBytes = undefined;
      return { file, sizeBytes: now };
    } catch (error) {
      releaseFile(identity);
      throw error;
    }
  }

  async #repair(file: OpenFile, sizeBytes: number): Promise<void> {
    const repair = await repairOf(file, framingOf(this.#options.config), sizeBytes);
    switch (repair.kind) {
      case "none":
        return;
      case "end_line":
        return file.write([Buffer.from("\n")], sizeBytes);
      case "cut":
        await file.cut(repair.sizeBytes);
        this.#options.logger.warn("The file ended with an incomplete message, which was cut off.", {
          path: this.#options.config.path,
          cut_bytes: sizeBytes - repair.sizeBytes,
        });
        return;
      default: {
        const never: never = repair;
        return never;
      }
    }
  }

  /** How many messages fit into the file: at least one, and all when the file could not be rotated. */
  #fitting(
    messages: readonly Uint8Array[],
    { from, sizeBytes }: { readonly from: number; readonly sizeBytes: number },
  ): number {
    let count = 1;
    let size = sizeBytes + (messages[from]?.length ?? 0);
    for (const message of messages.slice(from + 1)) {
      size += message.length;
      if (size > this.#maxBytes) {
        break;
      }
      count += 1;
    }
    return count;
  }

  async #write(file: OpenFile, parts: readonly Uint8Array[], position: number): Promise<void> {
    this.#isDirty = true;
    try {
      await file.write(parts, position);
    } catch (error) {
      this.#wholeBytes = position;
      await file.cut(position).then(
        () => {
          this.#wholeBytes = undefined;
        },
        () => {}, // It is tried again before the next write.
      );
      throw error;
    }
  }

  async #setAside(): Promise<void> {
    const { config, files, logger } = this.#options;
    const { path } = config;
    const facts = await files.facts(path);
    if (facts?.kind === "file" && facts.sizeBytes > 0) {
      const keptAs = await this.#renameFile();
      logger.warn(
        "A reload begins a new file, because the exporter wrote another file or format before. The file that was there was renamed.",
        { path, renamed_to: keptAs },
      );
    }
  }

  /** Renames the file as at a rotation. Returns its new path. */
  async #renameFile(): Promise<string> {
    const { config, files, clock } = this.#options;
    const { path, rotation = { localtime: false } } = config;
    let unixMs = clock.unixMs();
    while ((await files.facts(rotatedPath(path, unixMs, rotation))) !== undefined) {
      unixMs += 1;
    }
    const target = rotatedPath(path, unixMs, rotation);
    await files.rename(path, target);
    return target;
  }

  /** Returns the error if the file could not be renamed; it is then continued. Rejects if no new file can be begun. */
  async #rotate(): Promise<unknown> {
    if (this.#options.config.rotation === undefined) {
      return undefined;
    }
    try {
      await this.#renameFile();
    } catch (error) {
      return error;
    }
    await this.close();
    await this.#openPath({ isContinued: true });
    await this.#deleteExpired();
    return undefined;
  }

  async #deleteExpired(): Promise<void> {
    const { config, files, clock } = this.#options;
    const { path, rotation } = config;
    if (rotation === undefined) {
      return;
    }
    try {
      const directory = dirname(path);
      const names = await files.names(directory);
      for (const name of expiredNames(path, { names, unixMs: clock.unixMs(), rotation })) {
        await files.remove(join(directory, name));
      }
    } catch (error) {
      this.#warn("Rotated files that are no longer needed could not be deleted.", error);
    }
  }

  #warn(message: string, error: unknown): void {
    const { logger, config } = this.#options;
    logger.warn(message, { path: config.path, reason: errorCodeOf(error) });
  }
}

function mustBeFile(path: string, facts: FileFacts | undefined): void {
  if (facts?.kind === "directory") {
    throw new UnfitFile(`${path} is a directory. Name a file in path.`);
  }
  if (facts?.kind === "other") {
    throw new UnfitFile(`${path} is a device, a pipe or a socket. Name a regular file in path.`);
  }
}
