import { stat } from "node:fs/promises";
import type { Logger } from "../../component/settings.ts";
import type { Config } from "./config.ts";
import type { Disk } from "./disk.ts";
import { errorCodeOf } from "./write-failure.ts";

/** Makes sure that the directory exists. Rejects with an `Error` whose message is for an operator. */
export async function prepareDirectory(
  directory: string,
  {
    disk,
    config,
    logger,
  }: { readonly disk: Disk; readonly config: Config; readonly logger: Logger },
): Promise<void> {
  if (config.create_directory) {
    await disk.makeDirectory(directory, config.directory_permissions).catch((error: unknown) => {
      throw new Error(`the directory ${directory} cannot be created (${errorCodeOf(error)}).`, {
        cause: error,
      });
    });
  }
  const found = await stat(directory).catch((error: unknown) => {
    const advice =
      errorCodeOf(error) === "ENOENT" ? " Create it, or set create_directory: true." : "";
    throw new Error(`the directory ${directory} cannot be used (${errorCodeOf(error)}).${advice}`, {
      cause: error,
    });
  });
  if (!found.isDirectory()) {
    throw new Error(`${directory} is not a directory. Name another one in directory.`);
  }
  if ((found.mode & 0o002) !== 0) {
    // The journals are in subdirectories that only this user can access, but others could move those away.
    logger.warn("Everyone may write to the directory of the storage.", { directory });
  }
}
