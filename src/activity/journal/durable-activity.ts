import type { Clock } from "../../component/clock.ts";
import type { Logger } from "../../component/settings.ts";
import type { Storage } from "../../component/storage.ts";
import type { ActivityEngine } from "../engine/activity-engine.ts";
import type { ActivityEvent } from "../model/events.ts";
import type { ActivityLimits } from "../model/limits.ts";
import type { SignalBatch } from "../model/signal-batch.ts";
import { journalVersion } from "./journal-records.ts";
import { JournalWriter } from "./journal-writer.ts";
import { PauseDetector } from "./pause-detector.ts";
import type { ClockAnchor, CreateEngine, EventSink, PersistedState } from "./persisted-state.ts";
import { Replay } from "./replay.ts";

/** The parts of a durable engine, its limits, and the clocks. */
export interface DurableActivityOptions {
  readonly persisted: Omit<PersistedState, "engine" | "evictions">;
  readonly limits: ActivityLimits;
  readonly createEngine: CreateEngine;
  readonly emitter: EventSink;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The key of the hash of references, for a journal that is new. */
  readonly hashKey: Uint8Array;
  /** `service.instance.id` of what is derived, for a journal that is new. */
  readonly instanceId: string;
  readonly restartGraceMs: number;
  /** How often time passes at least, while the program is not paused. */
  readonly tickMs: number;
}

/** Shorter pauses are not logged. */
const minReportedPauseMs = 5_000;
/** While work is open, the journal holds the time to a minute: a restart continues from there. */
const clockWriteIntervalMs = 60_000;

/**
 * An engine whose state survives restarts. With storage, each call is written to the journal before its events are emitted, and
 * replayed after a restart. The engine's clock continues where it stopped, so that no deadline moves while the program is down.
 *
 * Keeps the engine, the journal and the offset between the two clocks. The engine's limits bound its state; the journal is
 * replaced by a snapshot when it is longer than 16 MiB and than twice the last snapshot.
 */
export class DurableActivity {
  readonly #options: DurableActivityOptions;
  #engine: ActivityEngine;
  #journal: JournalWriter | undefined;
  readonly #pauses: PauseDetector;
  /** The engine's clock minus ours. */
  #offsetMs = 0;
  /** The engine's clock as of the last record. */
  #writtenMs = 0;
  #instanceId: string;
  #sinceUnixMs: number;
  #isSnapshotWanted = false;
  #isSnapshotRunning = false;

  constructor(options: DurableActivityOptions) {
    this.#options = options;
    const { allowedLatenessMs } = options.limits;
    this.#pauses = new PauseDetector({ tickMs: options.tickMs, allowedLatenessMs });
    this.#engine = options.createEngine(options.limits);
    this.#instanceId = options.instanceId;
    this.#sinceUnixMs = options.clock.unixMs();
  }

  /** The engine; a different one after `open`. */
  get engine(): ActivityEngine {
    return this.#engine;
  }

  /** `service.instance.id` of derived metrics and events. */
  get instanceId(): string {
    return this.#instanceId;
  }

  /** When the counters were 0, as Unix time. */
  get sinceUnixMs(): number {
    return this.#sinceUnixMs;
  }

