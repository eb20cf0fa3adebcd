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
  type StoredKeys,
  stateEndSchema,
} from "./journal-records.ts";
import {
  type ClockAnchor,
  type CreateEngine,
  maxPendingCalls,
  type PendingCall,
  type PersistedState,
} from "./persisted-state.ts";
import { decodeSignals } from "./signal-codec.ts";

/** From this version on, replay decides what the program decided that wrote the journal. */
const firstRepeatableVersion = 3;
/** From this version on, values are hashed with a long key. */
const firstLongKeyVersion = 4;

const remedy = "Restore the storage directory from a backup, or remove it to start empty.";

/** The state that the records describe. */
export interface RecoveredState {
  readonly header: Header;
  readonly keys: StoredKeys;
  /** The keys are new, because those of the journal were too short. */
  readonly hasNewKeys: boolean;
  readonly engine: ActivityEngine;
  readonly anchor: ClockAnchor;
  /** How many calls had events so far. */
  readonly calls: number;
  /** The events of them that are not known to be delivered, the oldest first. */
  readonly pending: readonly PendingCall[];
  /** An older version wrote the journal: it should be replaced by a snapshot of this version. */
  readonly isOfOldVersion: boolean;
}

interface ReplayOptions {
  /** Filled from the records. */
  readonly into: Omit<PersistedState, "engine">;
  readonly createEngine: CreateEngine;
  /** The configured limits. */
  readonly limits: ActivityLimits;
  /** For a journal of a version before 4, of which the keys are recognized for `formerForMs`. `unixMs` is now. */
  readonly newKeys: {
    readonly hashKey: string;
    readonly refKey: string;
    readonly unixMs: number;
    readonly formerForMs: number;
  };
  /** A longer snapshot is not loaded: it could need more memory than there is, at every start. */
  readonly maxStateBytes: number;
  /** Called with each event that is decided again. */
  readonly onEvent: (event: ActivityEvent, anchor: ClockAnchor) => void;
}

/**
 * Rebuilds the state from the records of a journal: loads the snapshot, then repeats the calls that were recorded after it. The
 * engine is deterministic, so it decides what it decided then, under the limits of then. DESIGN.md has the details.
 *
 * `take` gets every record in order; it throws for a record that no version of this program wrote, and ignores a journal of an
 * unknown version, and one whose snapshot is too long. `finish` is called once, after the last record.
 *
 * Keeps an engine, the snapshot until its last record, and the events of at most 10 000 calls. Events of more pending calls are
 * dropped, as the outbox dropped them before the restart.
 */
