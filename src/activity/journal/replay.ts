import { isDeepStrictEqual } from "node:util";
import { loggedEvictionSchema } from "../../processors/session_activity/logged-eviction.ts";
import type { SessionActivity } from "../engine/activity-engine.ts";
import { ArchiveReader, ArchiveWriter } from "../engine/store/snapshot.ts";
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
import type { Anchor, CreateActivity, Remembered } from "./persisted-state.ts";
import { decodeSignals } from "./signal-codec.ts";

/** As many as may have waited before. What found no room then is not told after a restart either. */
const mostUntold = 1001;

/** Events of one call that had not been handed on when the program ended. */
export type Untold =
  | { readonly call: number; readonly bytes: Uint8Array }
  | { readonly call: number; readonly events: readonly ActivityEvent[]; readonly calledAt: Anchor };

/** What was recovered, for whoever goes on with it. */
export interface Recovered {
  readonly header: Header;
  readonly activity: SessionActivity;
  readonly anchor: Anchor;
  /** Calls that had events so far. */
  readonly calls: number;
  readonly untold: readonly Untold[];
  /** It was written by an older version, and is better written anew. */
  readonly isOfOldVersion: boolean;
}

/** A machine, and how long it waits and how much it remembers. */
interface Machine {
  readonly activity: SessionActivity;
  readonly limits: ActivityLimits;
}

/**
 * Rebuilds what is remembered from the records of a journal: a snapshot is put back as it was, and what
 * happened since is done again, which the machine does exactly as it did then, under the limits that it had.
 */
export class Recovery {
  readonly #to: Omit<Remembered, "activity">;
  readonly #createActivity: CreateActivity;
  /** As they are now. */
  readonly #limits: ActivityLimits;
  #machine: Machine;
  readonly #tell: (event: ActivityEvent, anchor: Anchor) => void;
  readonly #batch = new SignalBatch();
  #header: Header | undefined;
  #anchor: Anchor = { atMs: 0, unixMs: 0 };
  #pieces: Uint8Array[] = [];
  #calls = 0;
  #untold: Untold[] = [];
  #isOfAnotherVersion = false;
  #version: Header["version"] = journalVersion;
  /** Values that older versions numbered one after the other. */
  #oldTools = 0;
  #oldChannels = 0;

  constructor(options: {
    readonly to: Omit<Remembered, "activity">;
    readonly createActivity: CreateActivity;
    readonly limits: ActivityLimits;
    /** Called with each event that is decided again. */
    readonly tell: (event: ActivityEvent, anchor: Anchor) => void;
  }) {
    this.#to = options.to;
    this.#createActivity = options.createActivity;
    this.#limits = options.limits;
    this.#machine = this.#machineOf(options.limits);
    this.#tell = options.tell;
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
    const { evictions } = this.#to;
    const { activity } = this.#machine;
    switch (record[0]) {
      case recordTypes.names:
        this.#restoreNames(readJson(record, namesSchema));
        break;
      case recordTypes.state:
        this.#pieces.push(record.slice(1));
        break;
      case recordTypes.stateEnd: {
        const end = readJson(record, stateEndSchema);
        this.#restoreState(activity, Buffer.concat(this.#pieces));
        this.#pieces = [];
        this.#calls = end.told;
        evictions.restore(end.evictions.map((entry) => loggedEvictionSchema.parse(entry)));
        break;
      }
      case recordTypes.signalsV2:
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
      case recordTypes.anchor: {
        const { awayMs, ...anchor } = readJson(record, anchorSchema);
        this.#anchor = anchor;
        activity.noteAway(awayMs);
        break;
      }
      case recordTypes.told: {
        const told = readNumber(record);
        this.#calls = Math.max(this.#calls, told);
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

  /** What was recovered, under the limits of now; undefined when there was nothing that this version can read. */
  finish(): Recovered | undefined {
    if (this.#header === undefined || this.#isOfAnotherVersion) {
      return undefined;
    }
    this.#limitTo(this.#limits);
    return {
      header: this.#header,
      activity: this.#machine.activity,
      anchor: this.#anchor,
      calls: this.#calls,
      // What an older version decided was emitted, or stands in its snapshot as what was not; what is decided anew was neither.
      untold:
        this.#version === journalVersion
          ? this.#untold
          : this.#untold.filter((each) => "bytes" in each),
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
      this.#isOfAnotherVersion = true;
      this.#header = { version: journalVersion, hashKey: "", instanceId: "", atMs: 0, unixMs: 0 };
      return;
    }
    this.#header = headerSchema.parse(found);
    this.#version = this.#header.version;
    this.#anchor = { atMs: this.#header.atMs, unixMs: this.#header.unixMs };
    this.#to.hash.rekey(Buffer.from(this.#header.hashKey, "hex"));
    this.#limitTo(this.#header.limits ?? this.#limits);
  }

  #restoreState(activity: SessionActivity, bytes: Uint8Array): void {
    const reader = new ArchiveReader(bytes);
    if (this.#version === 1) {
      activity.restoreV1(reader);
    } else {
      activity.archive(reader, this.#version);
    }
  }

  #machineOf(limits: ActivityLimits): Machine {
    return { limits, activity: this.#createActivity(limits) };
  }

  /** The machine goes on under other limits, as it does when the config has changed at a restart. */
  #limitTo(limits: ActivityLimits): void {
    if (isDeepStrictEqual(limits, this.#machine.limits)) {
      return;
    }
    const archive = new ArchiveWriter();
    this.#machine.activity.archive(archive);
    this.#machine = this.#machineOf(limits);
    this.#machine.activity.archive(new ArchiveReader(Buffer.concat(archive.pieces)));
  }

  #restoreNames({ senders, toolNames, channelNames, ...old }: Names): void {
    const { processes, tools, channels } = this.#to;
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
    this.#limitTo(limits ?? this.#machine.limits);
    this.#machine.activity.noteAway(awayMs);
    this.#machine.activity.restart(atMs, { downtimeMs, graceMs });
  }

  #note(events: readonly ActivityEvent[]): void {
    if (events.length === 0) {
      return;
    }
    const { nowMs } = this.#machine.activity;
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