  /** The engine's clock and Unix time now. */
  now(): ClockAnchor {
    return { atMs: this.#nowMs(), unixMs: this.#options.clock.unixMs() };
  }

  /** The time of the last call, as replay will see it. */
  lastCallAt(): ClockAnchor {
    const { atMs, unixMs } = this.now();
    const { nowMs } = this.#engine;
    return { atMs: nowMs, unixMs: unixMs - (atMs - nowMs) };
  }

  /** Recovers the state of an earlier process and journals every call from now on. */
  async open(storage: Storage): Promise<void> {
    const { emitter, clock, logger, limits, createEngine } = this.#options;
    const stored = { ...this.#options.persisted, evictions: emitter.evictions };
    const replay = new Replay({
      into: stored,
      createEngine,
      limits,
      onEvent: (event, anchor) => emitter.logEviction(event, anchor),
    });
    const journal = await storage.openJournal({
      take: (record) => replay.take(record),
      onSnapshotNeeded: () => {
        this.#isSnapshotWanted = true;
      },
    });
    const recovered = replay.finish();
    if (recovered === undefined) {
      if (replay.isUnreadable) {
        logger.warn(
          "The stored state was written by an unknown version and is ignored. Tracking starts empty.",
        );
      }
      const persisted = { ...stored, engine: this.#engine };
      const header = this.#newHeader();
      this.#journal = new JournalWriter(journal, persisted, { header, isNew: true });
      this.#isSnapshotWanted ||= replay.isUnreadable;
      return;
    }
    const { engine, anchor, calls, pending } = recovered;
    const unixMs = clock.unixMs();
    const knownUnixMs = anchor.unixMs + (engine.nowMs - anchor.atMs);
    // While the program was away no time passed for the machine: what the wall clock did meanwhile decides nothing.
    const atMs = engine.nowMs;
    const lastUnixMs = journal.recovered.lastWrittenUnixMs ?? knownUnixMs;
    const awayMs = Math.max(0, unixMs - lastUnixMs);
    const graceMs = this.#options.restartGraceMs;
    this.#engine = engine;
    this.#offsetMs = atMs - clock.nowMs();
    this.#instanceId = recovered.header.instanceId;
    this.#sinceUnixMs = recovered.header.sinceUnixMs ?? recovered.header.unixMs;
    this.#isSnapshotWanted ||= recovered.isOfOldVersion;
    const version = journalVersion;
    const header = {
      ...recovered.header,
      version,
      sinceUnixMs: this.#sinceUnixMs,
      limits,
    };
    this.#journal = new JournalWriter(journal, { ...stored, engine }, { header, isNew: false });
    this.#journal.restart({ atMs, unixMs, downtimeMs: 0, graceMs, awayMs, limits });
    engine.addDowntime(awayMs);
    engine.restart(atMs, { downtimeMs: 0, graceMs });
    emitter.resume(calls, pending);
    const { openWork, sessions } = engine.view.sizes();
    logger.info("The state of sessions was recovered.", {
      open_work: openWork,
      sessions,
      downtime_s: Math.round(awayMs / 1000),
    });
  }

  /** Applies signals that arrive now. */
  apply(signals: SignalBatch): readonly ActivityEvent[] {
    this.#snapshotIfDue();
    const nowMs = this.#nowMs();
    const events = this.#engine.apply(signals, nowMs);
    this.#journal?.signals(signals, nowMs, events.length > 0);
    this.#writtenMs = nowMs;
    return events;
  }

  /** Lets time pass until now. Of a mass of decisions a part is made; see `isBehind`. */
  tick(): readonly ActivityEvent[] {
    this.#snapshotIfDue();
    const nowMs = this.#nowMs();
    const events = this.#engine.tick(nowMs);
    const isLongAgo = nowMs - this.#writtenMs >= clockWriteIntervalMs;
    if (this.#engine.hasDecided || (isLongAgo && this.#engine.view.sizes().openWork > 0)) {
      this.#journal?.tick(nowMs, events.length > 0);
      this.#writtenMs = nowMs;
    }
    return events;
  }

  /** Whether more is due than one call decides: `tick` soon, not only when time has passed. */
  get isBehind(): boolean {
    return this.#engine.isBehind;
  }

  /** Lets time pass until now, for the last time before the program ends, or the last few if `isBehind`. */
  close(): readonly ActivityEvent[] {
    const nowMs = this.#nowMs();
    const events = this.#engine.tick(nowMs);
    this.#journal?.tick(nowMs, events.length > 0);
    return events;
  }

  /** The events of all calls up to `call` have been handed on. */
  onDelivered(call: number): void {
    this.#journal?.delivered(call);
  }

  /** Resolves when what was applied so far outlives this process. Never rejects. */
  async written(): Promise<void> {
    await this.#journal?.written();
  }

  #newHeader() {
    const hashKey = Buffer.from(this.#options.hashKey).toString("hex");
    return {
      version: journalVersion,
      hashKey,
      instanceId: this.#instanceId,
      sinceUnixMs: this.#sinceUnixMs,
      limits: this.#options.limits,
      ...this.now(),
    } as const;
  }

  /** The machine's clock: ours without the time in which the program was paused. It never runs backwards. */
  #nowMs(): number {
    const pause = this.#pauses.check(this.#options.clock.nowMs());
    if (pause !== undefined) {
      this.#offsetMs -= pause.lostMs;
      this.#onPaused(pause.lostMs);
    }
    return this.#engineMs();
  }

  #engineMs(): number {
    return Math.max(this.#engine.nowMs, this.#options.clock.nowMs() + this.#offsetMs);
  }

  #onPaused(awayMs: number): void {
    const { clock, logger } = this.#options;
    this.#engine.addDowntime(awayMs);
    const atMs = clock.nowMs() + this.#offsetMs;
    this.#journal?.anchor({ atMs, unixMs: clock.unixMs(), awayMs });
    if (awayMs >= minReportedPauseMs) {
      logger.warn("The collector was paused. Deadlines moved by that time.", {
        paused_s: Math.round(awayMs / 100) / 10,
      });
    }
  }

  /** Before anything is decided: what is decided and not yet told would be in no log and in no outbox. */
  #snapshotIfDue(): void {
    const journal = this.#journal;
    if (journal === undefined || this.#isSnapshotRunning) {
      return;
    }
    if (this.#isSnapshotWanted || journal.isLong) {
      this.#isSnapshotWanted = false;
      this.#isSnapshotRunning = true;
      void this.#snapshot(journal);
    }
  }

  /** Failures are the storage's to report; it asks again. */
  async #snapshot(journal: JournalWriter): Promise<void> {
    const { emitter, logger } = this.#options;
    try {
      const { calls, pending } = emitter;
      await journal.snapshot({ calls, pending, anchor: this.now() });
    } catch (error) {
      logger.error("A snapshot of the state of sessions could not be made.", {
        reason: error instanceof Error ? error.message : String(error),
      });
    } finally {
      this.#isSnapshotRunning = false;
    }
  }
}
