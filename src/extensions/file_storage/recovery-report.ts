import type { Logger } from "../../component/settings.ts";
import type { FileJournal } from "./journal.ts";

/** Logs what a start has recovered, what is lost, and every kind of file that was not as a program leaves it. */
export function reportRecovery(
  name: string,
  { recovered, unusable }: Pick<FileJournal, "recovered" | "unusable">,
  logger: Logger,
): void {
  const { records, bytes, tornBytes, lostBytes, missingRecords } = recovered;
  const fields = { journal: name, records, bytes, torn_bytes: tornBytes };
  const { log, damagedSnapshots, removedSnapshots, end } = unusable;
  if (lostBytes > 0) {
    logger.error(
      "Stored data is damaged. The damaged part and everything after it were discarded.",
      { ...fields, lost_bytes: lostBytes, missing_records: missingRecords },
    );
  } else if (missingRecords > 0) {
    logger.error(
      "The end of the stored log is missing, because a file was emptied, cut or removed, or the disk lost what it had confirmed. The state of before is used.",
      { ...fields, missing_records: missingRecords },
    );
  } else if (damagedSnapshots > 0) {
    logger.warn(
      "A stored snapshot is damaged. The one before it and the log were used, so nothing is lost. Check the disk.",
      { ...fields, file: "snapshot", damaged_snapshots: damagedSnapshots },
    );
  } else if (removedSnapshots > 0) {
    logger.warn(
      "A stored snapshot was removed. Another one and the log were used, so nothing is lost. Find out what removes files of the storage.",
      { ...fields, file: "snapshot", removed_snapshots: removedSnapshots },
    );
  } else if (log > 0) {
    logger.warn(
      "A part of the stored log that the newest snapshot contains is damaged or was removed. That snapshot was used, so nothing is lost. Until the next one there is nothing in its place. Check the disk.",
      { ...fields, file: "log", damaged_logs: log },
    );
  } else if (end === 0 && (records > 0 || tornBytes > 0)) {
    logger.info("Recovered the stored state.", fields);
  }
  if (end > 0) {
    logger.warn(
      'The file "end" of the stored state was removed, emptied or overwritten, so it is not known whether the end of the log is missing, too. The state is taken for incomplete. Find out what changes files of the storage.',
      { ...fields, file: "end" },
    );
  }
}
