import { stat } from "node:fs/promises";
import type { Logger } from "../../component/settings.ts";
import type { Config } from "./config.ts";
import type { Disk } from "./disk.ts";
import { explained, pseudoFileSystemAt, shown } from "./path-problem.ts";

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
  if (config.create_directory) {
    await disk
      .makeDirectory(directory, config.directory_permissions)
      .catch(explained(`the directory ${shown(directory)} cannot be created`, directory));
  }
  const found = await stat(directory).catch(
    explained(`the directory ${shown(directory)} cannot be used`, directory),
  );
  if (!found.isDirectory()) {
    throw new Error(`${shown(directory)} is not a directory. Name another one in directory.`);
  }
  if ((found.mode & 0o002) !== 0) {
    // The journals are in subdirectories that only this user can access, but others could move those away.
    logger.warn("Everyone may write to the directory of the storage.", { directory });
  }
}
