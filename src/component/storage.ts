import type { ComponentKind } from "./component-kind.ts";

/** The longest record a journal accepts. A larger piece of state needs several records. */
export const maxRecordBytes = 16 * 1024 * 1024;

/**
 * Why a journal no longer stores. A closed list, fit for a label.
 *
 * - `no_space`: the disk, the quota or the largest allowed file is full.
 * - `io_error`: the system refused to write for any other reason.
 * - `removed`: the files, or the directory with them, were removed, renamed or replaced while the program ran.
 * - `in_use`: another process has taken the directory, because the lock on it was removed. It stays so until a restart.
 * - `too_slow`: records were appended faster than the disk writes them, and the buffer for them is full.
 * - `too_large`: a record is longer than {@link maxRecordBytes}; a bug of its owner.
 */
export const degradedReasons = [
  "no_space",
  "io_error",
  "removed",
  "in_use",
  "too_slow",
  "too_large",
] as const;
export type DegradedReason = (typeof degradedReasons)[number];

/** Whether records that are appended now survive a restart. */
export type JournalState =
  | { readonly status: "ok" }
  | { readonly status: "degraded"; readonly reason: DegradedReason };

/** The result of opening a journal. */
export interface RecoverySummary {
  /** The records passed to `take`, and their bytes. */
  readonly records: number;
  readonly bytes: number;
  /** Bytes of a write that a crash interrupted. `written()` had not resolved for any record in them. 0 if records or the end are missing. */
  readonly tornBytes: number;
  /** Bytes discarded because they, or bytes before them, could not be read. 0 unless a file was damaged. */
  readonly lostBytes: number;
  /**
   * Records that were stored and are missing, as far as is known: a file was damaged, emptied, cut or removed. The state of the owner is
   * then one of earlier, and what happened since is unknown.
   */
  readonly missingRecords: number;
  /** Whether what says how many records there were is missing itself, so that `missingRecords` is not known. */
  readonly isEndMissing: boolean;
  /** When the last group was written or the journal was closed, by the wall clock; absent if nothing was stored. */
  readonly lastWrittenUnixMs?: number;
}

/** The outcome of a snapshot. Unless it is `done`, the earlier stored data is unchanged. */
export type SnapshotOutcome =
  | { readonly status: "done" }
  /** Another snapshot is being written, or the journal is closed. No record was read. */
  | { readonly status: "busy" }
  /** It could not be written. `onSnapshotNeeded` requests another one later; do not retry at once. */
  | { readonly status: "failed"; readonly reason: DegradedReason };

/** The callbacks of the component that opened a journal. */
export interface JournalOwner {
  /**
   * Called while the journal opens with every record that survived, oldest first: the records of the newest
   * complete snapshot, then the records appended after it. The bytes are valid only during the call.
   */
  take(record: Uint8Array): void;
  /**
   * Requests a call of `snapshot`, as soon as convenient. There are three causes. Records were dropped, so that only a snapshot
   * makes the journal complete again, or an earlier snapshot failed: then the request is repeated at growing intervals until a
   * snapshot is done. Or the user wants one after every start: then it is made once, after the opening.
   */
  onSnapshotNeeded(): void;
  /** Called when the state has changed. */
  onState?(state: JournalState): void;
}

/**
 * The durable state of one component: a snapshot and a log of the changes since. Opening it
 * recovers both (`JournalOwner.take`); its extension closes it after every pipeline has stopped, with
 * everything written and synced. Later appends are dropped and counted.
 *
 * Two guarantees: a record whose `written()` resolved while the state was `ok` survives the end of this process, also a crash;
 * and the recovered records are a prefix of the appended ones, without a gap. A power cut may also lose records for which
 * `synced()` has not resolved. When somebody removes the files, the state becomes `degraded` some seconds later.
 */
export interface Journal {
  /** The result of the recovery. */
  readonly recovered: RecoverySummary;
  /** Bytes appended since the last snapshot, and bytes of that snapshot. They help the owner to decide when to write the next. */
  readonly logBytes: number;
  readonly snapshotBytes: number;
  /** Where its files are, for log lines; absent without files. */
  readonly directory?: string;
  /** Copies the record into the group that is written next. Never throws; a record that cannot be stored is dropped and counted. */
  append(record: Uint8Array): void;
  /**
   * Passes the record, and all records appended before it, to the operating system before it returns, and blocks the
   * process meanwhile. For rare and important records. Returns whether it was stored.
   */
  appendNow(record: Uint8Array): boolean;
  /**
   * Resolves when all records appended so far have been passed to the operating system. Never rejects: when the
   * state is, or becomes, `degraded` it resolves at once, except that records appended beside the snapshot that ends this state are waited
   * for. An owner that waits for it is never faster than the disk.
   */
  written(): Promise<void>;
  /** As `written`, but resolves when the records are on the disk. Without `fsync` in the config, the same as `written`. */
  synced(): Promise<void>;
  /**
   * Replaces all stored records by these, which must describe the state at the time of this call. Records
   * appended later come after them. They are pulled one by one at the disk's pace, over many steps of
   * the event loop, and each must stay unchanged until the next one is pulled: pass an array of copies,
   * or a generator that still has the state of this call. Rejects only with an exception of the iterable.
   *
   * A crash at any moment leaves either the earlier data, with the log continued, or the snapshot.
   */
  snapshot(records: Iterable<Uint8Array>): Promise<SnapshotOutcome>;
  /**
   * Nothing that is stored is needed any more: the next opening may recover it or nothing. The files are removed when the journal is
   * closed, unless a record was appended or a snapshot begun after this call.
   */
  discard(): void;
  state(): JournalState;
}

/** The role of an extension that a component may name in its `storage`. */
export interface StorageRole {
  /**
   * Names the components that will open a journal. Called once, before the start, so that it can report what is stored of others: a
   * component that is gone from the config, or that names another storage now.
   */
  expect?(components: readonly { readonly kind: ComponentKind; readonly id: string }[]): void;
  /**
   * Closes the journal of a component that a reload has removed, with everything written; it can be opened again. Never rejects, and
   * does nothing for a component that has none.
   */
  closeJournal(component: { readonly kind: ComponentKind; readonly id: string }): Promise<void>;
  /**
   * Opens the journal of a component, once per component, after the extension has started. Rejects with an
   * `Error` for an operator if the stored data cannot be read at all, and with any exception of `take`.
   */
  openJournal(
    component: { readonly kind: ComponentKind; readonly id: string },
    owner: JournalOwner,
  ): Promise<Journal>;
}

/** The component's view of the storage extension that its config names. */
export interface Storage {
  /** Opens the component's own journal; to be called in `start`, once. See {@link StorageRole.openJournal}. */
  openJournal(owner: JournalOwner): Promise<Journal>;
}
