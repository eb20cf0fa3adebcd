import { resolve } from "node:path";
import pLimit from "p-limit";
import type { CancelTimer } from "../../component/clock.ts";
import type { Component } from "../../component/component.ts";
import { accepted, type ConsumeResult } from "../../component/consumer.ts";
import { beforeDeadline } from "../../component/deadline.ts";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Settings } from "../../component/settings.ts";
import { maxDecodedBytesFor } from "../../memory/memory-budget.ts";
import { decodedBytesOf } from "../../otlp/check-request.ts";
import type { Payload } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";
import { isDiskFull, openError } from "./file-problems.ts";
import { type FileSystem, systemFiles } from "./file-system.ts";
import { contentOf, framed } from "./message-encoding.ts";
import { type FoundFile, OutputFile } from "./output-file.ts";
import { WriteReport } from "./write-report.ts";

/** The contents of messages that wait for the disk may have so many bytes, and one message more. */
const maxWaitingBytes = 32 * 1024 * 1024;

interface Waiting {
  readonly content: Uint8Array;
  readonly items: number;
  readonly answer: (result: ConsumeResult) => void;
}

/**
 * Writes payloads to a file, in the order in which they come. A payload is accepted when the operating system has it, so that it
 * survives a crash of this program; payloads that come while the disk writes share the next write.
 *
 * Keeps the messages that wait for the disk, up to 32 MiB and one more. Beyond, and when the disk fails, the answer is
 * retryable.
 */
export function createFileExporter(
  settings: Settings,
  config: Config,
  files: FileSystem = systemFiles,
): Component {
  const { id, clock, logger } = settings;
  const file = new OutputFile({ id, config, files, clock, logger });
  const report = new WriteReport(settings, config.path);
  const maxDecodedBytes = maxDecodedBytesFor(settings.memory);
  /** One call of the file at a time, because a write may close it. */
  const inTurn = pLimit(1);
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let writing: Promise<void> | undefined;
  let isSyncing = false;
  let cancelTimer: CancelTimer | undefined;
  let closing: Promise<void> | undefined;
  /** Of an exporter that replaces another one: the end of that one, which may write to the same file. */
  let ready: Promise<unknown> = Promise.resolve();

  async function consume(payload: Payload): Promise<ConsumeResult> {
    if (closing !== undefined) {
      return retryable("This collector is shutting down and writes nothing more.");
    }
    if (waitingBytes >= maxWaitingBytes) {
      return retryable("The disk is slower than the data that is to be written to the file.");
    }
    if (
      config.format === "json" &&
      decodedBytesOf(payload.signal, payload.bytes) > maxDecodedBytes
    ) {
      return {
        status: "permanent",
        message:
          "A payload has more in it than the memory of this collector holds as JSON. Let senders send smaller batches, write format: proto, or raise --max-old-space-size.",
      };
    }
    const { content, incomplete } = contentOf(payload, config.format);
    if (incomplete > 0) {
      report.incomplete(payload, incomplete);
    }
    waitingBytes += content.length;
    const result = new Promise<ConsumeResult>((resolve) => {
      waiting.push({ content, items: payload.items, answer: resolve });
    });
    writing ??= writeAll();
    return result;
  }

  async function writeAll(): Promise<void> {
    await ready;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      const messages: Uint8Array[] = [];
      for (const { content } of group) {
        messages.push(await framed(content, config));
      }
      const appended = await inTurn(() => file.append(messages));
      const unwritten = group.slice(appended.written);
      report.appended(
        appended,
        unwritten.reduce((sum, { items }) => sum + items, 0),
      );
      for (const [index, { content, answer }] of group.entries()) {
        waitingBytes -= content.length;
        answer(index < appended.written ? accepted : failed(appended.error));
      }
    }
    writing = undefined;
  }

  async function sync(): Promise<void> {
    if (!isSyncing) {
      isSyncing = true;
      await inTurn(() => file.sync()).catch((error: unknown) => report.syncFailed(error));
      isSyncing = false;
    }
  }

  async function closeAfterWriting(): Promise<void> {
    await writing;
    await inTurn(() => file.close());
  }

  async function begin(found: FoundFile = "as_configured"): Promise<void> {
    try {
      await file.start(found);
    } catch (error) {
      if (!isDiskFull(error)) {
        throw openError(config, error);
      }
      // As when the disk fills up later: it is tried again with every payload.
      report.appended({ error });
    }
    if (closing === undefined) {
      cancelTimer = clock.every(config.flush_interval, () => void sync());
    }
  }

  return {
    exporter: { consumer: () => ({ consume }) },

    // Two of them must not write to one file. What comes meanwhile waits.
    state: {
      handOver() {
        cancelTimer?.();
        closing ??= closeAfterWriting();
        return new FileHandover(closing, config);
      },
      takeOver(state) {
        const before = state instanceof FileHandover ? state : undefined;
        ready = (before?.isClosed ?? Promise.resolve())
          .catch(() => {})
          .then(() =>
            begin(before === undefined ? "as_configured" : foundFile(before.config, config)),
          )
          // It is tried again with every payload.
          .catch((error: unknown) => report.appended({ error }));
      },
    },

    async start() {
      if (settings.replaces === undefined) {
        await begin();
      }
    },

    async shutdown(deadline) {
      cancelTimer?.();
      closing ??= ready.then(closeAfterWriting);
      await beforeDeadline(deadline, closing);
      report.stop();
    },
  };
}

/** The file on its way to the exporter that goes on with it. */
class FileHandover {
  readonly isClosed: Promise<void>;
  readonly config: Config;

  constructor(isClosed: Promise<void>, config: Config) {
    this.isClosed = isClosed;
    this.config = config;
  }
}

/**
 * A reload loses nothing: only the start of the program empties a file. Messages of two formats cannot be in one file, because the
 * repair of its end would cut off those that it does not know.
 */
function foundFile(before: Config, after: Config): FoundFile {
  const isSamePath = resolve(before.path) === resolve(after.path);
  const isSameFormat = before.format === after.format && before.compression === after.compression;
  if (isSamePath) {
    return isSameFormat ? "continued" : "set_aside";
  }
  return after.append || after.rotation !== undefined ? "as_configured" : "set_aside";
}

function retryable(message: string): ConsumeResult {
  return { status: "retryable", message };
}

function failed(error: unknown): ConsumeResult {
  return retryable(`The file of this collector cannot be written (${errorCodeOf(error)}).`);
}
