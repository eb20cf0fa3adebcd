import { unlink } from "node:fs/promises";
import type { CancelTimer } from "../../component/clock.ts";
import type { Component } from "../../component/component.ts";
import type { Consumer } from "../../component/consumer.ts";
import { beforeDeadline } from "../../component/deadline.ts";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Settings } from "../../component/settings.ts";
import { createThrottle } from "../../component/throttle.ts";
import type { Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";
import { openFiles } from "./file-instruments.ts";
import { factsAt, findFiles } from "./file-search.ts";
import { FileTable } from "./file-table.ts";
import type { FollowedFile } from "./followed-file.ts";
import { deliverLine, type LineOutcome } from "./line-delivery.ts";
import { createBlockBuffers, LineReader } from "./line-reader.ts";
import { OffsetHandover, OffsetJournal } from "./offset-journal.ts";
import { SkipReport } from "./skip-report.ts";

/** The time between two log lines about the same kind of problem. */
const logIntervalMs = 10_000;

/** A file that is gone is read until so many polls have not found it, because its writer may still have it open. */
const pollsUntilGone = 2;

/** How one pass through the lines of a file ended. */
type PassEnd =
  | { readonly kind: "reached"; readonly seenBytes: number }
  | { readonly kind: "stopped" }
  | { readonly kind: "replaced" };

const unreadable = "A file cannot be read.";

/**
 * Reads lines of OTLP JSON from files and passes them to the pipelines, one line at a time: the next one is read when the pipelines
 * have answered. A line that cannot be taken at the moment is tried again until it can.
 *
 * Keeps one line, two blocks of 256 KiB, and what `FileTable` says of each file.
 */
export function createOtlpJsonFileReceiver(settings: Settings, config: Config): Component {
  const { clock, logger } = settings;
  const consumers = new Map<Signal, Consumer>();
  const report = new SkipReport(settings);
  const buffers = createBlockBuffers();
  const stop = new AbortController();
  const throttles = {
    unreadable: createThrottle(clock, logIntervalMs),
    full: createThrottle(clock, logIntervalMs),
  };
  let isEveryFileReadable = true;
  let isProblemReported = false;
  let cancelTimer: CancelTimer | undefined;
  let polling: Promise<void> | undefined;
  let isPollDue = false;
  let hasStarted = false;

  const table: FileTable = new FileTable({
    maxOpenFiles: config.max_concurrent_files,
    startsAtEnd: config.start_at === "end" && !config.replay_file,
    readsAgain: config.replay_file,
    onForgotten: (identity) => journal.forget(identity),
    onUnreadable,
    onFull: () =>
      throttles.full((heldBack) =>
        logger.error(
          "There are too many files, so new ones are not read. Exclude files, or delete those that are done.",
          { held_back: heldBack },
        ),
      ),
  });
  let journal = new OffsetJournal();
  /** Whether another receiver has taken the offsets over. */
  let isHandedOver = false;

  function onUnreadable(path: string, error: unknown): void {
    if (errorCodeOf(error) === "ENOENT") {
      return; // It was removed or renamed since it was found.
    }
    isEveryFileReadable = false;
    throttles.unreadable((heldBack) =>
      logger.error("A file cannot be read. Check its permissions.", {
        path,
        reason: errorCodeOf(error),
        held_back: heldBack,
      }),
    );
  }

  async function poll(): Promise<void> {
    isEveryFileReadable = true;
    for (const file of await openedFirst(await table.look(await findFiles(config)))) {
      if (stop.signal.aborted) {
        return;
      }
      try {
        await read(file);
      } catch (error) {
        if (!stop.signal.aborted) {
          onUnreadable(file.path, error);
          await table.close(file);
        }
      }
    }
    if (isProblemReported === isEveryFileReadable) {
      isProblemReported = !isEveryFileReadable;
      settings.reportStatus(
        isProblemReported ? { status: "recoverable_error", message: unreadable } : { status: "ok" },
      );
    }
  }

  /** Opens the files before one of them is read, because they may be renamed or removed while a line waits. Leaves out those that cannot be opened. */
  async function openedFirst(files: readonly FollowedFile[]): Promise<readonly FollowedFile[]> {
    const first: FollowedFile[] = [];
    for (const file of files.slice(0, config.max_concurrent_files)) {
      if (await table.open(file)) {
        first.push(file);
      }
    }
    return [...first, ...files.slice(config.max_concurrent_files)];
  }

  /** Reads what a file holds at the moment. What is written meanwhile is read at the next poll, so that all files get their turn. */
  async function read(file: FollowedFile): Promise<void> {
    if (!(await table.open(file))) {
      return;
    }
    if (config.replay_file) {
      file.rewind();
    }
    let end = await readLines(file);
    if (end.kind === "replaced") {
      logger.info("A file was truncated or replaced. It is read from its beginning.", {
        path: file.path,
      });
      file.rewind();
      // At once, because the new content may be replaced as well. If it was already, the next poll goes on.
      end = await readLines(file);
    }
    if (end.kind === "reached") {
      await afterEnd(file, end.seenBytes);
    }
  }

  async function readLines(file: FollowedFile): Promise<PassEnd> {
    const facts = await file.facts();
    const nowMs = clock.nowMs();
    const reader = new LineReader(file.readAt, {
      from: file.position,
      maxLineBytes: config.max_log_size,
      buffers,
    });
    // At least one look, which shows whether it is the same file.
    do {
      if (stop.signal.aborted) {
        return { kind: "stopped" };
      }
      const line = await reader.next();
      if (line === undefined) {
        break;
      }
      if (line.kind === "replaced") {
        return { kind: "replaced" };
      }
      if (line.kind === "too_large") {
        report.skipped("too_large", file.path);
      } else if ((await deliver(line.bytes, file)) === "stopped") {
        return { kind: "stopped" };
      }
      advance(file, reader);
    } while (reader.position.offset < facts.sizeBytes);
    if (reader.position.offset !== file.position.offset) {
      advance(file, reader); // It stands in a line that is passed over.
    }
    file.reachedEnd(facts, nowMs);
    return { kind: "reached", seenBytes: reader.seenBytes };
  }

  function deliver(line: Uint8Array, file: FollowedFile): Promise<LineOutcome> {
    return deliverLine(
      {
        bytes: line,
        path: file.path,
        doneSignals: file.doneSignalsOf(line),
        onPartlyDone(signals) {
          file.setDoneSignals(line, signals);
          store(file);
        },
      },
      { settings, consumers, report, stop: stop.signal },
    );
  }

  function advance(file: FollowedFile, reader: LineReader): void {
    file.advance(reader.position);
    store(file);
  }

  function store(file: FollowedFile): void {
    if (!config.replay_file) {
      journal.store(file.stored);
    }
  }

  async function afterEnd(file: FollowedFile, seenBytes: number): Promise<void> {
    const { sizeBytes, isDeleted } = await file.facts();
    if (sizeBytes > seenBytes) {
      return; // More was written meanwhile.
    }
    if (isDeleted && file.missedPolls >= pollsUntilGone) {
      await table.forget(file);
    } else if (file.missedPolls >= pollsUntilGone) {
      await table.close(file);
    } else if (config.delete_after_read && sizeBytes === file.position.offset && sizeBytes > 0) {
      await deleteRead(file);
    }
  }

  /** Looks at its size last, so that little time is left to write more. */
  async function deleteRead(file: FollowedFile): Promise<void> {
    const isSame = await file.isSame();
    const facts = await factsAt(file.path);
    const isAtPath = facts?.identity === file.identity;
    if (!isSame || (isAtPath && facts.sizeBytes !== file.position.offset)) {
      return; // The next poll reads what it holds now.
    }
    if (isAtPath) {
      await unlink(file.path);
    }
    await table.forget(file);
  }

  /** Polls once, and once more if that became due meanwhile. */
  async function pollWhileDue(): Promise<void> {
    do {
      isPollDue = false;
      // The search itself may fail, e.g. when too many files are open.
      await poll().catch((error: unknown) => onUnreadable(config.include.join(", "), error));
    } while (isPollDue && !stop.signal.aborted);
    polling = undefined;
  }

  function onTick(): void {
    isPollDue = true;
    polling ??= pollWhileDue();
  }

  /** Looks for files and begins to follow them. */
  async function begin(): Promise<void> {
    const found = await findFiles(config);
    await table.look(found);
    if (stop.signal.aborted) {
      return; // It was stopped or replaced meanwhile.
    }
    journal.begin(() => table.offsets());
    logger.info("Reading OTLP JSON from files.", { files: found.length });
    cancelTimer = clock.every(config.poll_interval, onTick);
  }

  /** Begins where the predecessor stops: after the line that it has on its way to the pipelines. */
  async function beginAfter({ stopped }: OffsetHandover): Promise<void> {
    const { offsets, journal: itsJournal } = await stopped;
    if (settings.replaces?.sharesStorage === true) {
      journal = itsJournal;
    }
    table.restore(offsets);
    if (!stop.signal.aborted) {
      await begin();
    }
  }

  return {
    state: {
      handOver() {
        isHandedOver = true;
        stop.abort();
        cancelTimer?.();
        // It advances while it stops, so the offsets are those after that.
        return new OffsetHandover(
          (polling ?? Promise.resolve()).then(() => ({ offsets: [...table.offsets()], journal })),
        );
      },
      takeOver(state) {
        const beginning = state instanceof OffsetHandover ? beginAfter(state) : begin();
        polling = beginning
          .catch((error: unknown) => onUnreadable(config.include.join(", "), error))
          .then(() => {
            polling = undefined;
          });
      },
    },

    receiver: {
      transports: ["file"],
      connect(signal, next) {
        consumers.set(signal, next);
      },
    },

    async start() {
      hasStarted = true;
      report.start();
      const { name, unit, description } = openFiles;
      settings.meter.createObservableGauge(name, { unit, description }).addCallback((result) => {
        result.observe(table.openCount, { receiver: settings.id });
      });
      const { storage, replaces } = settings;
      if (storage !== undefined && replaces?.sharesStorage !== true) {
        const stored = await journal.open(storage);
        if (stored !== undefined && replaces === undefined) {
          table.restore(stored);
        }
      }
      if (replaces === undefined) {
        await begin();
      }
    },

    async shutdown(deadline) {
      stop.abort();
      cancelTimer?.();
      if (!hasStarted) {
        return;
      }
      await beforeDeadline(deadline, polling ?? Promise.resolve());
      // A line that is still on its way belongs to the successor, too, which waits for it.
      if (!isHandedOver || polling === undefined) {
        await table.closeAll();
      } else {
        void polling.then(() => table.closeAll());
      }
      report.stop();
    },
  };
}
