import type { Clock } from "../../component/clock.ts";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Logger } from "../../component/settings.ts";
import type { SnapshotOutcome } from "../../component/storage.ts";
import type { DirectoryWatch } from "./directory-watch.ts";
import type { Disk } from "./disk.ts";
import type { EndMark } from "./end-mark.ts";
import { snapshotName } from "./file-names.ts";
import type { JournalCounts } from "./journal-counts.ts";
import type { JournalDirectory } from "./journal-directory.ts";
import type { JournalLog } from "./journal-log.ts";
import type { Recovered } from "./journal-recovery.ts";
import type { JournalStatus } from "./journal-status.ts";
import type { LogWriter } from "./log-writer.ts";
import type { SnapshotRequests } from "./snapshot-requests.ts";
import { SnapshotSource } from "./snapshot-source.ts";
import { removeSnapshotsBefore, writeSnapshot } from "./snapshot-writer.ts";
import { reasonOf } from "./write-failure.ts";

export interface JournalSnapshotsOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The name of the journal in log lines. */
  readonly name: string;
  readonly counts: JournalCounts;
  readonly status: JournalStatus;
  readonly log: JournalLog;
  readonly endMark: EndMark;
  readonly place: JournalDirectory;
  readonly watch: DirectoryWatch;
  /** They learn whether a snapshot was successful. */
  readonly requests: SnapshotRequests;
}

/** The log at the beginning of a snapshot. */
interface LogStart {
  readonly writer: LogWriter;
  /** The number of the first record that the snapshot does not contain. */
  readonly sequence: number;
  /** The number of the newest segment that the snapshot makes superfluous. */
  readonly lastSegmentNumber: number;
}

/**
 * Writes the snapshots of a journal while its log continues. Each replaces the one before the previous one: that one and the log since
 * are kept, in case the new one gets damaged, unless the disk is full. If the log has a gap, the snapshot is a repair: the log is
 * restarted first, and both count only when the snapshot is complete. It keeps the size and the number of the newest snapshot.
 */
export class JournalSnapshots {
  /** The size of the newest snapshot. */
  sizeBytes: number;
  readonly #options: JournalSnapshotsOptions;
  #baseSequence: number;

  constructor(
    options: JournalSnapshotsOptions,
    recovered: Pick<Recovered, "snapshotBytes" | "baseSequence">,
  ) {
    this.#options = options;
    this.sizeBytes = recovered.snapshotBytes;
    this.#baseSequence = recovered.baseSequence;
  }

  /** Writes one; the next call must wait for its end. Rejects only with an exception of the iterable. */
  async write(records: Iterable<Uint8Array>): Promise<SnapshotOutcome> {
    const { counts, log, endMark, requests, status } = this.#options;
    const isRepair = status.reason !== undefined;
    if (isRepair) {
      log.restart();
      endMark.hold();
    }
    const start = startOf(log);
    const [gaps, logBytes] = [status.gaps, log.bytes];
    start.writer.roll();
    const source = new SnapshotSource(records);
    try {
      if (!(await this.#writeFile(source, { sequence: start.sequence, isRepair }))) {
        endMark.release();
        return { status: "busy" };
      }
    } catch (error) {
      requests.onFailed();
      counts.snapshots.failed += 1;
      if (isRepair) {
        await this.#giveUpLog(start, error);
        endMark.release();
      }
      if (source.thrown !== undefined) {
        throw source.thrown.error;
      }
      if (!isRepair) {
        await this.#onFailedBesideLog(error);
      }
      const reason = reasonOf(error);
      if (reason === "no_space") {
        // Also if the mark cannot be written, because the room is needed.
        await endMark.onGivenUp();
        await this.#removeBefore(this.#baseSequence);
      }
      return { status: "failed", reason };
    }
    requests.onDone();
    counts.snapshots.done += 1;
    log.bytes -= logBytes;
    // With what is before a gap, nothing after it can be recovered.
    const logFrom = isRepair ? start.sequence : this.#baseSequence;
    if (await endMark.onSnapshot({ snapshot: start.sequence, logFrom })) {
      await this.#removeBefore(logFrom);
    }
    this.#baseSequence = start.sequence;
    if (isRepair) {
      // Without it a record that must be written at once would be stored later, in a state that promises more.
      await start.writer.opened();
      if (status.gaps === gaps) {
        status.onGapClosed();
      }
    }
    return { status: "done" };
  }

  /** Returns `false` if it was cancelled. */
  async #writeFile(
    records: SnapshotSource,
    { sequence, isRepair }: { readonly sequence: number; readonly isRepair: boolean },
  ): Promise<boolean> {
    const { disk, directory, clock, counts, endMark, place, status } = this.#options;
    const sizeBytes = await writeSnapshot(
      {
        disk,
        directory,
        counts,
        sequence,
        unixMs: () => clock.unixMs(),
        hasEndMark: endMark.isOpen,
        // The log continues without a snapshot, but a gap in it does not close without one.
        isCancelled: () => (status.isClosed && !isRepair) || status.isTaken,
      },
      records,
    );
    if (sizeBytes === undefined) {
      return false;
    }
    this.sizeBytes = sizeBytes;
    place.snapshotName = snapshotName(sequence);
    return true;
  }

  /** A repair has failed. The restarted log is useless without the snapshot before it. */
  async #giveUpLog(
    { writer, sequence, lastSegmentNumber }: LogStart,
    error: unknown,
  ): Promise<void> {
    const { log, status } = this.#options;
    const reason = reasonOf(error);
    status.countDropped(reason, writer.sequence - sequence - writer.unwrittenRecords);
    writer.fail(reason, error);
    await writer.idle();
    await log.segments.dropAfter(lastSegmentNumber);
  }

  /** A snapshot has failed that is no repair. Unless the disk has lost the log, too, it is still complete. */
  async #onFailedBesideLog(error: unknown): Promise<void> {
    const { counts, logger, name, status, watch } = this.#options;
    const reason = reasonOf(error);
    if (reason === "removed") {
      await watch.verify();
    }
    if (status.reason === undefined) {
      counts.writeErrors[reason] += 1;
      logger.warn("A snapshot could not be written. The log continues and grows.", {
        journal: name,
        reason,
        "error.code": errorCodeOf(error),
      });
    }
  }

  /** Removes the segments and the snapshots that are not needed from this snapshot on. They are of no harm where that fails. */
  async #removeBefore(sequence: number): Promise<void> {
    const { disk, directory, log, status } = this.#options;
    if (!status.isTaken) {
      await log.segments.dropBefore(sequence);
      await removeSnapshotsBefore({ disk, directory, sequence }).catch(() => {});
    }
  }
}

function startOf({ writer, segments }: JournalLog): LogStart {
  return { writer, sequence: writer.sequence, lastSegmentNumber: segments.lastNumber };
}
