import type { Journal } from "../../component/storage.ts";
import { EngineSnapshotWriter } from "../engine/store/snapshot.ts";
import type { SignalBatch } from "../model/signal-batch.ts";
import {
  type Header,
  jsonRecord,
  numberRecord,
  type PausedAnchor,
  type Restart,
  recordTypes,
} from "./journal-records.ts";
import type { ClockAnchor, EmittedRequest, PersistedState } from "./persisted-state.ts";
import { SignalEncoder } from "./signal-codec.ts";

const statePieceBytes = 1 << 20;
/** A log shorter than this is not worth a snapshot. */
const minLogBytes = 16 << 20;

/** Writes down what happens, before anyone is told that it did. */
export class JournalWriter {
  readonly #journal: Journal;
  readonly #persisted: PersistedState;
  readonly #header: Header;
  readonly #encoder = new SignalEncoder();

  /** `isNew`: nothing was recovered, or nothing that can be read. */
  constructor(
    journal: Journal,
    persisted: PersistedState,
    options: { readonly header: Header; readonly isNew: boolean },
  ) {
    this.#journal = journal;
    this.#persisted = persisted;
    this.#header = options.header;
    if (options.isNew) {
      journal.append(jsonRecord(recordTypes.header, options.header));
    }
  }

  /** Signals that were applied at `nowMs`. `hasEvents`: somebody is about to hear of what came of it. */
  signals(batch: SignalBatch, nowMs: number, hasEvents: boolean): void {
    this.#writeNewNames();
    this.#append(this.#encoder.encode(batch, nowMs), hasEvents);
  }

  /** Time has passed until `nowMs`, and something was decided. `hasEvents`: somebody is about to hear of it. */
  tick(nowMs: number, hasEvents: boolean): void {
    this.#append(numberRecord(recordTypes.tick, nowMs), hasEvents);
  }

  restart(restart: Restart): void {
    this.#journal.append(jsonRecord(recordTypes.restart, restart));
  }

  /** The program was paused, so that the machine's clock has lost time. */
  anchor(anchor: PausedAnchor): void {
    this.#journal.append(jsonRecord(recordTypes.anchor, anchor));
  }

  /** The events of all calls up to `call` have been handed on. At once, for they are told again if this is lost. */
  delivered(call: number): void {
    this.#journal.appendNow(numberRecord(recordTypes.delivered, call));
  }

  /** Resolves when everything written down so far outlives this process. Never rejects. */
  written(): Promise<void> {
    return this.#journal.written();
  }

  /** Whether the log has grown long enough for a snapshot to be worth it. */
  get isLong(): boolean {
    const { logBytes, snapshotBytes } = this.#journal.sizes();
    return logBytes > Math.max(minLogBytes, 2 * snapshotBytes);
  }

  /**
   * Replaces the log by the state as it is now, after so many `calls` that had events. `pending` are those of
   * them that have not been handed on.
   */
  async snapshot(options: {
    readonly calls: number;
    readonly pending: readonly EmittedRequest[];
    readonly anchor: ClockAnchor;
  }): Promise<boolean> {
    const { calls, pending, anchor } = options;
    const { engine, evictions } = this.#persisted;
    // Else the log would give those that the snapshot knows a number once more.
    this.#writeNewNames();
    const state = new EngineSnapshotWriter();
    engine.snapshot(state);
    const before = [
      jsonRecord(recordTypes.header, { ...this.#header, ...anchor }),
      jsonRecord(recordTypes.names, {
        senders: this.#persisted.processes.stored(),
        toolNames: this.#persisted.tools.stored(),
        channelNames: this.#persisted.channels.stored(),
      }),
    ];
    const after = [
      jsonRecord(recordTypes.stateEnd, { told: calls, evictions: evictions.entries() }),
      ...pending.map(({ call, bytes }) => numberRecord(recordTypes.pending, call, bytes)),
    ];
    function* records(): Generator<Uint8Array> {
      yield* before;
      yield* piecesOf(state.pieces);
      yield* after;
    }
    const { status } = await this.#journal.snapshot(records());
    return status === "done";
  }

  /** What somebody is about to hear of must outlive this process before it is said. */
  #append(record: Uint8Array, hasEvents: boolean): void {
    if (hasEvents) {
      this.#journal.appendNow(record);
    } else {
      this.#journal.append(record);
    }
  }

  /** A number means nothing after a restart unless its name was written down before. */
  #writeNewNames(): void {
    const { processes, tools, channels } = this.#persisted;
    const names = {
      senders: processes.takeChanged(),
      toolNames: tools.takeChanged(),
      channelNames: channels.takeChanged(),
    };
    if (Object.values(names).some(({ length }) => length > 0)) {
      this.#journal.append(jsonRecord(recordTypes.names, names));
    }
  }
}

/** Pieces of an archive as records of a good size. */
function* piecesOf(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  const record = (from: readonly Uint8Array[], length: number): Uint8Array => {
    const bytes = new Uint8Array(1 + length);
    bytes[0] = recordTypes.state;
    let at = 1;
    for (const piece of from) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  };
  let small: Uint8Array[] = [];
  let length = 0;
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += statePieceBytes) {
      const part = piece.subarray(from, from + statePieceBytes);
      if (length + part.length > statePieceBytes) {
        yield record(small, length);
        small = [];
        length = 0;
      }
      small.push(part);
      length += part.length;
    }
  }
  yield record(small, length);
}
