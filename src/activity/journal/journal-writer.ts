import type { Journal } from "../../component/storage.ts";
import { EngineSnapshotWriter } from "../engine/store/snapshot.ts";
import type { SignalBatch } from "../model/signal-batch.ts";
import type { Rows } from "./batch-parts.ts";
import {
  type Header,
  jsonRecord,
  type Names,
  numberRecord,
  type PauseAnchor,
  type Restart,
  recordTypes,
  recordWithLimits,
} from "./journal-records.ts";
import type { ClockAnchor, EmittedRequest, PersistedState } from "./persisted-state.ts";
import { SignalEncoder } from "./signal-codec.ts";

const stateRecordBytes = 1 << 20;
const namesPerRecord = 512;
/** A shorter log is not worth a snapshot. */
const minLogBytes = 16 << 20;

/** A call of the engine, as it is replayed. */
export interface EngineCall {
  readonly nowMs: number;
  /** Absent when only time passed. */
  readonly signals?: SignalBatch;
  /** Those of the signals that were applied; absent for all. */
  readonly rows?: Rows;
  /** The call had events, which are emitted as soon as it is recorded. */
  readonly hasEvents: boolean;
}

/**
 * Writes the records of a journal; DESIGN.md describes them. Each call of the engine is recorded before its events are emitted, so
 * that no event leaves the program whose decision a crash could lose.
 *
 * Keeps no state but a buffer for one batch. The log is bounded by snapshots: one is due (`isLong`) when it is longer than 16 MiB
 * and than twice the last snapshot. A record that finds no room in the storage is lost, which the storage reports; the next
 * snapshot contains it.
 */
export class JournalWriter {
  /** Where the records go. */
  readonly journal: Journal;
  readonly #persisted: PersistedState;
  readonly #header: Header;
  readonly #encoder = new SignalEncoder();

  /** `isNew`: there are no records that can be read, so the journal begins with the header. */
  constructor(
    journal: Journal,
    persisted: PersistedState,
    options: { readonly header: Header; readonly isNew: boolean },
  ) {
    this.journal = journal;
    this.#persisted = persisted;
    this.#header = options.header;
    if (options.isNew) {
      journal.append(recordWithLimits(recordTypes.header, options.header));
    }
  }

  /** Records a call. With events it is written at once. */
  call({ nowMs, signals, rows, hasEvents }: EngineCall): void {
    if (signals !== undefined) {
      this.writeNewNames();
    }
    const record =
      signals === undefined
        ? numberRecord(recordTypes.tick, nowMs)
        : this.#encoder.encode(signals, nowMs, rows);
    if (hasEvents) {
      this.journal.appendNow(record);
    } else {
      this.journal.append(record);
    }
  }

  /** Records that a program continues this journal. */
  restart(restart: Restart): void {
    this.journal.append(recordWithLimits(recordTypes.restart, restart));
  }

  /** Records both clocks, after a pause of the program or because they have drifted apart. */
  anchor(anchor: PauseAnchor): void {
    this.journal.append(jsonRecord(recordTypes.anchor, anchor));
  }

  /** Records that the events of all calls up to `call` are delivered. At once: if this is lost, they are emitted again. */
  delivered(call: number): void {
    this.journal.appendNow(numberRecord(recordTypes.delivered, call));
  }

  /** Whether the log is long enough to be replaced by a snapshot. */
  get isLong(): boolean {
    const { logBytes, snapshotBytes } = this.journal;
    return logBytes > Math.max(minLogBytes, 2 * snapshotBytes);
  }

