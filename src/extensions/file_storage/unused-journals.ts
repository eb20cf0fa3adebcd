import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Logger } from "../../component/settings.ts";
import { isJournalName, parseFileName } from "./file-names.ts";
import { recoverJournal } from "./journal-recovery.ts";
import { systemDisk } from "./system-disk.ts";

/** More journals than this are counted in the last warning instead of getting one each. */
const mostWarnings = 20;
/** The records of a larger journal are not counted, because that would delay the start. */
const mostReadBytes = 4 * 1024 * 1024;
const hourMs = 3_600_000;

interface UnusedJournal {
  readonly journal: string;
  readonly bytes: number;
  /** Absent if they are not known. */
  readonly records: number | undefined;
  readonly lastWrittenMs: number;
}

/**
 * Warns of each journal with records in the directory whose component is not in `used`, such as the queue of an exporter whose id has
 * changed. Its data is kept, because only the user knows whether it is still wanted. Never rejects.
 */
export async function reportUnusedJournals(
  directory: string,
  {
    used,
    nowUnixMs,
    logger,
  }: { readonly used: ReadonlySet<string>; readonly nowUnixMs: number; readonly logger: Logger },
): Promise<void> {
  const unused: UnusedJournal[] = [];
  try {
    for (const name of await readdir(directory)) {
      const journal = used.has(name) ? undefined : await journalIn(directory, name);
      if (journal !== undefined) {
        unused.push(journal);
      }
    }
  } catch (error) {
    if (errorCodeOf(error) !== "ENOENT") {
      logger.warn("The directory of the storage cannot be searched for data that is not used.", {
        directory,
        "error.code": errorCodeOf(error),
      });
    }
    return;
  }
  const newestFirst = unused.toSorted((a, b) => b.lastWrittenMs - a.lastWrittenMs);
  for (const [index, { journal, bytes, records, lastWrittenMs }] of newestFirst.entries()) {
    if (index === mostWarnings) {
      logger.warn("More stored data belongs to components that do not use it.", {
        directory,
        journals: unused.length - mostWarnings,
      });
      return;
    }
    logger.warn(
      "Stored data belongs to a component that is not in the configuration, or that does not name this storage. It is kept, but not used: data in a queue is not sent. Configure the component under its old id until it has been sent, or remove the directory.",
      {
        journal,
        directory: join(directory, journal),
        bytes,
        ...(records === undefined ? {} : { records }),
        age_h: Math.max(0, Math.round((nowUnixMs - lastWrittenMs) / hourMs)),
      },
    );
  }
}

/** The journal with this name; `undefined` if it is something else. */
async function journalIn(directory: string, name: string): Promise<UnusedJournal | undefined> {
  if (!isJournalName(name)) {
    return undefined;
  }
  const path = join(directory, name);
  const names = await readdir(path).catch(() => []);
  let bytes = 0;
  let lastWrittenMs = 0;
  for (const file of names) {
    const found =
      parseFileName(file) === undefined
        ? undefined
        : await stat(join(path, file)).catch(() => undefined);
    if (found?.isFile()) {
      bytes += found.size;
      lastWrittenMs = Math.max(lastWrittenMs, found.mtimeMs);
    }
  }
  if (bytes === 0) {
    return undefined;
  }
  const records = bytes > mostReadBytes ? undefined : await recordsIn(path);
  return records === 0 ? undefined : { journal: name, bytes, records, lastWrittenMs };
}

/** The number of records that the owner would recover; `undefined` if they cannot be read, or are damaged. */
async function recordsIn(directory: string): Promise<number | undefined> {
  try {
    const { summary } = await recoverJournal({ disk: systemDisk, directory, take() {} });
    const isIncomplete = summary.lostBytes > 0 || summary.missingRecords > 0;
    return isIncomplete || summary.isEndMissing ? undefined : summary.records;
  } catch {
    return undefined;
  }
}
