import { isDeepStrictEqual } from "node:util";
import type { ActivityEngine } from "../engine/activity-engine.ts";
import { EngineSnapshotReader, EngineSnapshotWriter } from "../engine/store/snapshot.ts";
import type { ActivityEvent } from "../model/events.ts";
import type { ActivityLimits } from "../model/limits.ts";
import { SignalBatch } from "../model/signal-batch.ts";
import {
  anchorSchema,
  type Header,
  headerSchema,
  journalVersion,
  type Names,
  namesSchema,
  type Restart,
  readJson,
  readNumber,
  recordTypes,
  restartSchema,
  stateEndSchema,
} from "./journal-records.ts";
import type { ClockAnchor, CreateEngine, PendingCall, PersistedState } from "./persisted-state.ts";
import { decodeSignals } from "./signal-codec.ts";

/** As many as may have waited before. What found no room then is not told after a restart either. */
const maxPending = 1001;

/** From this version on, replay decides what the program decided that wrote the journal. */
const firstRepeatableVersion = 3;

/** What was recovered, for whoever goes on with it. */
export interface Replayed {
  readonly header: Header;
  readonly engine: ActivityEngine;
  readonly anchor: ClockAnchor;
  /** Calls that had events so far. */
  readonly calls: number;
  readonly pending: readonly PendingCall[];
  /** It was written by an older version, and is better written anew. */
  readonly isOfOldVersion: boolean;
}

/** A machine, and how long it waits and how much it remembers. */
interface LimitedEngine {
  readonly engine: ActivityEngine;
  readonly limits: ActivityLimits;
}

/**
 * Rebuilds what is remembered from the records of a journal: a snapshot is put back as it was, and what
 * happened since is done again, which the machine does exactly as it did then, under the limits that it had.
 */
export class Replay {
  readonly #into: Omit<PersistedState, "engine">;
  readonly #createEngine: CreateEngine;
  /** As they are now. */
  readonly #limits: ActivityLimits;
  #limited: LimitedEngine;
  readonly #onEvent: (event: ActivityEvent, anchor: ClockAnchor) => void;
  readonly #batch = new SignalBatch();
  #header: Header | undefined;
  #anchor: ClockAnchor = { atMs: 0, unixMs: 0 };
  #pieces: Uint8Array[] = [];
  #calls = 0;
  #pending: PendingCall[] = [];
  #isUnreadable = false;
  #version: Header["version"] = journalVersion;
  /** Values that older versions numbered one after the other. */
  #oldTools = 0;
  #oldChannels = 0;

  constructor(options: {
    readonly into: Omit<PersistedState, "engine">;
    readonly createEngine: CreateEngine;
    readonly limits: ActivityLimits;
    /** Called with each event that is decided again. */
    readonly onEvent: (event: ActivityEvent, anchor: ClockAnchor) => void;
  }) {
    this.#into = options.into;
    this.#createEngine = options.createEngine;
    this.#limits = options.limits;
    this.#limited = this.#limitedBy(options.limits);
    this.#onEvent = options.onEvent;
  }

  /** Records that this version cannot read were found and left alone. */
  get isUnreadable(): boolean {
    return this.#isUnreadable;
  }

