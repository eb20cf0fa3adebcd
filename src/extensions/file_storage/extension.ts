import { join, resolve } from "node:path";
import type { Clock } from "../../component/clock.ts";
import type { Component } from "../../component/component.ts";
import { beforeDeadline } from "../../component/deadline.ts";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Settings } from "../../component/settings.ts";
import type { Journal, JournalOwner, StorageRole } from "../../component/storage.ts";
import type { Config } from "./config.ts";
import { prepareDirectory } from "./directory.ts";
import type { Disk } from "./disk.ts";
import { journalName } from "./file-names.ts";
import { type FileJournal, openJournal } from "./journal.ts";
import { type ObservedJournal, publishJournals } from "./journal-metrics.ts";
import { type DirectoryLock, lockDirectory } from "./lock.ts";
import { shown } from "./place.ts";
import { systemDisk } from "./system-disk.ts";
import { reportUnusedJournals } from "./unused-journals.ts";
import { reasonOf, reasonSentences } from "./write-failure.ts";

type Owning = Parameters<StorageRole["openJournal"]>[0];

/** How long the directory may take to answer at the start, besides the wait for another process. */
const answerLimitMs = 30_000;

/** How long the journals may take to close when the shutdown deadline has passed before it was their turn. */
const lastMomentMs = 200;

/**
 * Keeps a journal per component in a directory that no other process uses meanwhile (DESIGN.md). It has one journal for each
 * component that names it, so the config bounds their number; a component that opens its journal twice gets an error.
 */
export function createFileStorage(
  settings: Settings,
  config: Config,
  disk: Disk = systemDisk,
): Component {
  const { id, clock, logger } = settings;
  const directory = resolve(config.directory);
  const journals = new Map<string, ObservedJournal>();
  const opened = new Set<string>();
  let lock: DirectoryLock | undefined;
  let isRunning = false;
  let claiming: Promise<void> | undefined;
  let expected: ReadonlySet<string> | undefined;
  publishJournals(settings.meter, () => [...journals.values()]);

  /** Locks the directory for this process. Journals that were opened on a full disk try again, all at once. */
  const claim = (timeoutMs: number): Promise<void> => {
    claiming ??= (async () => {
      try {
        if (lock === undefined) {
          await prepareDirectory(directory, { disk, config, logger });
          lock = await lockDirectory(directory, { clock, timeoutMs });
        }
      } finally {
        claiming = undefined;
      }
    })();
    return claiming;
  };

  const reportStatus = () => {
    const [worst] = [...journals.values()].flatMap(({ journal }) => {
      const state = journal.state();
      return state.status === "ok" ? [] : [state.reason];
    });
    settings.reportStatus(
      worst === undefined
        ? { status: "ok" }
        : {
            status: "recoverable_error",
            message: `State is not stored. ${reasonSentences[worst]}`,
          },
    );
  };

  async function open(component: Owning, owner: JournalOwner): Promise<Journal> {
    const name = journalName(component);
    if (!isRunning) {
      throw new Error(`${id} is not running. List it in service.extensions.`);
    }
    if (opened.has(name)) {
      throw new Error(`The journal of the ${component.kind} "${component.id}" is open already.`);
    }
    opened.add(name);
    const journal = await openJournal({
      disk,
      claim: () => claim(0),
      directory: join(directory, name),
      directoryMode: config.directory_permissions,
      clock,
      logger,
      fsync: config.fsync,
      flushIntervalMs: config.flush_interval,
      maxSegmentBytes: config.max_segment_size,
      compactsOnStart: config.compaction.on_start,
      name,
      owner,
      onState: reportStatus,
    });
    const attributes = {
      extension: id,
      "otelcol.component.kind": component.kind,
      "otelcol.component.id": component.id,
    };
    journals.set(name, { journal, attributes });
    logRecovery(name, journal);
    reportStatus();
    return journal;
  }

  function logRecovery(name: string, { recovered }: FileJournal): void {
    const { records, bytes, tornBytes, lostBytes } = recovered;
    const fields = { journal: name, records, bytes, torn_bytes: tornBytes };
    if (lostBytes > 0) {
      logger.error(
        "Stored data is damaged. The damaged part and everything after it were discarded.",
        { ...fields, lost_bytes: lostBytes },
      );
    } else if (records > 0 || tornBytes > 0) {
      logger.info("Recovered the stored state.", fields);
    }
  }

  /** As `beforeDeadline`. If others have used up the time, there is a last moment, because a healthy disk needs no longer. */
  async function beforeEnd<T>(deadline: AbortSignal, work: Promise<T>): Promise<T | "late"> {
    if (!deadline.aborted) {
      return beforeDeadline(deadline, work);
    }
    const lastMoment = new AbortController();
    const cancel = clock.after(lastMomentMs, () => lastMoment.abort());
    try {
      return await beforeDeadline(lastMoment.signal, work);
    } finally {
      cancel();
    }
  }

  /** Throws if records are lost. */
  function reportLateClosing(): void {
    let lost = 0;
    for (const [name, { journal }] of journals) {
      const { unwrittenRecords, unsyncedRecords } = journal;
      lost += unwrittenRecords;
      if (unwrittenRecords > 0) {
        logger.error("The disk was too slow to store all records before the shutdown deadline.", {
          journal: name,
          unwritten_records: unwrittenRecords,
        });
      } else if (unsyncedRecords > 0) {
        logger.warn(
          "The disk was too slow to sync all records before the shutdown deadline. They are written, but a power cut in the next seconds can lose them.",
          { journal: name, unsynced_records: unsyncedRecords },
        );
      }
    }
    if (lost > 0) {
      throw new Error(`${lost} records could not be stored before the end.`);
    }
  }

  return {
    storage: {
      openJournal: open,
      expect(components) {
        expected = new Set(components.map(journalName));
      },
    },

    async start() {
      await withinLimit(claim(config.timeout), {
        clock,
        limitMs: config.timeout + answerLimitMs,
        problem: `the directory ${shown(directory)} did not answer within ${answerLimitMs / 1000} s. Check the disk or the network file system that it is on, or name another directory.`,
      }).catch((error: unknown) => {
        if (reasonOf(error) !== "no_space") {
          throw error;
        }
        logger.error(`State is not stored. ${reasonSentences.no_space}`, {
          directory,
          "error.code": errorCodeOf(error),
        });
      });
      isRunning = true;
      if (lock !== undefined) {
        logger.info("Keeping state in files.", { directory });
      }
      if (expected !== undefined) {
        await reportUnusedJournals(directory, {
          used: expected,
          nowUnixMs: clock.unixMs(),
          logger,
        });
      }
    },

    async shutdown(deadline) {
      isRunning = false;
      const closing = Promise.all([
        claiming?.catch(() => {}),
        ...[...journals.values()].map(({ journal }) => journal.close()),
      ]);
      if ((await beforeEnd(deadline, closing)) === "late") {
        // Writes in progress may still finish, so the lock is held until the process ends.
        reportLateClosing();
        return;
      }
      lock?.release();
      lock = undefined;
    },
  };
}

/** Waits for a call to the disk, but not for ever: a dead network file system never answers. */
async function withinLimit<T>(
  work: Promise<T>,
  {
    clock,
    limitMs,
    problem,
  }: { readonly clock: Clock; readonly limitMs: number; readonly problem: string },
): Promise<T> {
  let cancelTimer = () => {};
  const late = new Promise<never>((_, reject) => {
    cancelTimer = clock.after(limitMs, () => reject(new Error(problem)));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancelTimer();
  }
}
