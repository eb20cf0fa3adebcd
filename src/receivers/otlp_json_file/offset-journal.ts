import { z } from "zod";
import type { Journal, Storage } from "../../component/storage.ts";

/** Far more than the pieces of a fingerprint have, and little memory. */
const maxPieceBytes = 1024 * 1024;

const piece = z.object({
  at: z.int().min(0),
  length: z.int().min(0).max(maxPieceBytes),
  hash: z.string(),
});

/** A line of several signals of which some are done. The hash is that of the line. */
const partlyDoneLine = z.object({
  hash: z.string(),
  signals: z.array(z.enum(["traces", "metrics", "logs"])).readonly(),
});
export type PartlyDoneLine = Readonly<z.output<typeof partlyDoneLine>>;

const fileRecord = z.object({
  file: z.string(),
  offset: z.int().min(0),
  isInSkippedLine: z.boolean(),
  fingerprint: z.array(piece).readonly(),
  partlyDone: partlyDoneLine.exactOptional(),
});

/** How far a file has been read. */
export type StoredOffset = Readonly<z.output<typeof fileRecord>>;

const record = z.union([
  fileRecord,
  z.object({ forgotten: z.string() }),
  z.object({ version: z.literal(1) }),
]);

/** A shorter log is not worth a snapshot. */
const minLogBytes = 1024 * 1024;

/**
 * The offsets of files in a journal: one record per line that is done, or per signal of it. They are written with the next group of the storage; a crash
 * before that makes the receiver read the last lines again.
 *
 * Keeps no offsets itself but those that it recovered.
 */
export class OffsetJournal {
  #current: () => Iterable<StoredOffset> = () => [];
  readonly #recovered = new Map<string, StoredOffset>();
  #journal: Journal | undefined;
  #hasBegun = false;
  #isSnapshotWanted = false;
  #isSnapshotRunning = false;
  #hasSnapshotFailed = false;

  /** Resolves to the offsets of an earlier run, if there was one. Rejects with an `Error` for an operator. */
  async open(storage: Storage): Promise<readonly StoredOffset[] | undefined> {
    this.#journal = await storage.openJournal({
      take: (bytes) => this.#take(bytes),
      onSnapshotNeeded: () => {
        this.#isSnapshotWanted = true;
        this.#snapshotIfDue();
      },
    });
    const recovered = [...this.#recovered.values()];
    this.#recovered.clear();
    if (this.#journal.recovered.records === 0) {
      this.#append({ version: 1 });
      return undefined;
    }
    return recovered;
  }

  /** Stores the offsets of all known files, `current`. From now on a snapshot has all of them, too. */
  begin(current: () => Iterable<StoredOffset>): void {
    this.#hasBegun = true;
    this.#current = current;
    for (const offset of this.#current()) {
      this.#append(offset);
    }
    this.#snapshotIfDue();
  }

  store(offset: StoredOffset): void {
    this.#append(offset);
    this.#snapshotIfDue();
  }

  forget(file: string): void {
    this.#append({ forgotten: file });
  }

  #append(value: z.input<typeof record>): void {
    this.#journal?.append(encoded(value));
  }

  #take(bytes: Uint8Array): void {
    const parsed = record.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (!parsed.success) {
      throw new Error(
        "The stored offsets were written by a newer version of this program. Start that version, or move their folder out of the storage directory to begin as start_at says.",
      );
    }
    if ("file" in parsed.data) {
      this.#recovered.set(parsed.data.file, parsed.data);
    } else if ("forgotten" in parsed.data) {
      this.#recovered.delete(parsed.data.forgotten);
    }
  }

  #snapshotIfDue(): void {
    const journal = this.#journal;
    if (journal === undefined || !this.#hasBegun || this.#isSnapshotRunning) {
      return;
    }
    const { logBytes, snapshotBytes } = journal;
    // After a failure the storage asks for one, at growing intervals.
    const isLong = logBytes > minLogBytes + 2 * snapshotBytes && !this.#hasSnapshotFailed;
    if (this.#isSnapshotWanted || isLong) {
      this.#isSnapshotWanted = false;
      this.#isSnapshotRunning = true;
      const records = [{ version: 1 } as const, ...this.#current()].map(encoded);
      void journal.snapshot(records).then(({ status }) => {
        this.#hasSnapshotFailed = status === "failed";
        this.#isSnapshotRunning = false;
      });
    }
  }
}

/** The offsets of a receiver on their way to the one that replaces it. */
export class OffsetHandover {
  /** Resolves once nothing is on its way to the pipelines any more. */
  readonly stopped: Promise<{
    readonly offsets: readonly StoredOffset[];
    readonly journal: OffsetJournal;
  }>;

  constructor(stopped: OffsetHandover["stopped"]) {
    this.stopped = stopped;
  }
}

function encoded(value: z.input<typeof record>): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
