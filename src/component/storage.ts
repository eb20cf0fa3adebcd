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

/** Whether what is appended now will be there after a restart. */
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

/** What became of a snapshot. Everything but `done` leaves what was stored before as it was. */
export type SnapshotOutcome =
  | { readonly status: "done" }
  /** Another snapshot is being written, or the journal is closed. None of the records was looked at. */
  | { readonly status: "busy" }
  /** It could not be written. `onSnapshotNeeded` asks again in a while; do not repeat it at once. */
  | { readonly status: "failed"; readonly reason: DegradedReason };

/** What a component tells the journal it opens, and is told by it. */
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
 * The durable memory of one component: a snapshot of its state and a log of what changed since. Opening it
 * recovers both (`JournalOwner.take`); its extension closes it after every pipeline has stopped, with
 * everything written and synced. What is appended after that is dropped and counted.
 *
 * Two promises: a record whose `written()` resolved while the state was `ok` survives the end of this
 * process, however it ends; and what is recovered is a prefix of what was appended, never with a hole. A power
 * cut may also take what `synced()` has not resolved for.
 */
export interface Journal {
  /** What was found at the opening. */
  readonly recovered: RecoverySummary;
  /** Copies the record into the group that is written next. Never throws; what cannot be stored is dropped and counted. */
  append(record: Uint8Array): void;
  /**
   * Hands the record, and what was appended before it, to the operating system before it returns, blocking the
   * process meanwhile. For rare, decisive records. Returns whether it was stored.
   */
  appendNow(record: Uint8Array): boolean;
  /**
   * Resolves when all that was appended so far has been handed to the operating system. Never rejects: when the
   * state is, or becomes, `degraded` it resolves at once. Waiting for it is how an owner goes no faster than the disk.
   */
  written(): Promise<void>;
  /** As `written`, but until the disk itself has it. Without `fsync` in the config, the same as `written`. */
  synced(): Promise<void>;
  /**
   * Replaces all that is stored by these records, which must say the state at the moment of this call; what is
   * appended from now on comes after them. They are pulled one by one as the disk takes them, over many turns of
   * the event loop, and each must stay unchanged until the next one is pulled: hand over an array of copies,
   * or a generator that still knows the state of this moment. Rejects only with what the iterable throws.
   *
   * A crash at any moment leaves either what was stored before, with the log continued, or the snapshot.
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
   * `Error` an operator understands when what is stored cannot be read at all, and with what `take` throws.
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
