import { join, resolve } from "node:path";
import type { Clock } from "../../component/clock.ts";
import type { Component } from "../../component/component.ts";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Settings } from "../../component/settings.ts";
import type { Journal, JournalOwner, StorageRole } from "../../component/storage.ts";
import { beforeEnd, reportLosses } from "./closing.ts";
import type { Config } from "./config.ts";
import { DirectoryClaim } from "./directory-claim.ts";
import type { Disk } from "./disk.ts";
import { journalName } from "./file-names.ts";
import { openJournal } from "./journal.ts";
import { type ObservedJournal, publishJournals } from "./journal-metrics.ts";
import { DirectoryInUse } from "./lock.ts";
import { shown } from "./place.ts";
import { reportRecovery } from "./recovery-report.ts";
import { systemDisk } from "./system-disk.ts";
import { reportUnusedJournals } from "./unused-journals.ts";
import { reasonOf, reasonSentences } from "./write-failure.ts";

type Owning = Parameters<StorageRole["openJournal"]>[0];

/** How long the directory may take to answer at the start, besides the wait for another process. */
const answerLimitMs = 30_000;

/** A few calls to the file system are made this often, to find out whether the files were removed. */
const checkIntervalMs = 5_000;
/**
 * Keeps a journal per component in a directory that no other process uses meanwhile (DESIGN.md). It has one journal for each
 * component that names it, so the config bounds their number; a component that opens its journal twice gets an error.
 */
export function createFileStorage(
  settings: Settings,
  config: Config,
  disk: Disk = systemDisk,
): Component {
  const { id, clock, logger, stopping } = settings;
  const directory = resolve(config.directory);
  const journals = new Map<string, ObservedJournal>();
  const opened = new Set<string>();
  let isRunning = false;
  let isChecking = false;
  let stopChecks = () => {};
  let expected: ReadonlySet<string> | undefined;
  publishJournals(settings.meter, () => [...journals.values()]);

  const claim = new DirectoryClaim(directory, {
    disk,
    config,
    clock,
    logger,
    onTaken() {
      for (const { journal } of journals.values()) {
        journal.onTaken();
      }
    },
  });

  /** Looks after the files and the lock, which anybody may remove. One look at a time, because the disk may hang. */
  async function check(): Promise<void> {
    if (isChecking) {
      return;
    }
    isChecking = true;
    const all = [...journals.values()].map(({ journal }) => journal);
    await Promise.all(all.map((journal) => journal.verify()));
    // Otherwise the journal locks the directory when it creates it again, or must leave it alone.
    if (all.every((journal) => journal.hasFiles)) {
      await claim.keep();
    }
    isChecking = false;
  }

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
      claim: () => claim.make(0),
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
    reportRecovery(name, journal, logger);
    reportStatus();
    return journal;
  }

  /** Its owner has ended, and appends nothing more. */
  async function closeJournal(component: Owning): Promise<void> {
    const name = journalName(component);
    const observed = journals.get(name);
    if (observed === undefined) {
      return;
    }
    await observed.journal.close();
    try {
      reportLosses(new Map([[name, observed]]), { isLate: false, logger });
    } catch {
      // It has logged what is lost.
    }
    journals.delete(name);
    opened.delete(name);
    reportStatus();
  }

  return {
    storage: {
      openJournal: open,
      closeJournal,
      expect(components) {
        expected = new Set(components.map(journalName));
      },
    },

    async start() {
      await withinLimit(claim.make(config.timeout), {
        clock,
        limitMs: config.timeout + answerLimitMs,
        problem: `the directory ${shown(directory)} did not answer within ${answerLimitMs / 1000} s. Check the disk or the network file system that it is on, or name another directory.`,
      }).catch((error: unknown) => {
        if (error instanceof DirectoryInUse && settings.replaces !== undefined) {
          throw new Error(
            `the options of a storage cannot change while it has the directory ${shown(directory)} open. Restart the program to put them into effect, or name another directory.`,
            { cause: error },
          );
        }
        if (reasonOf(error) !== "no_space") {
          throw error;
        }
        logger.error(`State is not stored. ${reasonSentences.no_space}`, {
          directory,
          "error.code": errorCodeOf(error),
        });
      });
      isRunning = true;
      const look = () => void check(); // Never rejects.
      const cancelTimer = clock.every(checkIntervalMs, look);
      // Before the pipelines stop, so that they know what is stored, and can store it again.
      stopping.addEventListener("abort", look);
      stopChecks = () => {
        cancelTimer();
        stopping.removeEventListener("abort", look);
      };
      if (claim.isHeld) {
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
      stopChecks();
      const closing = Promise.all([
        claim.idle(),
        ...[...journals.values()].map(({ journal }) => journal.close()),
      ]);
      const isLate = (await beforeEnd(deadline, closing, clock)) === "late";
      if (!isLate) {
        // Otherwise writes in progress may still finish, so the lock is held until the process ends.
        claim.release();
      }
      reportLosses(journals, { isLate, logger });
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
