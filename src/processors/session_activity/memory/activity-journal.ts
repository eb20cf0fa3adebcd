import type { Journal } from "../../../component/storage.ts";
import type { ActivityEvent } from "../machine/activity-event.ts";
import { ArchiveReader, ArchiveWriter } from "../machine/archive.ts";
import type { SessionActivity } from "../machine/session-activity.ts";
import type { KeyedHash } from "../signals/keyed-hash.ts";
import type { LabelValues } from "../signals/label-values.ts";
import type { SenderProcesses } from "../signals/sender-processes.ts";
import { SignalBatch } from "../signals/signal-batch.ts";
import type { ToldCall } from "../telling/announcer.ts";
import type { EvictionLog } from "../telling/eviction-log.ts";
import { loggedEvictionSchema } from "../telling/logged-eviction.ts";
import {
  type Header,
  headerSchema,
  journalVersion,
  jsonRecord,
  type Names,
  namesSchema,
  numberRecord,
  type Restart,
  readJson,
  readNumber,
  recordTypes,
  restartSchema,
  stateEndSchema,
} from "./journal-records.ts";
import { decodeSignals, SignalEncoder } from "./signal-codec.ts";

const statePieceBytes = 1 << 20;
/** As many as may have waited before. What found no room then is not told after a restart either. */
const mostUntold = 1001;
/** A log shorter than this is not worth a snapshot. */
const smallestLogBytes = 16 << 20;

/** What is remembered over a restart besides the machine. */
export interface Remembered {
  readonly activity: SessionActivity;
  readonly processes: SenderProcesses;
  readonly tools: LabelValues;
  readonly channels: LabelValues;
  readonly hash: KeyedHash;
  readonly evictions: EvictionLog;
}

/** Relates the machine's clock to Unix time. */
export interface Anchor {
  readonly atMs: number;
  readonly unixMs: number;
}

/** Events of one call that had not been handed on when the program ended. */
export type Untold =
  | { readonly call: number; readonly bytes: Uint8Array }
  | { readonly call: number; readonly events: readonly ActivityEvent[]; readonly calledAt: Anchor };

/** What was recovered, for whoever goes on with it. */
export interface Recovered {
  readonly header: Header;
  readonly anchor: Anchor;
  /** Calls that had events so far. */
  readonly calls: number;
  readonly untold: readonly Untold[];
}

/**
 * Rebuilds what is remembered from the records of a journal: a snapshot is put back as it was, and what
 * happened since is done again, which the machine does exactly as it did then.
 */
export class Recovery {
  readonly #to: Remembered;
  readonly #tell: (event: ActivityEvent, anchor: Anchor) => void;
  readonly #batch = new SignalBatch();
  #header: Header | undefined;
  #anchor: Anchor = { atMs: 0, unixMs: 0 };
  #pieces: Uint8Array[] = [];
  #calls = 0;
  #untold: Untold[] = [];
  #isOfAnotherVersion = false;

  /** `tell` is called with each event that is decided again. */
  constructor(to: Remembered, tell: (event: ActivityEvent, anchor: Anchor) => void) {
    this.#to = to;
    this.#tell = tell;
  }

  /** Records that this version cannot read were found and left alone. */
  get isOfAnotherVersion(): boolean {
    return this.#isOfAnotherVersion;
  }

  /** Takes the next record. Throws for one that no version of this program wrote. */
  take(record: Uint8Array): void {
    if (this.#header === undefined) {
      this.#begin(record);
      return;
    }
    if (this.#isOfAnotherVersion) {
      return;
    }
    const { activity, evictions } = this.#to;
    switch (record[0]) {
      case recordTypes.names:
        this.#restoreNames(readJson(record, namesSchema));
        break;
      case recordTypes.state:
        this.#pieces.push(record.slice(1));
        break;
      case recordTypes.stateEnd: {
        const end = readJson(record, stateEndSchema);
        activity.archive(new ArchiveReader(Buffer.concat(this.#pieces)));
        this.#pieces = [];
        this.#calls = end.told;
        evictions.restore(end.evictions.map((entry) => loggedEvictionSchema.parse(entry)));
        break;
      }
      case recordTypes.signals: {
        const nowMs = decodeSignals(record, this.#batch);
        this.#note(activity.apply(this.#batch, nowMs));
        break;
      }
      case recordTypes.tick:
        this.#note(activity.tick(readNumber(record)));
        break;
      case recordTypes.restart:
        this.#restart(readJson(record, restartSchema));
        break;
      case recordTypes.told: {
        const told = readNumber(record);
        this.#untold = this.#untold.filter(({ call }) => call > told);
        break;
      }
      case recordTypes.untold:
        this.#untold.push({ call: readNumber(record), bytes: record.slice(9) });
        break;
      default:
        throw new Error("The stored state of the session activity holds an unknown record.");
    }
  }

  /** What was recovered; undefined when there was nothing that this version can read. */
  finish(): Recovered | undefined {
    return this.#header === undefined || this.#isOfAnotherVersion
      ? undefined
      : {
          header: this.#header,
          anchor: this.#anchor,
          calls: this.#calls,
          untold: this.#untold,
        };
  }

  #begin(record: Uint8Array): void {
    const text = new TextDecoder().decode(record.subarray(1));
    if (record[0] !== recordTypes.header) {
      throw new Error("The stored state of the session activity does not begin with a header.");
    }
    const found: { readonly version?: unknown } = Object(JSON.parse(text));
    if (found.version !== journalVersion) {
      this.#isOfAnotherVersion = true;
      this.#header = { version: journalVersion, hashKey: "", instanceId: "", atMs: 0, unixMs: 0 };
      return;
    }
    this.#header = headerSchema.parse(found);
    this.#anchor = { atMs: this.#header.atMs, unixMs: this.#header.unixMs };
    this.#to.hash.rekey(Buffer.from(this.#header.hashKey, "hex"));
  }

  #restoreNames({ processes, tools, channels }: Names): void {
    for (const identity of processes) {
      this.#to.processes.numberOf(identity);
    }
    this.#to.tools.restore(tools);
    this.#to.channels.restore(channels);
  }

  #restart({ atMs, unixMs, downtimeMs, graceMs }: Restart): void {
    this.#anchor = { atMs, unixMs };
    this.#to.activity.restart(atMs, { downtimeMs, graceMs });
  }

  #note(events: readonly ActivityEvent[]): void {
    if (events.length === 0) {
      return;
    }
    const { nowMs } = this.#to.activity;
    const { atMs, unixMs } = this.#anchor;
    const calledAt = { atMs: nowMs, unixMs: unixMs + (nowMs - atMs) };
    this.#calls++;
    if (this.#untold.length < mostUntold) {
      this.#untold.push({ call: this.#calls, events, calledAt });
    }
    for (const event of events) {
      this.#tell(event, calledAt);
    }
  }
}