  /**
   * Replaces the log by the state at the moment of this call. `calls`: how many calls had events so far; `pending`: the events
   * of them that are not delivered. Returns whether the storage has the snapshot.
   */
  async snapshot(options: {
    readonly calls: number;
    readonly pending: readonly EmittedRequest[];
    readonly anchor: ClockAnchor;
  }): Promise<boolean> {
    const { calls, pending, anchor } = options;
    // The snapshot contains all names. Without this, the log would assign the new ones again.
    this.writeNewNames();
    const header = { ...this.#header, ...anchor };
    const records = snapshotRecords(this.#persisted, { header, calls, pending });
    const { status } = await this.journal.snapshot(records);
    return status === "done";
  }

  /** Records the names that have a number since the last record. Replay must know a number before a batch uses it. */
  writeNewNames(): void {
    const { processes, tools, channels } = this.#persisted;
    const senders = processes.takeChanged();
    const changedTools = tools.takeChanged();
    const changedChannels = channels.takeChanged();
    const lists = {
      senders,
      toolNames: changedTools.values,
      channelNames: changedChannels.values,
      forgottenTools: changedTools.forgotten,
      forgottenChannels: changedChannels.forgotten,
    };
    if (Object.values(lists).some(({ length }) => length > 0)) {
      for (const record of nameRecordsOf(lists)) {
        this.journal.append(record);
      }
    }
  }
}

/**
 * The state at the moment of this call as the records of a journal. `calls`: how many calls had events so far; `pending`: the events of
 * them that are not delivered.
 */
export function snapshotRecords(
  { engine, evictions, processes, tools, channels }: PersistedState,
  options: {
    readonly header: Header;
    readonly calls: number;
    readonly pending: readonly EmittedRequest[];
  },
): Iterable<Uint8Array> {
  const { header, calls, pending } = options;
  const state = new EngineSnapshotWriter();
  engine.snapshot(state);
  const before = [
    recordWithLimits(recordTypes.header, header),
    ...nameRecordsOf({
      senders: processes.stored(),
      toolNames: tools.stored(),
      channelNames: channels.stored(),
    }),
  ];
  const after = [
    jsonRecord(recordTypes.stateEnd, { told: calls, evictions: evictions.entries() }),
    ...pending.map(({ call, bytes }) => numberRecord(recordTypes.pending, call, bytes)),
  ];
  function* records(): Generator<Uint8Array> {
    yield* before;
    yield* stateRecordsOf(state.pieces);
    yield* after;
  }
  return records();
}

/** Names as records of at most `namesPerRecord` each: a name of a sender takes up to 9 KiB, and there may be 10 000. */
function nameRecordsOf(lists: Readonly<Partial<Record<keyof Names, readonly unknown[]>>>) {
  const most = Math.max(...Object.values(lists).map(({ length }) => length));
  const records: Uint8Array[] = [];
  for (let from = 0; from === 0 || from < most; from += namesPerRecord) {
    const parts = Object.entries(lists).map(([list, names]) => [
      list,
      names.slice(from, from + namesPerRecord),
    ]);
    records.push(jsonRecord(recordTypes.names, Object.fromEntries(parts)));
  }
  return records;
}

/** Joins and cuts the pieces of a snapshot into records of at most 1 MiB. Empties the array, so that what is written is released. */
function* stateRecordsOf(pieces: Uint8Array[]): Generator<Uint8Array> {
  const left = pieces.splice(0).reverse();
  let parts: Uint8Array[] = [];
  let length = 0;
  for (let piece = left.pop(); piece !== undefined; piece = left.pop()) {
    for (let from = 0; from < piece.length; from += stateRecordBytes) {
      const part = piece.subarray(from, from + stateRecordBytes);
      if (length + part.length > stateRecordBytes) {
        yield stateRecord(parts, length);
        parts = [];
        length = 0;
      }
      parts.push(part);
      length += part.length;
    }
  }
  yield stateRecord(parts, length);
}

function stateRecord(parts: readonly Uint8Array[], length: number): Uint8Array {
  const record = new Uint8Array(1 + length);
  record[0] = recordTypes.state;
  let at = 1;
  for (const part of parts) {
    record.set(part, at);
    at += part.length;
  }
  return record;
}
