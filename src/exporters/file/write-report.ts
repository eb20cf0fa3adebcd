import { errorCodeOf } from "../../component/error-code.ts";
import type { Settings } from "../../component/settings.ts";
import { ItemThrottle } from "../../delivery/item-throttle.ts";
import type { Payload } from "../../otlp/payload.ts";
import { statusMessage, UnfitFile } from "./file-problems.ts";
import type { Appended } from "./output-file.ts";

/** The time between two log lines about the same kind of problem. */
const logIntervalMs = 10_000;

const notRotated = "The file cannot be rotated and grows beyond its largest size.";

/**
 * Logs what happens to the file, each kind of problem at most every ten seconds with the lines held back, and reports the exporter's
 * status.
 */
export class WriteReport {
  readonly #settings: Settings;
  readonly #path: string;
  readonly #throttle: ItemThrottle;
  /** The message of the reported status; `undefined` while it is `ok`. */
  #problem: string | undefined;

  constructor(settings: Settings, path: string) {
    this.#settings = settings;
    this.#path = path;
    this.#throttle = new ItemThrottle(settings, logIntervalMs);
  }

  /** Logs what was held back. */
  stop(): void {
    this.#throttle.flush();
  }

  /** An append has ended and has not written so many items, or the file could not be opened at the start. */
  appended(
    { error, rotationError }: Pick<Appended, "error" | "rotationError">,
    unwrittenItems = 0,
  ): void {
    const { logger } = this.#settings;
    if (error !== undefined) {
      this.#throttle.report("write", {
        level: "error",
        message:
          "The file cannot be written and misses data that is not sent again. Free space, or correct the file or its directory.",
        items: unwrittenItems,
        fields: (count) => ({
          path: this.#path,
          reason: reasonOf(error),
          unwritten_items: count,
        }),
        isLoss: true,
      });
      this.#setProblem(statusMessage(error));
      return;
    }
    if (rotationError !== undefined) {
      this.#throttle.report("rotate", {
        level: "error",
        message:
          "The file cannot be rotated and grows beyond rotation.max_megabytes. Check the permissions of its directory.",
        fields: () => ({ path: this.#path, reason: reasonOf(rotationError) }),
        isLoss: false,
      });
      this.#setProblem(notRotated);
      return;
    }
    if (this.#problem !== undefined && this.#problem !== notRotated) {
      logger.info("The file can be written again.", { path: this.#path });
    }
    this.#setProblem(undefined);
  }

  syncFailed(error: unknown): void {
    this.#throttle.report("sync", {
      level: "error",
      message:
        "Written data could not be synced to the disk, so a power cut may lose it. Check the health of the disk.",
      fields: () => ({ path: this.#path, reason: reasonOf(error) }),
      isLoss: false,
    });
  }

  incomplete({ signal }: Payload, parts: number): void {
    this.#throttle.report("incomplete", {
      level: "warn",
      message:
        "Parts of the data cannot be decoded or are nested too deeply, and are missing in the file.",
      fields: () => ({ signal, parts }),
      isLoss: true,
    });
  }

  #setProblem(message: string | undefined): void {
    if (message === this.#problem) {
      return;
    }
    this.#problem = message;
    this.#settings.reportStatus(
      message === undefined ? { status: "ok" } : { status: "recoverable_error", message },
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof UnfitFile ? error.message : errorCodeOf(error);
}