/** Writes down what happens, before anyone is told that it did. */
export class ActivityJournal {
  readonly #journal: Journal;
  readonly #remembered: Remembered;
  readonly #header: Header;
  readonly #encoder = new SignalEncoder();
  /** Numbers of names that have been written down. */
  #processes = 1;
  #tools = 1;
  #channels = 1;

  /** `isNew`: nothing was recovered, or nothing that can be read. */
  constructor(
    journal: Journal,
    remembered: Remembered,
    options: { readonly header: Header; readonly isNew: boolean },
  ) {
    this.#journal = journal;
    this.#remembered = remembered;
    this.#header = options.header;
    if (options.isNew) {
      journal.append(jsonRecord(recordTypes.header, options.header));
    } else {
      const { processes, tools, channels } = remembered;
      this.#processes = processes.next;
      this.#tools = tools.next;
      this.#channels = channels.next;
    }
  }

  /** Signals that were applied at `nowMs`. `isTold`: somebody is about to hear of what came of it. */
  signals(batch: SignalBatch, nowMs: number, isTold: boolean): void {
    this.#writeNewNames();
    this.#append(this.#encoder.encode(recordTypes.signals, batch, nowMs), isTold);
  }

  /** Time has passed until `nowMs`, and something was decided. `isTold`: somebody is about to hear of it. */
  tick(nowMs: number, isTold: boolean): void {
    this.#append(numberRecord(recordTypes.tick, nowMs), isTold);
  }

  restart(restart: Restart): void {
    this.#journal.append(jsonRecord(recordTypes.restart, restart));
  }

  /** The events of all calls up to `call` have been handed on. */
  told(call: number): void {
    this.#journal.append(numberRecord(recordTypes.told, call));
  }

  /** Resolves when everything written down so far outlives this process. Never rejects. */
  written(): Promise<void> {
    return this.#journal.written();
  }

  /** Whether the log has grown long enough for a snapshot to be worth it. */
  get isLong(): boolean {
    const { logBytes, snapshotBytes } = this.#journal.sizes();
    return logBytes > Math.max(smallestLogBytes, 2 * snapshotBytes);
  }

  /**
   * Replaces the log by the state as it is now, after so many `calls` that had events. `untold` are those of
   * them that have not been handed on.
   */
  async snapshot(options: {
    readonly calls: number;
    readonly untold: readonly ToldCall[];
    readonly anchor: Anchor;
  }): Promise<boolean> {
    const { calls, untold, anchor } = options;
    const { activity, evictions } = this.#remembered;
    // Else the log would give those that the snapshot knows a number once more.
    this.#writeNewNames();
    const archive = new ArchiveWriter();
    activity.archive(archive);
    const before = [
      jsonRecord(recordTypes.header, { ...this.#header, ...anchor }),
      jsonRecord(recordTypes.names, this.#namesFrom(1, 1, 1)),
    ];
    const after = [
      jsonRecord(recordTypes.stateEnd, { told: calls, evictions: evictions.entries() }),
      ...untold.map(({ call, bytes }) => numberRecord(recordTypes.untold, call, bytes)),
    ];
    function* records(): Generator<Uint8Array> {
      yield* before;
      yield* piecesOf(archive.pieces);
      yield* after;
    }
    const { status } = await this.#journal.snapshot(records());
    return status === "done";
  }

  /** What somebody is about to hear of must outlive this process before it is said. */
  #append(record: Uint8Array, isTold: boolean): void {
    if (isTold) {
      this.#journal.appendNow(record);
    } else {
      this.#journal.append(record);
    }
  }

  /** A number means nothing after a restart unless its name was written down before. */
  #writeNewNames(): void {
    const { processes, tools, channels } = this.#remembered;
    if (
      processes.next === this.#processes &&
      tools.next === this.#tools &&
      channels.next === this.#channels
    ) {
      return;
    }
    const names = this.#namesFrom(this.#processes, this.#tools, this.#channels);
    this.#journal.append(jsonRecord(recordTypes.names, names));
    this.#processes = processes.next;
    this.#tools = tools.next;
    this.#channels = channels.next;
  }

  #namesFrom(process: number, tool: number, channel: number): Names {
    const { processes, tools, channels } = this.#remembered;
    return {
      processes: processes.identitiesFrom(process).map((identity) => [...identity]),
      tools: [...tools.valuesFrom(tool)],
      channels: [...channels.valuesFrom(channel)],
    };
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
