import {
  type Journal,
  type JournalState,
  maxRecordBytes,
  type Storage,
} from "../component/storage.ts";
import type { Payload, Signal } from "../otlp/payload.ts";

/** A payload of an earlier process that was not sent. */
export interface StoredPayload {
  readonly id: number;
  readonly payload: Payload;
  /** Whether its creator followed its delivery, as that of events: then no sender can send it again. */
  readonly isFollowed: boolean;
}

const recordTypes = { header: 1, part: 2, removed: 3 } as const;
const version = 1;
const signals = ["traces", "metrics", "logs"] as const satisfies readonly Signal[];

/** In the byte of the signal: the creator of the payload follows its delivery. */
const followedFlag = 0x80;

/** Type, number, signal, items, bytes of the whole payload. */
const partHeaderBytes = 1 + 8 + 1 + 4 + 4;
/** A payload may be longer than a record of a journal may be, and small parts leave room for others. */
const partBytes = Math.min(4 * 1024 * 1024, maxRecordBytes - partHeaderBytes);
/** A payload waits until no more than this is on its way to the disk, because a full buffer would degrade the journal. */
const maxUnwrittenBytes = 16 * 1024 * 1024;
/** A shorter log is not worth a snapshot. */
const minLogBytes = 16 * 1024 * 1024;

/**
 * The payloads of a queue in a journal: a record for each part of a payload when it is accepted, and a record when it has ended. A
 * snapshot replaces both by the payloads that are left.
 *
 * Keeps the stored payloads, which the bound of the queue bounds. On the disk there are at most eight times their bytes and 32 MiB. If
 * the disk fails, payloads are kept in memory only, until a snapshot has stored them; the storage reports that.
 */
export class QueueJournal {
  readonly #live = new Map<number, { readonly payload: Payload; readonly isFollowed: boolean }>();
  readonly #restoring = new Map<number, Uint8Array[]>();
  /** Payloads that were added while the disk failed, or whose files were removed, so that only a snapshot stores them. */
  readonly #unstored = new Set<number>();
  #journal: Journal | undefined;
  #liveBytes = 0;
  #nextId = 1;
  /** The bytes of parts that were appended since everything before was known to be written. */
  #unwrittenBytes = 0;
  #appending: Promise<unknown> = Promise.resolve();
  #isSnapshotWanted = false;
  #isSnapshotRunning = false;
  #hasSnapshotFailed = false;