  /** Takes the next record. Throws for one that no version of this program wrote. */
  take(record: Uint8Array): void {
    if (this.#header === undefined) {
      this.#begin(record);
      return;
    }
    if (this.#isUnreadable) {
      return;
    }
    const { evictions } = this.#into;
    const { engine } = this.#limited;
    switch (record[0]) {
      case recordTypes.names:
        this.#restoreNames(readJson(record, namesSchema));
        break;
      case recordTypes.state:
        this.#pieces.push(record.slice(1));
        break;
      case recordTypes.stateEnd: {
        const end = readJson(record, stateEndSchema);
        this.#restoreState(engine, Buffer.concat(this.#pieces));
        this.#pieces = [];
        this.#calls = end.told;
        evictions.restore(end.evictions);
        break;
      }
      case recordTypes.signalsV2:
      case recordTypes.signals: {
        const nowMs = decodeSignals(record, this.#batch);
        this.#onEvents(engine.apply(this.#batch, nowMs));
        break;
      }
      case recordTypes.tick:
        this.#onEvents(engine.tick(readNumber(record)));
        break;
      case recordTypes.restart:
        this.#restart(readJson(record, restartSchema));
        break;
      case recordTypes.anchor: {
        const { awayMs, ...anchor } = readJson(record, anchorSchema);
        this.#anchor = anchor;
        engine.addDowntime(awayMs);
        break;
      }
      case recordTypes.delivered: {
        const delivered = readNumber(record);
        this.#calls = Math.max(this.#calls, delivered);
        this.#pending = this.#pending.filter(({ call }) => call > delivered);
        break;
      }
      case recordTypes.pending:
        this.#pending.push({ call: readNumber(record), bytes: record.slice(9) });
        break;
      default:
        throw new Error("The stored state of the session activity holds an unknown record.");
    }
  }

  /** What was recovered, under the limits of now; undefined when there was nothing that this version can read. */
  finish(): Replayed | undefined {
    if (this.#header === undefined || this.#isUnreadable) {
      return undefined;
    }
    this.#limitTo(this.#limits);
    return {
      header: this.#header,
      engine: this.#limited.engine,
      anchor: this.#anchor,
      calls: this.#calls,
      // An engine of version 1 or 2 decided differently. It emitted its events or stored them as requests.
      pending:
        this.#version >= firstRepeatableVersion
          ? this.#pending
          : this.#pending.filter((each) => "bytes" in each),
      isOfOldVersion: this.#version !== journalVersion,
    };
  }

  #begin(record: Uint8Array): void {
    const text = new TextDecoder().decode(record.subarray(1));
    if (record[0] !== recordTypes.header) {
      throw new Error("The stored state of the session activity does not begin with a header.");
    }
    const found: { readonly version?: unknown } = Object(JSON.parse(text));
    if (!headerSchema.shape.version.safeParse(found.version).success) {
      this.#isUnreadable = true;
      this.#header = { version: journalVersion, hashKey: "", instanceId: "", atMs: 0, unixMs: 0 };
      return;
    }
    this.#header = headerSchema.parse(found);
    this.#version = this.#header.version;
    this.#anchor = { atMs: this.#header.atMs, unixMs: this.#header.unixMs };
    this.#into.hash.rekey(Buffer.from(this.#header.hashKey, "hex"));
    this.#limitTo(this.#header.limits ?? this.#limits);
  }

  #restoreState(engine: ActivityEngine, bytes: Uint8Array): void {
    const reader = new EngineSnapshotReader(bytes);
    if (this.#version === 1) {
      engine.restoreV1(reader);
    } else {
      engine.snapshot(reader, this.#version);
    }
  }

  #limitedBy(limits: ActivityLimits): LimitedEngine {
    return { limits, engine: this.#createEngine(limits) };
  }

  /** The machine goes on under other limits, as it does when the config has changed at a restart. */
  #limitTo(limits: ActivityLimits): void {
    if (isDeepStrictEqual(limits, this.#limited.limits)) {
      return;
    }
    const archive = new EngineSnapshotWriter();
    this.#limited.engine.snapshot(archive);
    this.#limited = this.#limitedBy(limits);
    this.#limited.engine.snapshot(new EngineSnapshotReader(Buffer.concat(archive.pieces)));
  }

  #restoreNames({ senders, toolNames, channelNames, ...old }: Names): void {
    const { processes, tools, channels } = this.#into;
    for (const sender of senders) {
      processes.restore(sender);
    }
    for (const named of toolNames) {
      tools.restore(named);
    }
    for (const named of channelNames) {
      channels.restore(named);
    }
    for (const identity of old.processes) {
      processes.restoreNext(identity);
    }
    for (const value of old.tools) {
      tools.restore([++this.#oldTools, value]);
    }
    for (const value of old.channels) {
      channels.restore([++this.#oldChannels, value]);
    }
  }

  #restart({ atMs, unixMs, downtimeMs, graceMs, awayMs, limits }: Restart): void {
    this.#anchor = { atMs, unixMs };
    this.#limitTo(limits ?? this.#limited.limits);
    this.#limited.engine.addDowntime(awayMs);
    this.#limited.engine.restart(atMs, { downtimeMs, graceMs });
  }

  #onEvents(events: readonly ActivityEvent[]): void {
    if (events.length === 0) {
      return;
    }
    const { nowMs } = this.#limited.engine;
    const { atMs, unixMs } = this.#anchor;
    const calledAt = { atMs: nowMs, unixMs: unixMs + (nowMs - atMs) };
    this.#calls++;
    if (this.#pending.length < maxPending) {
      this.#pending.push({ call: this.#calls, events, calledAt });
    }
    for (const event of events) {
      this.#onEvent(event, calledAt);
    }
  }
}
