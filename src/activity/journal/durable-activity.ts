import type { Clock } from "../../component/clock.ts";
import type { Logger } from "../../component/settings.ts";
import type { Journal, RecoverySummary, Storage } from "../../component/storage.ts";
import type { ActivityEngine } from "../engine/activity-engine.ts";
import type { ActivityEvent } from "../model/events.ts";
import type { ActivityLimits } from "../model/limits.ts";
import type { SignalBatch } from "../model/signal-batch.ts";
import type { ActivityHandover, JournalUse } from "./activity-handover.ts";
import { partsOf } from "./batch-parts.ts";
import { EventClock } from "./event-clock.ts";
import { journalVersion, type StoredKeys } from "./journal-records.ts";
import { JournalWriter, snapshotRecords } from "./journal-writer.ts";
import { type Pause, PauseDetector } from "./pause-detector.ts";
import type {
  ClockAnchor,
  CreateEngine,
  EventSink,
  PersistedState,
  SeriesIdentity,
} from "./persisted-state.ts";
import { type RecoveredState, Replay } from "./replay.ts";
import { SnapshotSchedule } from "./snapshot-schedule.ts";

/** The parts of a durable engine, its limits, and the clocks. */
export interface DurableActivityOptions {
  readonly persisted: Omit<PersistedState, "engine" | "evictions">;
  readonly limits: ActivityLimits;
  /** The longest stored snapshot that is loaded. */
  readonly maxStateBytes: number;
  readonly createEngine: CreateEngine;
  readonly emitter: EventSink;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Key of the hash of session references, for a new journal, and for one of a version that had a shorter key. */
  readonly hashKey: Uint8Array;
  /** The same of the references that events show. */
  readonly refKey: Uint8Array;
  /** `service.instance.id` of derived data, for a new journal. */
  readonly instanceId: string;
  readonly restartGraceMs: number;
  /** `tick` is called at least this often while the program is not paused. */
  readonly tickMs: number;
}

/** Shorter pauses are not logged. */
const minReportedPauseMs = 5_000;
/** While work is open, the journal knows the time to a minute, because a restart continues from there. */
const clockRecordIntervalMs = 60_000;

/**
 * An engine whose state survives restarts. With storage, each call is recorded in the journal before its events are emitted, and is
 * repeated after a restart; DESIGN.md describes how. Without storage it is the engine and its clock.
 *
 * The engine's clock is the monotonic clock without the time in which the program was down or paused, so that no deadline moves
 * while senders cannot reach it. It never runs backwards.
 *
 * Keeps the engine, the journal and the offset between the two clocks. The engine's limits bound its state. A snapshot replaces
 * the journal when that is longer than 16 MiB and than twice the last snapshot, or when the storage asks for one.
 */
