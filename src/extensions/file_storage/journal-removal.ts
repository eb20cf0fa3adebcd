import { join } from "node:path";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Logger } from "../../component/settings.ts";
import { endMarkName, parseFileName, snapshotName } from "./file-names.ts";
import { type SnapshotTarget, writeSnapshot } from "./snapshot-writer.ts";

export interface RemovalOptions extends Omit<SnapshotTarget, "isCancelled" | "hasEndMark"> {
  readonly logger: Logger;
  /** The name of the journal in log lines. */
  readonly name: string;
}

/** Removes all files of a journal whose log has ended, and its directory. Returns whether that succeeded, and logs it if not. */
export async function removeJournal(options: RemovalOptions): Promise<boolean> {
  try {
    await removeAll(options);
    return true;
  } catch (error) {
    options.logger.warn(
      "Stored data that is not needed any more could not be removed. Remove the directory, because a later start from it could bring the data back.",
      {
        journal: options.name,
        directory: options.directory,
        "error.code": errorCodeOf(error),
      },
    );
    return false;
  }
}

/**
 * An empty snapshot replaces the files first and is removed last, so that a crash on the way leaves what there was before, or nothing,
 * and no log without its beginning. It does not say that a file `end` is beside it, which is removed after all files that do.
 */
async function removeAll(options: RemovalOptions): Promise<void> {
  const { disk, directory, sequence } = options;
  await writeSnapshot({ ...options, hasEndMark: false, isCancelled: () => false }, []);
  const last = snapshotName(sequence);
  for (const name of await disk.names(directory)) {
    if (name !== last && name !== endMarkName && parseFileName(name) !== undefined) {
      await disk.remove(join(directory, name));
    }
  }
  await disk.syncDirectory(directory);
  await disk.remove(join(directory, endMarkName));
  await disk.syncDirectory(directory);
  await disk.remove(join(directory, last));
  // Not if it contains files of somebody else.
  await disk.removeDirectory(directory).catch(() => {});
}
