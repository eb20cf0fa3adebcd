import type { MemoryUsage, ProcessMemory } from "../../component/memory.ts";
import type { Config } from "./config.ts";

/** From `softBytes` on data is refused; from `hardBytes` on garbage is collected more often, too. */
export interface Threshold {
  readonly softBytes: number;
  readonly hardBytes: number;
}

/** The limits for the physical memory of the process, and for its JavaScript heap, which V8 limits separately. */
export interface MemoryThresholds {
  readonly rss: Threshold;
  readonly heap: Threshold;
}

export type MemoryLevel = "normal" | "soft" | "hard";

export const mebibyte = 1024 * 1024;

/** As in the Collector. */
const defaultSpikeShare = 0.2;
/** The hard limit of the heap, as a share of what V8 allows, where the config names MiB: these are about physical memory. */
const heapShare = 0.8;

/**
 * The thresholds of a config. The heap gets the same shares of V8's heap limit that the process gets of its memory limit. Physical
 * memory alone would not do: with a small `--max-old-space-size`, V8 ends a process that is far below its memory limit.
 */
export function thresholdsOf(
  config: Pick<
    Config,
    "limit_mib" | "limit_percentage" | "spike_limit_mib" | "spike_limit_percentage"
  >,
  { limit, heapLimitBytes }: Pick<ProcessMemory, "limit" | "heapLimitBytes">,
): MemoryThresholds {
  if (config.limit_mib > 0) {
    const hardBytes = config.limit_mib * mebibyte;
    const spikeBytes = config.spike_limit_mib * mebibyte || hardBytes * defaultSpikeShare;
    const softShare = 1 - spikeBytes / hardBytes;
    return {
      rss: { softBytes: hardBytes - spikeBytes, hardBytes },
      heap: {
        softBytes: heapLimitBytes * heapShare * softShare,
        hardBytes: heapLimitBytes * heapShare,
      },
    };
  }
  const hardShare = config.limit_percentage / 100;
  const spikeShare = config.spike_limit_percentage / 100 || hardShare * defaultSpikeShare;
  const shareOf = (bytes: number): Threshold => ({
    softBytes: bytes * (hardShare - spikeShare),
    hardBytes: bytes * hardShare,
  });
  return { rss: shareOf(limit.bytes), heap: shareOf(heapLimitBytes) };
}

/** While less than this share of the soft limit holds something, what V8 and the C library keep is used again before memory grows. */
const reusableShare = 0.75;

/** The worse of the levels of physical memory and heap. `isSettled`: see `levelOfMemory`. */
export function levelOf(
  usage: MemoryUsage,
  { rss, heap }: MemoryThresholds,
  isSettled = false,
): MemoryLevel {
  const memory = levelOfMemory(usage, rss, isSettled);
  if (memory === "hard" || usage.heapBytes >= heap.hardBytes) {
    return "hard";
  }
  return memory === "soft" || usage.heapBytes >= heap.softBytes ? "soft" : "normal";
}

/**
 * The level of physical memory. Against the soft limit only memory that holds something counts, and at the hard limit a process that
 * holds little is normal, too: V8 and the C library keep what was freed, and a process that refused data because of that would refuse
 * for ever. `isSettled`: physical memory does not grow any more, so only what the process holds counts.
 */
export function levelOfMemory(
  { rssBytes, liveBytes }: Pick<MemoryUsage, "rssBytes" | "liveBytes">,
  { softBytes, hardBytes }: Threshold,
  isSettled = false,
): MemoryLevel {
  const share = isSettled ? 1 : reusableShare;
  if (rssBytes >= hardBytes && liveBytes >= softBytes * share) {
    return "hard";
  }
  return liveBytes >= softBytes ? "soft" : "normal";
}