export class DurableActivity {
  /** The engine. Only `open` and `takeOver` replace it. */
  engine: ActivityEngine;
  /** Identifies derived metrics and events. Only `open` and `takeOver` replace it. */
  series: SeriesIdentity;
  readonly #options: DurableActivityOptions;
  readonly #pauses: PauseDetector;
  readonly #eventClock = new EventClock();
  #writer: JournalWriter | undefined;
  /** The engine's clock minus the monotonic clock. */
  #offsetMs = 0;
  /** What begins after a pause begins later than what was there before it, though the engine's clock stands still. */
  #afterPauseMs = Number.NEGATIVE_INFINITY;
  /** The engine's clock in the last record. */
  #recordedMs = 0;
  readonly #snapshots: SnapshotSchedule;
  /** By the engine's clock. */
  #graceUntilMs = Number.NEGATIVE_INFINITY;
  /** Until then, by the engine's clock, work may be open that was in a state of which nothing was recovered. */
  #lostUntilMs = Number.NEGATIVE_INFINITY;
  #keys: StoredKeys;
  /** A journal that was opened for the state of a predecessor. */
  #emptyJournal: Journal | undefined;
  /** Resolves when the first attempt to store what `takeOver` has brought in a new journal has ended. */
  #storing: Promise<void> = Promise.resolve();
  #use: JournalUse = {
    onSnapshotNeeded: () => {
      this.#snapshots.isWanted = true;
    },
  };

  constructor(options: DurableActivityOptions) {
    const { limits, tickMs, instanceId, clock } = options;
    this.#options = options;
    this.#pauses = new PauseDetector({ tickMs, allowedLatenessMs: limits.allowedLatenessMs });
    this.#snapshots = new SnapshotSchedule({
      logger: options.logger,
      context: () => {
        const { calls, pending } = options.emitter;
        return { calls, pending, anchor: this.#eventTime() };
      },
    });
    this.engine = options.createEngine(limits);
    this.series = { instanceId, sinceUnixMs: clock.unixMs() };
    this.#keys = {
      hashKey: Buffer.from(options.hashKey).toString("hex"),
      refKey: Buffer.from(options.refKey).toString("hex"),
    };
  }

  /**
   * Whether work may be open that was in a stored state of which nothing was recovered: for `max_age` after the start that found that. It
   * is not stored, so a further start forgets it.
   */
  get isStateLost(): boolean {
    return this.engine.nowMs < this.#lostUntilMs;
  }

  /** The engine's clock and Unix time now. */
  now(): ClockAnchor {
    const { clock } = this.#options;
    const clockMs = clock.nowMs();
    const pause = this.#pauses.check(clockMs);
    if (pause !== undefined) {
      this.#offsetMs -= pause.lostMs;
      this.#onPaused(pause);
    }
    const atMs = Math.max(this.engine.nowMs, this.#afterPauseMs, clockMs + this.#offsetMs);
    return { atMs, unixMs: clock.unixMs() };
  }

  /** The time of the last call, as replay will compute it. */
  lastCallAt(): ClockAnchor {
    return this.#eventClock.at(this.engine.nowMs, this.now());
  }

  /** The engine's clock, for a call that follows at once. */
  #callAtMs(): number {
    const now = this.now();
    const anchor = this.#eventClock.follow(now);
    if (anchor !== undefined) {
      this.#writer?.anchor({ ...anchor, awayMs: 0 });
    }
    return now.atMs;
  }

  /** Both clocks, as events are timed now. */
  #eventTime(): ClockAnchor {
    const now = this.now();
    return this.#eventClock.at(now.atMs, now);
  }

  /** Recovers the state of an earlier process and records every call from now on. Called once, before the first call. */
  async open(storage: Storage): Promise<void> {
    const { emitter, limits, maxStateBytes, createEngine } = this.#options;
    const replay = new Replay({
      into: { ...this.#options.persisted, evictions: emitter.evictions },
      createEngine,
      limits,
      newKeys: this.#newKeys(),
      maxStateBytes,
      onEvent: (event, anchor) => emitter.logEviction(event, anchor),
    });
    const use = this.#use;
    const journal = await storage.openJournal({
      take: (record) => replay.take(record),
      onSnapshotNeeded: () => use.onSnapshotNeeded(),
    });
    const recovered = replay.finish();
    if (recovered !== undefined) {
      this.#resume(journal, recovered);
    } else {
      this.#startAnew(journal, replay.ignored);
    }
    this.#endRestore();
  }

  #startAnew(journal: Journal, ignored: Replay["ignored"]): void {
    const { logger, maxStateBytes, limits } = this.#options;
    switch (ignored) {
      case "unknown_version":
        logger.warn(
          "The stored state was written by an unknown version and is ignored. Tracking starts empty.",
        );
        break;
      case "too_large":
        logger.error(
          "The stored state is larger than max_open_work and max_tombstones allow now, and is discarded. Tracking starts empty. It was written under a higher memory limit or higher bounds.",
          { most_mib: Math.floor(maxStateBytes / (1024 * 1024)) },
        );
        break;
      case undefined:
        break;
    }
    const isLost = isIncomplete(journal.recovered);
    if (isLost) {
      logger.warn(
        "Nothing of the stored state could be recovered. Work that was open in it is not tracked any more.",
      );
    }
    this.#snapshots.isWanted ||= ignored !== undefined; // It replaces the ignored records.
    const anchor = this.now();
    if (isLost || ignored !== undefined) {
      this.#lostUntilMs = anchor.atMs + limits.maxAgeMs;
    }
    this.#startWriter(journal, { isNew: true, anchor });
  }

  /** Opens a journal for the state that `takeOver` will bring. What is stored there is older, and is replaced. */
  async openEmpty(storage: Storage): Promise<void> {
    const use = this.#use;
    this.#emptyJournal = await storage.openJournal({
      take() {},
      onSnapshotNeeded: () => use.onSnapshotNeeded(),
    });
  }

  /** Gives the state away. Called last, after `close`: from now on this engine must not be called. */
  handOver(): ActivityHandover {
    const { persisted, limits, emitter } = this.#options;
    this.#writer?.writeNewNames();
    const header = { version: journalVersion, ...this.#keys, ...this.series, limits };
    const records = snapshotRecords(
      { ...persisted, engine: this.engine, evictions: emitter.evictions },
      // The emitter hands over what is pending.
      { header: { ...header, ...this.#eventTime() }, calls: emitter.calls, pending: [] },
    );
    const journal = this.#writer?.journal;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    if (journal === undefined) {
      release();
    }
    return {
      records,
      journal,
      onShared: release,
      onMoved() {
        journal?.discard();
        release();
      },
      released,
      use: this.#use,
      offsetMs: this.#offsetMs,
      graceUntilMs: this.#graceUntilMs,
    };
  }

  /**
   * Continues the state of another engine of this process under the configured limits. Called before the first call. `isSameJournal`: goes
   * on in its journal.
   */
  takeOver(from: ActivityHandover, { isSameJournal }: { readonly isSameJournal: boolean }): void {
    const { persisted, emitter, createEngine, limits, clock } = this.#options;
    const replay = new Replay({
      into: { ...persisted, evictions: emitter.evictions },
      createEngine,
      limits,
      newKeys: this.#newKeys(),
      maxStateBytes: Number.POSITIVE_INFINITY,
      onEvent: () => {},
    });
    for (const record of from.records) {
      replay.take(record);
    }
    const recovered = replay.finish();
    if (recovered === undefined) {
      return; // Not possible: it was written by this version.
    }
    this.#endRestore();
    const { engine, header, keys } = recovered;
    this.engine = engine;
    this.#offsetMs = from.offsetMs;
    this.#graceUntilMs = from.graceUntilMs;
    this.#keys = keys;
    this.series = {
      instanceId: header.instanceId,
      sinceUnixMs: header.sinceUnixMs ?? header.unixMs,
    };
    const atMs = engine.nowMs;
    const graceMs = Math.max(0, from.graceUntilMs - atMs);
    engine.restart(atMs, { downtimeMs: 0, graceMs });
    const anchor = { atMs, unixMs: clock.unixMs() };
    if (isSameJournal && from.journal !== undefined) {
      this.#use = from.use;
      this.#use.onSnapshotNeeded = () => {
        this.#snapshots.isWanted = true;
      };
      const writer = this.#startWriter(from.journal, { isNew: false, anchor });
      const isIncomplete = false;
      writer.restart({ ...anchor, downtimeMs: 0, graceMs, awayMs: 0, isIncomplete, limits });
      from.onShared();
    } else if (this.#emptyJournal !== undefined) {
      const isNew = this.#emptyJournal.recovered.records === 0;
      this.#startWriter(this.#emptyJournal, { isNew, anchor });
      this.#snapshots.isWanted = true;
      // A crash before that finds the state in the journal that it leaves.
      this.#snapshots.onStored = from.onMoved;
    } else {
      from.onMoved();
    }
    this.#emptyJournal = undefined;
  }

  /** Writes what `takeOver` has brought into a new journal. Called when what the emitter has pending was taken over, too. */
  storeTakenOver(): void {
    this.#storing = this.#snapshotIfDue();
  }

  /**
   * Resolves when the first attempt to store what `takeOver` has brought has ended. A stop before that would leave a new journal without
   * it. Never rejects.
   */
  takenOverStored(): Promise<void> {
    return this.#storing;
  }

  /** Applies signals that arrive now. Returns the events of each call that this takes; see `partsOf`. */
  apply(signals: SignalBatch): readonly (readonly ActivityEvent[])[] {
    void this.#snapshotIfDue();
    const nowMs = this.#callAtMs();
    const calls: (readonly ActivityEvent[])[] = [];
    for (const rows of partsOf(signals)) {
      const events = this.engine.apply(signals, nowMs, rows);
      this.#writer?.call({ nowMs, signals, rows, hasEvents: events.length > 0 });
      calls.push(events);
    }
    this.#recordedMs = nowMs;
    return calls;
  }

  /** Decides what is due by now. A long backlog takes several calls, while `engine.isBehind`. */
  tick(): readonly ActivityEvent[] {
    void this.#snapshotIfDue();
    const nowMs = this.#callAtMs();
    const events = this.engine.tick(nowMs);
    const isClockDue = nowMs - this.#recordedMs >= clockRecordIntervalMs;
    if (this.engine.hasDecided || (isClockDue && this.engine.view.sizes().openWork > 0)) {
      this.#writer?.call({ nowMs, hasEvents: events.length > 0 });
      this.#recordedMs = nowMs;
    }
    return events;
  }

  /** The last `tick` before the program ends, or the last few while `engine.isBehind`. Always recorded, never after a snapshot. */
  close(): readonly ActivityEvent[] {
    const nowMs = this.#callAtMs();
    const events = this.engine.tick(nowMs);
    this.#writer?.call({ nowMs, hasEvents: events.length > 0 });
    return events;
  }

  /** The events of all calls up to `call` are delivered. */
  onDelivered(call: number): void {
    this.#writer?.delivered(call);
  }

  /** Resolves when all calls so far would survive the end of this process. Never rejects. */
  async written(): Promise<void> {
    await this.#writer?.journal.written();
  }

  #resume(journal: Journal, recovered: RecoveredState): void {
    const { emitter, clock, logger, limits, restartGraceMs: graceMs } = this.#options;
    const { engine, anchor, calls, pending, header, keys, hasNewKeys } = recovered;
    const unixMs = clock.unixMs();
    const atMs = engine.nowMs;
    const lastUnixMs = journal.recovered.lastWrittenUnixMs ?? anchor.unixMs + (atMs - anchor.atMs);
    const awayMs = Math.max(0, unixMs - lastUnixMs);
    this.engine = engine;
    this.#offsetMs = atMs - clock.nowMs();
    this.series = {
      instanceId: header.instanceId,
      sinceUnixMs: header.sinceUnixMs ?? header.unixMs,
    };
    this.#snapshots.isWanted ||= recovered.isOfOldVersion;
    this.#keys = keys;
    this.#graceUntilMs = atMs + graceMs;
    const writer = this.#startWriter(journal, { isNew: false, anchor: { atMs, unixMs } });
    const lacksEnd = isIncomplete(journal.recovered);
    writer.restart({
      ...{ atMs, unixMs, downtimeMs: 0, graceMs, awayMs, isIncomplete: lacksEnd, limits },
      // Until the next snapshot, signals under the new key are in a journal whose header has the former one.
      ...(hasNewKeys ? { keys } : {}),
    });
    const before = engine.view.sizes().openWork;
    // Ages include the time the program was down. No deadline does, whatever the wall clock did meanwhile.
    engine.addDowntime(awayMs);
    engine.restart(atMs, { downtimeMs: 0, graceMs, isIncomplete: lacksEnd });
    emitter.resume(calls, pending);
    if (lacksEnd) {
      logger.warn(
        "The stored state lacks what happened last, so work that is open in it may have ended. That work is not tracked any more.",
        { untracked: before },
      );
    }
    const { openWork, sessions } = engine.view.sizes();
    logger.info("The state of sessions was recovered.", {
      open_work: openWork,
      sessions,
      downtime_s: Math.round(awayMs / 1000),
    });
  }

  /** What replay decided again is emitted, so the names that were forgotten are not needed any more. */
  #endRestore(): void {
    const { tools, channels } = this.#options.persisted;
    tools.endRestore();
    channels.endRestore();
  }

  /** The keys for a journal of a version that had shorter ones. What it hashed is recognized until all of it is forgotten. */
  #newKeys() {
    const { limits, clock, hashKey, refKey } = this.#options;
    const { maxAgeMs, tombstoneTtlMs, maxPauseMs } = limits;
    return {
      hashKey: Buffer.from(hashKey).toString("hex"),
      refKey: Buffer.from(refKey).toString("hex"),
      unixMs: clock.unixMs(),
      formerForMs: 2 * Math.max(maxAgeMs, tombstoneTtlMs, maxPauseMs),
    };
  }

  #startWriter(
    journal: Journal,
    options: { readonly isNew: boolean; readonly anchor: ClockAnchor },
  ): JournalWriter {
    const { persisted, limits, emitter } = this.#options;
    const { isNew, anchor } = options;
    this.#eventClock.anchorAt(anchor);
    this.#writer = new JournalWriter(
      journal,
      { ...persisted, engine: this.engine, evictions: emitter.evictions },
      {
        header: { version: journalVersion, ...this.#keys, ...this.series, limits, ...anchor },
        isNew,
      },
    );
    return this.#writer;
  }

  #onPaused({ lastedMs, lostMs: awayMs }: Pause): void {
    const { clock, logger } = this.#options;
    const pausedAtMs = this.engine.nowMs;
    this.engine.addDowntime(awayMs, pausedAtMs);
    this.#afterPauseMs = pausedAtMs + 1;
    const anchor = { atMs: clock.nowMs() + this.#offsetMs, unixMs: clock.unixMs() };
    this.#eventClock.anchorAt(anchor);
    this.#writer?.anchor({ ...anchor, awayMs, pausedAtMs });
    if (lastedMs >= minReportedPauseMs) {
      logger.warn(
        "The collector was paused. Deadlines moved by that time, and by the time to read what senders sent meanwhile.",
        { paused_s: toTenths(lastedMs), deadlines_moved_s: toTenths(awayMs) },
      );
    }
  }

  /** Resolves when the snapshot that is due, if one is, has ended. Called before a decision: an event between decision and emission is neither in the state nor pending, and would be lost. */
  async #snapshotIfDue(): Promise<void> {
    if (this.#writer !== undefined) {
      await this.#snapshots.takeIfDue(this.#writer);
    }
  }
}

/** Whether records that were stored are missing, or may be. */
function isIncomplete({ missingRecords, lostBytes, isEndMissing }: RecoverySummary): boolean {
  return missingRecords > 0 || lostBytes > 0 || isEndMissing;
}

function toTenths(ms: number): number {
  return Math.round(ms / 100) / 10;
}
