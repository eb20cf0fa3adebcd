import { errorCodeOf } from "../../component/error-code.ts";
import type { Settings } from "../../component/settings.ts";
import { type HeldBack, ItemThrottle } from "../../delivery/throttle.ts";
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
    this.#throttle = new ItemThrottle(settings.clock, logIntervalMs);
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
      this.#throttle.report("write", unwrittenItems, (heldBack) =>
        logger.error(
          "The file cannot be written and misses data that is not sent again. Free space, or correct the file or its directory.",
          {
            path: this.#path,
            reason: reasonOf(error),
            unwritten_items: unwrittenItems,
            ...heldBack,
          },
        ),
      );
      this.#setProblem(statusMessage(error));
      return;
    }
    if (rotationError !== undefined) {
      this.#limit("rotate", (heldBack) =>
        logger.error(
          "The file cannot be rotated and grows beyond rotation.max_megabytes. Check the permissions of its directory.",
          { path: this.#path, reason: reasonOf(rotationError), held_back: heldBack },
        ),
      );
      this.#setProblem(notRotated);
      return;
    }
    if (this.#problem !== undefined && this.#problem !== notRotated) {
      logger.info("The file can be written again.", { path: this.#path });
    }
    this.#setProblem(undefined);
  }

  syncFailed(error: unknown): void {
    this.#limit("sync", (heldBack) =>
      this.#settings.logger.error(
        "Written data could not be synced to the disk, so a power cut may lose it. Check the health of the disk.",
        { path: this.#path, reason: reasonOf(error), held_back: heldBack },
      ),
    );
  }

  incomplete({ signal }: Payload, parts: number): void {
    this.#limit("incomplete", (heldBack) =>
      this.#settings.logger.warn(
        "Parts of the data cannot be decoded or are nested too deeply, and are missing in the file.",
        { signal, parts, held_back: heldBack },
      ),
    );
  }

  /** For lines that are about no items. */
  #limit(key: string, report: (heldBack: number) => void): void {
    this.#throttle.report(key, 0, ({ held_back }: HeldBack) => report(held_back));
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
