import { stat } from "node:fs/promises";
import type { Logger } from "../../component/settings.ts";
import type { Config } from "./config.ts";
import type { Disk } from "./disk.ts";
import { explained, pseudoFileSystemAt } from "./path-problem.ts";
import { shown } from "./place.ts";

/** Makes sure that the directory exists. Rejects with an `Error` whose message is for an operator. */
export async function prepareDirectory(
  directory: string,
  {
    disk,
    config,
    logger,
  }: { readonly disk: Disk; readonly config: Config; readonly logger: Logger },
): Promise<void> {
  // Before anything is created: a directory that is made in a cgroup file system is a new cgroup.
  const misplaced = await pseudoFileSystemAt(directory).catch(() => undefined);
  if (misplaced !== undefined) {
    throw new Error(`the directory ${shown(directory)} cannot be used. ${misplaced}`);
  }
  const mode = config.directory_permissions;
  const place = { path: directory, storage: directory, mode };
  if (config.create_directory) {
    await disk
      .makeDirectory(directory, mode)
      .catch(explained(`the directory ${shown(directory)} cannot be created`, place));
  }
  const found = await stat(directory).catch(
    explained(`the directory ${shown(directory)} cannot be used`, place),
  );
  if (!found.isDirectory()) {
    throw new Error(`${shown(directory)} is not a directory. Name another one in directory.`);
  }
  if ((found.mode & 0o002) !== 0) {
    // The journals are in subdirectories that only this user can access, but others could move those away.
    logger.warn(
      "Everyone may write to the directory of the storage. Take that permission away, e.g. with chmod o-w, or name another directory.",
      { directory },
    );
  }
}