export class Replay {
  readonly #options: ReplayOptions;
  readonly #batch = new SignalBatch();
  #engine: ActivityEngine;
  /** Limits of `#engine`. */
  #engineLimits: ActivityLimits;
  #header: Header | undefined;
  #keys: StoredKeys = { hashKey: "", refKey: "" };
  #hasNewKeys = false;
  #version: Header["version"] = journalVersion;
  #ignored: "unknown_version" | "too_large" | undefined;
  #anchor: ClockAnchor = { atMs: 0, unixMs: 0 };
  /** The engine's snapshot so far. */
  #statePieces: Uint8Array[] = [];
  #stateBytes = 0;
  #calls = 0;
  #pending: PendingCall[] = [];
  /** How many names versions 1 and 2 have numbered so far. */
  #oldTools = 0;
  #oldChannels = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#engine = options.createEngine(options.limits);
    this.#engineLimits = options.limits;
  }

  /** Why the records are ignored; `undefined` if they are not. */
  get ignored(): "unknown_version" | "too_large" | undefined {
    return this.#ignored;
  }

  /** Reads the next record. Throws if no version of this program wrote it. */
  take(record: Uint8Array): void {
    if (this.#header === undefined) {
      this.#readHeader(record);
      return;
    }
    if (this.#ignored !== undefined) {
      return;
    }
    switch (record[0]) {
      case recordTypes.names:
        this.#restoreNames(readJson(record, namesSchema));
        break;
      case recordTypes.state:
        this.#stateBytes += record.length - 1;
        if (this.#stateBytes > this.#options.maxStateBytes) {
          this.#ignored = "too_large";
          this.#statePieces = [];
          return;
        }
        this.#statePieces.push(record.slice(1));
        break;
      case recordTypes.stateEnd: {
        const { told, evictions } = readJson(record, stateEndSchema);
        this.#loadEngine();
        this.#calls = told;
        this.#options.into.evictions.restore(evictions);
        break;
      }
      case recordTypes.signalsV2:
      case recordTypes.signals: {
        const nowMs = decodeSignals(record, this.#batch);
        this.#onEvents(this.#engine.apply(this.#batch, nowMs));
        break;
      }
      case recordTypes.tick:
        this.#onEvents(this.#engine.tick(readNumber(record)));
        break;
      case recordTypes.restart:
        this.#restart(readJson(record, restartSchema));
        break;
      case recordTypes.anchor: {
        const { awayMs, pausedAtMs, ...anchor } = readJson(record, anchorSchema);
        this.#anchor = anchor;
        this.#engine.addDowntime(awayMs, pausedAtMs);
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
        throw new Error(
          `The stored state of session_activity contains a record of an unknown type. ${remedy}`,
        );
    }
  }

  /** The state, under the configured limits. Undefined if there were no records, or only unreadable ones. */
  finish(): RecoveredState | undefined {
    if (this.#header === undefined || this.#ignored !== undefined) {
      return undefined;
    }
    this.#changeLimits(this.#options.limits);
    const { hashKey, refKey } = this.#keys;
    const isOver = (this.#keys.former?.untilUnixMs ?? 0) <= this.#options.newKeys.unixMs;
    const former = isOver ? undefined : this.#keys.former;
    this.#keys = { hashKey, refKey, ...(former === undefined ? {} : { former }) };
    this.#options.into.hash.rekey(
      Buffer.from(hashKey, "hex"),
      former && {
        key: Buffer.from(former.hashKey, "hex"),
        values: this.#engine.view.keyedHashes(),
      },
    );
    this.#options.into.hash.refs?.restoreKey(Buffer.from(refKey, "hex"));
    return {
      header: this.#header,
      keys: this.#keys,
      hasNewKeys: this.#hasNewKeys,
      engine: this.#engine,
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

  #readHeader(record: Uint8Array): void {
    if (record[0] !== recordTypes.header) {
      throw new Error(
        `The stored state of session_activity does not begin with a header. ${remedy}`,
      );
    }
    const stored: { readonly version?: unknown } = Object(
      JSON.parse(new TextDecoder().decode(record.subarray(1))),
    );
    if (!headerSchema.shape.version.safeParse(stored.version).success) {
      this.#ignored = "unknown_version";
      this.#header = { version: journalVersion, hashKey: "", instanceId: "", atMs: 0, unixMs: 0 };
      return;
    }
    this.#header = headerSchema.parse(stored);
    this.#version = this.#header.version;
    this.#anchor = { atMs: this.#header.atMs, unixMs: this.#header.unixMs };
    this.#keys = this.#keysOf(this.#header);
    this.#changeLimits(this.#replayLimits(this.#header.limits ?? this.#options.limits));
  }

  /**
   * The limits of then, but no more tombstones than the configured ones: a log that was written under a larger memory limit must not
   * need more memory than there is now.
   */
  #replayLimits(stored: ActivityLimits): ActivityLimits {
    const maxTombstones = Math.min(stored.maxTombstones, this.#options.limits.maxTombstones);
    return { ...stored, maxTombstones };
  }

  #keysOf({ version, hashKey, refKey, former }: Header): StoredKeys {
    const { newKeys } = this.#options;
    this.#hasNewKeys = version < firstLongKeyVersion;
    if (!this.#hasNewKeys) {
      const of = former === undefined ? {} : { former };
      return { hashKey, refKey: refKey ?? newKeys.refKey, ...of };
    }
    const untilUnixMs = newKeys.unixMs + newKeys.formerForMs;
    const { hashKey: longKey, refKey: newRefKey } = newKeys;
    return { hashKey: longKey, refKey: newRefKey, former: { hashKey, untilUnixMs } };
  }

  #loadEngine(): void {
    const reader = new EngineSnapshotReader(this.#statePieces);
    if (this.#version === 1) {
      this.#engine.restoreV1(reader);
    } else {
      this.#engine.snapshot(reader, this.#version);
    }
  }

  /** Moves the state into an engine with these limits, as at a restart with another config. */
  #changeLimits(limits: ActivityLimits): void {
    if (isDeepStrictEqual(limits, this.#engineLimits)) {
      return;
    }
    const snapshot = new EngineSnapshotWriter();
    this.#engine.snapshot(snapshot);
    this.#engine = this.#options.createEngine(limits);
    this.#engine.snapshot(new EngineSnapshotReader(snapshot.pieces));
    this.#engineLimits = limits;
  }

  #restoreNames({ senders, ...names }: Names): void {
    const { processes, tools, channels } = this.#options.into;
    for (const sender of senders) {
      processes.restore(sender);
    }
    for (const [table, numbered, forgotten] of [
      [tools, names.toolNames, names.forgottenTools],
      [channels, names.channelNames, names.forgottenChannels],
    ] as const) {
      for (const each of numbered) {
        table.restore(each);
      }
      for (const number of forgotten) {
        table.restoreForgotten(number);
      }
    }
    for (const identity of names.processes) {
      processes.restoreNext(identity);
    }
    for (const value of names.tools) {
      tools.restore([++this.#oldTools, value]);
    }
    for (const value of names.channels) {
      channels.restore([++this.#oldChannels, value]);
    }
  }

  #restart({
    atMs,
    unixMs,
    downtimeMs,
    graceMs,
    awayMs,
    limits,
    isIncomplete,
    keys,
  }: Restart): void {
    if (keys !== undefined) {
      this.#keys = keys;
      this.#hasNewKeys = false;
    }
    this.#anchor = { atMs, unixMs };
    this.#changeLimits(this.#replayLimits(limits ?? this.#engineLimits));
    this.#engine.addDowntime(awayMs);
    this.#engine.restart(atMs, { downtimeMs, graceMs, isIncomplete });
  }

  #onEvents(events: readonly ActivityEvent[]): void {
    if (events.length === 0) {
      return;
    }
    const { nowMs } = this.#engine;
    const { atMs, unixMs } = this.#anchor;
    const calledAt = { atMs: nowMs, unixMs: unixMs + (nowMs - atMs) };
    this.#calls++;
    if (this.#pending.length < maxPendingCalls) {
      this.#pending.push({ call: this.#calls, events, calledAt });
    }
    for (const event of events) {
      this.#options.onEvent(event, calledAt);
    }
  }
}
