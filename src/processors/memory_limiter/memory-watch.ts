import type { MemoryUsage } from "../../component/memory.ts";
import type { Settings } from "../../component/settings.ts";
import { type CollectionIntervals, CollectionSchedule } from "./collection-schedule.ts";
import type { Config } from "./config.ts";
import { KeptMemory } from "./kept-memory.ts";
import { levelOf, type MemoryLevel, type MemoryThresholds, mebibyte } from "./memory-thresholds.ts";

/** Memory that goes up and down around the soft limit is logged this often at the most. */
const logIntervalMs = 10_000;

/**
 * Whether data is refused, as of the last check. It reports each change as a status, and logs it with the figures; changes that
 * follow each other quickly are logged as one.
 *
 * Keeps the outcome of the last check, the times of the last collection and log line, and since when memory is above its hard limit.
 */
export class MemoryWatch {
  readonly #settings: Pick<Settings, "clock" | "logger" | "memory" | "reportStatus">;
  readonly #thresholds: MemoryThresholds;
  readonly #intervals: Readonly<Record<Exclude<MemoryLevel, "normal">, CollectionIntervals>>;
  readonly #schedule = new CollectionSchedule();
  readonly #kept = new KeptMemory();
  #isRefusing = false;
  #loggedAs = false;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #changes = 0;

  constructor(options: {
    readonly settings: Pick<Settings, "clock" | "logger" | "memory" | "reportStatus">;
    readonly config: Config;
    readonly thresholds: MemoryThresholds;
  }) {
    const { config } = options;
    this.#settings = options.settings;
    this.#thresholds = options.thresholds;
    this.#intervals = {
      soft: {
        minMs: config.min_gc_interval_when_soft_limited,
        maxMs: config.max_gc_interval_when_soft_limited,
      },
      hard: {
        minMs: config.min_gc_interval_when_hard_limited,
        maxMs: config.max_gc_interval_when_hard_limited,
      },
    };
  }

  get isRefusing(): boolean {
    return this.#isRefusing;
  }

  /** Measures the memory, collects garbage where that is due, and decides whether data is refused until the next check. */
  check(): void {
    const usage = this.#usageAfterCollection();
    const isRefusing = this.#levelOf(usage) !== "normal";
    if (isRefusing !== this.#isRefusing) {
      this.#isRefusing = isRefusing;
      this.#changes++;
      this.#settings.reportStatus(
        isRefusing
          ? {
              status: "recoverable_error",
              message: "Data is refused, because the process is short of memory.",
            }
          : { status: "ok" },
      );
    }
    this.#logChange(usage);
  }

  #levelOf(usage: MemoryUsage): MemoryLevel {
    const nowMs = this.#settings.clock.nowMs();
    const isSettled = this.#kept.isSettled(usage, this.#thresholds.rss, nowMs);
    return levelOf(usage, this.#thresholds, isSettled);
  }

  /** A measurement may contain garbage, so a collection is tried before data is refused. */
  #usageAfterCollection(): MemoryUsage {
    const { memory, clock } = this.#settings;
    const usage = memory.usage();
    const level = this.#levelOf(usage);
    if (level === "normal" || memory.collectGarbage === undefined) {
      return usage;
    }
    const intervals = this.#intervals[level];
    if (!this.#schedule.isDue(clock.nowMs(), intervals)) {
      return usage;
    }
    memory.collectGarbage();
    const after = memory.usage();
    const freedShare = Math.max(
      1 - after.rssBytes / usage.rssBytes,
      1 - after.liveBytes / usage.liveBytes,
      1 - after.heapBytes / usage.heapBytes,
    );
    this.#schedule.onCollected(clock.nowMs(), freedShare, intervals);
    return after;
  }

  #logChange(usage: MemoryUsage): void {
    const { logger, clock } = this.#settings;
    const nowMs = clock.nowMs();
    if (this.#isRefusing === this.#loggedAs || nowMs - this.#loggedAtMs < logIntervalMs) {
      return;
    }
    const { rss, heap } = this.#thresholds;
    const fields = {
      rss_mib: inMebibytes(usage.rssBytes),
      live_mib: inMebibytes(usage.liveBytes),
      soft_limit_mib: inMebibytes(rss.softBytes),
      hard_limit_mib: inMebibytes(rss.hardBytes),
      heap_mib: inMebibytes(usage.heapBytes),
      heap_soft_limit_mib: inMebibytes(heap.softBytes),
      // More than one: it changed and changed back since the last line.
      changes: this.#changes,
    };
    if (this.#isRefusing) {
      logger.warn("Memory usage is above the soft limit. Refusing data.", fields);
    } else {
      const isAbove = usage.rssBytes >= rss.hardBytes;
      logger.info(
        isAbove
          ? "Physical memory stays above the hard limit, but the process holds less than the soft limit, and uses again what was freed. Accepting data again."
          : "Memory usage is back within limits. Accepting data again.",
        fields,
      );
    }
    this.#loggedAs = this.#isRefusing;
    this.#loggedAtMs = nowMs;
    this.#changes = 0;
  }
}

function inMebibytes(bytes: number): number {
  return Math.round(bytes / mebibyte);
}
