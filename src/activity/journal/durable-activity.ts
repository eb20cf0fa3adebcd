import type { Clock } from "../../component/clock.ts";
import type { Logger } from "../../component/settings.ts";
import type { Storage } from "../../component/storage.ts";
import type { Announcer } from "../../processors/session_activity/event-emitter.ts";
import type { SessionActivity } from "../engine/activity-engine.ts";
import type { ActivityEvent } from "../model/events.ts";
import type { ActivityLimits } from "../model/limits.ts";
import type { SignalBatch } from "../model/signal-batch.ts";
import { journalVersion } from "./journal-records.ts";
import { ActivityJournal } from "./journal-writer.ts";
import { OwnPauses } from "./pause-detector.ts";
import type { Anchor, CreateActivity, Remembered } from "./persisted-state.ts";
import { Recovery } from "./replay.ts";

/** What memory needs besides what it remembers. */
export interface MemoryOptions {
  readonly remembered: Omit<Remembered, "activity" | "evictions">;
  readonly limits: ActivityLimits;
  readonly createActivity: CreateActivity;
  readonly announcer: Announcer;
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

/** Shorter pauses are not worth a line. */
const reportedPauseMs = 5_000;
/** With open work the journal knows the time to a minute, for a restart goes on from there. */
const writtenEveryMs = 60_000;

/**
 * The machine over restarts: what is applied to it is written down where there is a journal, before anyone
 * is told, and done again after a restart. Its clock goes on where it was, so that deadlines are what they were.
 */
export class Memory {
  readonly #options: MemoryOptions;
  #activity: SessionActivity;
  #journal: ActivityJournal | undefined;
  readonly #pauses: OwnPauses;
  /** What the machine's clock is ahead of ours. */
  #aheadMs = 0;
  /** The machine's clock as the journal knows it. */
  #writtenMs = 0;
  #instanceId: string;
  #sinceUnixMs: number;
  #isSnapshotWanted = false;
  #isSnapshotUnderWay = false;

  constructor(options: MemoryOptions) {
    this.#options = options;
    const { allowedLatenessMs } = options.limits;
    this.#pauses = new OwnPauses({ tickMs: options.tickMs, allowedLatenessMs });
    this.#activity = options.createActivity(options.limits);
    this.#instanceId = options.instanceId;
    this.#sinceUnixMs = options.clock.unixMs();
  }

  /** The machine, another one after `open`. */
  get activity(): SessionActivity {
    return this.#activity;
  }

  /** `service.instance.id` of what is derived. */
  get instanceId(): string {
    return this.#instanceId;
  }

  /** Since when the counters count. */
  get sinceUnixMs(): number {
    return this.#sinceUnixMs;
  }

