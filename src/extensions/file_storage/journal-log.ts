import type { DegradedReason } from "../../component/storage.ts";
import type { Recovered } from "./journal-recovery.ts";
import { LogWriter, type LogWriterOptions } from "./log-writer.ts";
import { Segments } from "./segments.ts";

export interface JournalLogOptions
  extends Omit<LogWriterOptions, "segments" | "sequence" | "onFailure"> {
  /** Called when the log has failed, once until `restart`. `unwrittenRecords` were accepted before and are lost. */
  readonly onFailure: (reason: DegradedReason, error: unknown, unwrittenRecords: number) => void;
}

/**
 * The log of a journal over all its gaps. A {@link LogWriter} ends at the first failure; after `restart` another one continues. It
 * keeps the current writer, the list of segments and the size.
 */
export class JournalLog {
  readonly segments: Segments;
  /** The bytes of the records since the newest snapshot, including their record headers. Its users keep it up to date. */
  bytes: number;
  readonly #options: JournalLogOptions;
  #writer: LogWriter;

  constructor(
    options: JournalLogOptions,
    recovered: Pick<Recovered, "sequence" | "lastSegmentNumber" | "segments" | "logBytes">,
  ) {
    this.#options = options;
    this.segments = new Segments(options, {
      lastNumber: recovered.lastSegmentNumber,
      segments: recovered.segments,
    });
    this.bytes = recovered.logBytes;
    this.#writer = this.#writerFrom(recovered.sequence);
  }

  /** The current writer. It may have ended after an `await`. */
  get writer(): LogWriter {
    return this.#writer;
  }

  /** The size of all files of the log. */
  get fileBytes(): number {
    return this.segments.sizeBytes + this.#writer.segmentBytes;
  }

  /** Continues a log that has failed. One number is skipped, so that a recovery without a snapshot of it detects the gap. */
  restart(): void {
    this.#writer = this.#writerFrom(this.#writer.sequence + 1);
  }

  #writerFrom(sequence: number): LogWriter {
    const { onFailure } = this.#options;
    const writer: LogWriter = new LogWriter({
      ...this.#options,
      segments: this.segments,
      sequence,
      onFailure: (reason, error) => onFailure(reason, error, writer.unwrittenRecords),
    });
    return writer;
  }
}
