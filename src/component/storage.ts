import type { ComponentKind } from "./component-kind.ts";

/** The longest record a journal takes. A larger piece of state is several records. */
export const maxRecordBytes = 16 * 1024 * 1024;

/**
 * Why a journal no longer stores. A closed list, fit for a label.
 *
 * - `no_space`: the disk, the quota or the largest allowed file is full.
 * - `io_error`: the system refused to write for any other reason.
 * - `too_slow`: more was appended than the disk took in time, and memory is not spent on waiting.
 * - `too_large`: a record is longer than {@link maxRecordBytes}; a bug of its owner.
 */
export const degradedReasons = ["no_space", "io_error", "too_slow", "too_large"] as const;
export type DegradedReason = (typeof degradedReasons)[number];

/** Whether records that are appended now survive a restart. */
export type JournalState =
  | { readonly status: "ok" }
  | { readonly status: "degraded"; readonly reason: DegradedReason };

/** What was found when a journal was opened. */
export interface RecoverySummary {
  /** What `take` was given. */
  readonly records: number;
  readonly bytes: number;
  /** Bytes of a write that a crash interrupted. Nothing in them had been promised by `written()`. */
  readonly tornBytes: number;
  /** Bytes given up because they, or something before them, could not be read. 0 unless a file was damaged. */
  readonly lostBytes: number;
  /** Wall clock when the last group was written, or the journal closed; absent when nothing was found. */
  readonly lastWrittenUnixMs?: number;
}

/** The outcome of a snapshot. Unless it is `done`, the earlier stored data is unchanged. */
export type SnapshotOutcome =
  | { readonly status: "done" }
  /** Another snapshot is being written, or the journal is closed. None of the records was looked at. */
  | { readonly status: "busy" }
  /** It could not be written. `onSnapshotNeeded` asks again in a while; do not repeat it at once. */
  | { readonly status: "failed"; readonly reason: DegradedReason };

/** The callbacks by which a journal talks to the component that opened it. */
export interface JournalOwner {
  /**
   * Called while the journal opens with every record that survived, oldest first: the records of the newest
   * complete snapshot, then what was appended after it. The bytes are valid during the call only.
   */
  take(record: Uint8Array): void;
  /**
   * Asks for a call of `snapshot` as soon as it suits. Because records were dropped, so that only a snapshot makes
   * the journal whole again, or because an earlier one failed: asked again, at growing intervals, until one is
   * done. Or because the user wants one after every start: asked once, after the opening.
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
 * Two promises: a record whose `written()` resolved while the state was `ok` survives the end of this
 * process, however it ends; and the recovered records are a prefix of the appended ones, never with a gap. A power
 * cut may also lose records for which `synced()` has not resolved.
 */
export interface Journal {
  /** The result of the recovery. */
  readonly recovered: RecoverySummary;
  /** Copies the record into the group that is written next. Never throws; a record that cannot be stored is dropped and counted. */
  append(record: Uint8Array): void;
  /**
   * Passes the record, and all records appended before it, to the operating system before it returns, and blocks the
   * process meanwhile. For rare, decisive records. Returns whether it was stored.
   */
  appendNow(record: Uint8Array): boolean;
  /**
   * Resolves when all records appended so far have been passed to the operating system. Never rejects: when the
   * state is, or becomes, `degraded` it resolves at once. An owner that waits for it is never faster than the disk.
   */
  written(): Promise<void>;
  /** As `written`, but until the disk itself has it. Without `fsync` in the config, the same as `written`. */
  synced(): Promise<void>;
  /**
   * Replaces all stored records by these, which must describe the state at the moment of this call. Records
   * appended later come after them. They are pulled one by one as the disk takes them, over many turns of
   * the event loop, and each must stay unchanged until the next one is pulled: pass an array of copies,
   * or a generator that still has the state of this moment. Rejects only with an exception of the iterable.
   *
   * A crash at any moment leaves either the earlier data, with the log continued, or the snapshot.
   */
  snapshot(records: Iterable<Uint8Array>): Promise<SnapshotOutcome>;
  /** Bytes appended since the last snapshot, and bytes of that snapshot: when to make the next one. */
  sizes(): { readonly logBytes: number; readonly snapshotBytes: number };
  state(): JournalState;
}

/** The role of an extension that a component may name in its `storage`. */
export interface StorageRole {
  /**
   * Opens the journal of a component, once per component, after the extension has started. Rejects with an
   * `Error` an operator understands if the stored data cannot be read at all, and with any exception of `take`.
   */
  openJournal(
    component: { readonly kind: ComponentKind; readonly id: string },
    owner: JournalOwner,
  ): Promise<Journal>;
}

/** The storage extension that a component's config names, as the component sees it. */
export interface Storage {
  /** Opens the component's own journal; to be called in `start`, once. See {@link StorageRole.openJournal}. */
  openJournal(owner: JournalOwner): Promise<Journal>;
}