  /** The machine's clock and Unix time now. */
  now(): Anchor {
    return { atMs: this.#nowMs(), unixMs: this.#options.clock.unixMs() };
  }

  /** When something was applied last, or time passed; the machine's clock as it will be when that is done again. */
  calledAt(): Anchor {
    const { atMs, unixMs } = this.now();
    const { nowMs } = this.#activity;
    return { atMs: nowMs, unixMs: unixMs - (atMs - nowMs) };
  }

  /** Recovers what an earlier process knew, and writes down from now on what happens. */
  async open(storage: Storage): Promise<void> {
    const { announcer, clock, logger, limits, createActivity } = this.#options;
    const to = { ...this.#options.remembered, evictions: announcer.evictions };
    const recovery = new Recovery({
      to,
      createActivity,
      limits,
      tell: (event, anchor) => announcer.note(event, anchor),
    });
    const journal = await storage.openJournal({
      take: (record) => recovery.take(record),
      onSnapshotNeeded: () => {
        this.#isSnapshotWanted = true;
      },
    });
    const recovered = recovery.finish();
    if (recovered === undefined) {
      if (recovery.isOfAnotherVersion) {
        logger.warn("The stored state is of another version and is not used.");
      }
      const remembered = { ...to, activity: this.#activity };
      const header = this.#newHeader();
      this.#journal = new ActivityJournal(journal, remembered, { header, isNew: true });
      this.#isSnapshotWanted ||= recovery.isOfAnotherVersion;
      return;
    }
    const { activity, anchor, calls, untold } = recovered;
    const unixMs = clock.unixMs();
    const knownUnixMs = anchor.unixMs + (activity.nowMs - anchor.atMs);
    // While the program was away no time passed for the machine: what the wall clock did meanwhile decides nothing.
    const atMs = activity.nowMs;
    const lastUnixMs = journal.recovered.lastWrittenUnixMs ?? knownUnixMs;
    const awayMs = Math.max(0, unixMs - lastUnixMs);
    const graceMs = this.#options.restartGraceMs;
    this.#activity = activity;
    this.#aheadMs = atMs - clock.nowMs();
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
    this.#journal = new ActivityJournal(journal, { ...to, activity }, { header, isNew: false });
    this.#journal.restart({ atMs, unixMs, downtimeMs: 0, graceMs, awayMs, limits });
    activity.noteAway(awayMs);
    activity.restart(atMs, { downtimeMs: 0, graceMs });
    announcer.goOn(calls, untold);
    const { openWork, sessions } = activity.sizes();
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
    const events = this.#activity.apply(signals, nowMs);
    this.#journal?.signals(signals, nowMs, events.length > 0);
    this.#writtenMs = nowMs;
    return events;
  }

  /** Lets time pass until now. Of a mass of decisions a part is made; see `isBehind`. */
  tick(): readonly ActivityEvent[] {
    this.#snapshotIfDue();
    const nowMs = this.#nowMs();
    const events = this.#activity.tick(nowMs);
    const isLongAgo = nowMs - this.#writtenMs >= writtenEveryMs;
    if (this.#activity.hasDecided || (isLongAgo && this.#activity.sizes().openWork > 0)) {
      this.#journal?.tick(nowMs, events.length > 0);
      this.#writtenMs = nowMs;
    }
    return events;
  }

  /** Whether more is due than one call decides: `tick` soon, not only when time has passed. */
  get isBehind(): boolean {
    return this.#activity.isBehind;
  }

  /** Lets time pass until now, for the last time before the program ends, or the last few if `isBehind`. */
  close(): readonly ActivityEvent[] {
    const nowMs = this.#nowMs();
    const events = this.#activity.tick(nowMs);
    this.#journal?.tick(nowMs, events.length > 0);
    return events;
  }

  /** The events of all calls up to `call` have been handed on. */
  told(call: number): void {
    this.#journal?.told(call);
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
    const pause = this.#pauses.runsAt(this.#options.clock.nowMs());
    if (pause !== undefined) {
      this.#aheadMs -= pause.lostMs;
      this.#notePause(pause.lostMs);
    }
    return this.#machineMs();
  }

  #machineMs(): number {
    return Math.max(this.#activity.nowMs, this.#options.clock.nowMs() + this.#aheadMs);
  }

  #notePause(awayMs: number): void {
    const { clock, logger } = this.#options;
    this.#activity.noteAway(awayMs);
    const atMs = clock.nowMs() + this.#aheadMs;
    this.#journal?.anchor({ atMs, unixMs: clock.unixMs(), awayMs });
    if (awayMs >= reportedPauseMs) {
      logger.warn("The collector was paused. Deadlines moved by that time.", {
        paused_s: Math.round(awayMs / 100) / 10,
      });
    }
  }

  /** Before anything is decided: what is decided and not yet told would be in no log and in no outbox. */
  #snapshotIfDue(): void {
    const journal = this.#journal;
    if (journal === undefined || this.#isSnapshotUnderWay) {
      return;
    }
    if (this.#isSnapshotWanted || journal.isLong) {
      this.#isSnapshotWanted = false;
      this.#isSnapshotUnderWay = true;
      void this.#snapshot(journal);
    }
  }

  /** Failures are the storage's to report; it asks again. */
  async #snapshot(journal: ActivityJournal): Promise<void> {
    const { announcer, logger } = this.#options;
    try {
      const { calls, untold } = announcer;
      await journal.snapshot({ calls, untold, anchor: this.now() });
    } catch (error) {
      logger.error("A snapshot of the state of sessions could not be made.", {
        reason: error instanceof Error ? error.message : String(error),
      });
    } finally {
      this.#isSnapshotUnderWay = false;
    }
  }
}
