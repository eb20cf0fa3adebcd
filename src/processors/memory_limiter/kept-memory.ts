import type { MemoryUsage } from "../../component/memory.ts";
import type { Threshold } from "./memory-thresholds.ts";

/** Physical memory that has not grown for so long above the hard limit does not grow with what the process holds. */
const settlesAfterMs = 10_000;
/** Growth by more than this share of the hard limit is growth. */
const growthShare = 0.1;

/**
 * Whether physical memory above the hard limit has settled: it stayed there for 10 s, and the process uses what it keeps. V8 and the
 * C library may keep it for ever, so a process that waited for it to shrink would refuse data for ever.
 *
 * Keeps since when, and how much it was then.
 */
export class KeptMemory {
  #sinceMs = Number.POSITIVE_INFINITY;
  #bytes = 0;

  /** Called with each measurement. */
  isSettled({ rssBytes }: Pick<MemoryUsage, "rssBytes">, limit: Threshold, nowMs: number): boolean {
    if (rssBytes < limit.hardBytes) {
      this.#sinceMs = Number.POSITIVE_INFINITY;
      return false;
    }
    const hasGrown = rssBytes > this.#bytes + limit.hardBytes * growthShare;
    if (this.#sinceMs === Number.POSITIVE_INFINITY || hasGrown) {
      this.#sinceMs = nowMs;
      this.#bytes = rssBytes;
    }
    return nowMs - this.#sinceMs >= settlesAfterMs;
  }
}