  /** Recovers the queue. Called once, first. Rejects with an `Error` for an operator. */
  async open(storage: Storage): Promise<readonly StoredPayload[]> {
    this.#journal = await storage.openJournal({
      take: (record) => this.#recover(record),
      onSnapshotNeeded: () => {
        this.#isSnapshotWanted = true;
        this.#snapshotIfDue();
      },
      onState: (state) => this.#onState(state),
    });
    this.#restoring.clear();
    if (this.#journal.recovered.records === 0) {
      this.#journal.append(Uint8Array.of(recordTypes.header, version));
    }
    this.#discardIfEmpty();
    this.#snapshotIfDue();
    return [...this.#live].map(([id, live]) => ({ id, ...live }));
  }

  /** Whether the payload with this number survives the end of the process. */
  isStored(id: number): boolean {
    return this.#live.has(id) && !this.#unstored.has(id);
  }

  /** The payloads of these signals that survive the end of the process, and their items. */
  stored(isWanted: (signal: Signal) => boolean = () => true): {
    readonly requests: number;
    readonly items: number;
  } {
    const stored = [...this.#live].filter(
      ([id, { payload }]) => !this.#unstored.has(id) && isWanted(payload.signal),
    );
    return {
      requests: stored.length,
      items: stored.reduce((sum, [, { payload }]) => sum + payload.items, 0),
    };
  }

  /** Stores a payload. Resolves to its number when it would survive a crash, or when the disk has failed. Never rejects. */
  async add(payload: Payload): Promise<number> {
    const added = this.#appending.then(() => this.#append(payload));
    this.#appending = added;
    const id = await added;
    await this.#journal?.written();
    if (this.#journal?.state().status !== "ok" && this.#live.has(id)) {
      this.#unstored.add(id);
    }
    return id;
  }

  /** The payload with this number has ended. If a crash loses this, it is sent again. */
  remove(id: number): void {
    const live = this.#live.get(id);
    if (live === undefined) {
      return;
    }
    this.#live.delete(id);
    this.#unstored.delete(id);
    this.#liveBytes -= live.payload.bytes.length;
    const record = new DataView(new ArrayBuffer(9));
    record.setUint8(0, recordTypes.removed);
    record.setFloat64(1, id, true);
    this.#journal?.append(new Uint8Array(record.buffer));
    this.#discardIfEmpty();
    this.#snapshotIfDue();
  }

  #onState(state: JournalState): void {
    if (state.status === "ok") {
      this.#unstored.clear();
    } else if (state.reason === "removed" || state.reason === "in_use") {
      for (const id of this.#live.keys()) {
        this.#unstored.add(id);
      }
    }
  }

  /** Without a payload nothing that is stored is needed. So an exporter that is removed from the config leaves no file. */
  #discardIfEmpty(): void {
    if (this.#live.size === 0) {
      this.#journal?.discard();
    }
  }

  /**
   * A snapshot between two parts has the whole payload, so it is live before its first part. It cannot end before its last part,
   * because its number is not known yet.
   */
  async #append(payload: Payload): Promise<number> {
    const id = this.#nextId++;
    const live = { payload, isFollowed: payload.delivery !== undefined };
    this.#live.set(id, live);
    this.#liveBytes += payload.bytes.length;
    for (const record of partsOf(id, live)) {
      if (this.#unwrittenBytes + record.length > maxUnwrittenBytes) {
        await this.#journal?.written();
        this.#unwrittenBytes = 0;
      }
      this.#unwrittenBytes += record.length;
      this.#journal?.append(record);
      this.#snapshotIfDue();
    }
    return id;
  }

  #recover(record: Uint8Array): void {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    switch (view.getUint8(0)) {
      case recordTypes.header:
        if (view.getUint8(1) !== version) {
          throw unreadable();
        }
        return;
      case recordTypes.part:
        this.#recoverPart(view, record);
        return;
      case recordTypes.removed: {
        const id = view.getFloat64(1, true);
        this.#liveBytes -= this.#live.get(id)?.payload.bytes.length ?? 0;
        this.#live.delete(id);
        return;
      }
      default:
        throw unreadable();
    }
  }

  #recoverPart(view: DataView, record: Uint8Array): void {
    const id = view.getFloat64(1, true);
    const isFollowed = (view.getUint8(9) & followedFlag) !== 0;
    const signal = signals[view.getUint8(9) & ~followedFlag];
    if (signal === undefined) {
      throw unreadable();
    }
    if (this.#live.has(id)) {
      // A snapshot that was written between two parts has the whole payload.
      return;
    }
    this.#nextId = Math.max(this.#nextId, id + 1);
    const items = view.getUint32(10, true);
    const wholeBytes = view.getUint32(14, true);
    const parts = this.#restoring.get(id) ?? [];
    parts.push(record.slice(partHeaderBytes));
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length < wholeBytes) {
      this.#restoring.set(id, parts);
      return;
    }
    this.#restoring.delete(id);
    const [only] = parts;
    const bytes = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
    this.#live.set(id, { payload: { signal, bytes, items }, isFollowed });
    this.#liveBytes += bytes.length;
  }

  #snapshotIfDue(): void {
    const journal = this.#journal;
    if (journal === undefined || this.#isSnapshotRunning) {
      return;
    }
    const { logBytes, snapshotBytes } = journal;
    const isLong =
      logBytes + snapshotBytes > minLogBytes + 2 * this.#liveBytes && !this.#hasSnapshotFailed;
    if (this.#isSnapshotWanted || isLong) {
      this.#isSnapshotWanted = false;
      this.#isSnapshotRunning = true;
      void this.#snapshot(journal);
    }
  }

  /** A snapshot that fails is repeated when the storage asks for it, which it does at growing intervals. */
  async #snapshot(journal: Journal): Promise<void> {
    const live = [...this.#live];
    function* records(): Generator<Uint8Array> {
      yield Uint8Array.of(recordTypes.header, version);
      for (const [id, each] of live) {
        yield* partsOf(id, each);
      }
    }
    let isDone = false;
    try {
      const snapshot = journal.snapshot(records());
      this.#discardIfEmpty();
      const { status } = await snapshot;
      this.#hasSnapshotFailed = status === "failed";
      isDone = status === "done";
    } catch {
      // Not enough memory for a record. The storage asks again when it needs a snapshot.
      this.#hasSnapshotFailed = true;
    } finally {
      this.#isSnapshotRunning = false;
    }
    if (isDone) {
      // What it has stored may have been sent meanwhile, and nothing else may come for hours.
      this.#snapshotIfDue();
    }
  }
}

function* partsOf(
  id: number,
  { payload, isFollowed }: Omit<StoredPayload, "id">,
): Generator<Uint8Array> {
  const { signal, bytes, items } = payload;
  for (let from = 0; from === 0 || from < bytes.length; from += partBytes) {
    const part = bytes.subarray(from, from + partBytes);
    const record = new Uint8Array(partHeaderBytes + part.length);
    const view = new DataView(record.buffer);
    view.setUint8(0, recordTypes.part);
    view.setFloat64(1, id, true);
    view.setUint8(9, signals.indexOf(signal) | (isFollowed ? followedFlag : 0));
    view.setUint32(10, items, true);
    view.setUint32(14, bytes.length, true);
    record.set(part, partHeaderBytes);
    yield record;
  }
}

function unreadable(): Error {
  return new Error(
    "The stored queue was written by a newer version of this program. Start that version to send it, or move its folder out of the storage directory.",
  );
}
