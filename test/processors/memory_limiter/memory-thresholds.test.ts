import { expect, test } from "vitest";
import { schema } from "../../../src/processors/memory_limiter/config.ts";
import { levelOf, thresholdsOf } from "../../../src/processors/memory_limiter/memory-thresholds.ts";
import { fakeMemory, mebibyte } from "../../support/fake-memory.ts";

const memory = fakeMemory({ limitMiB: 1000, heapLimitMiB: 100 });

for (const [name, section, rss, heap] of [
  ["a percentage, and a fifth of it for spikes", { limit_percentage: 80 }, [640, 800], [64, 80]],
  [
    "both percentages, of the memory limit and of the heap limit",
    { limit_percentage: 90, spike_limit_percentage: 15 },
    [750, 900],
    [75, 90],
  ],
  ["MiB, and a fifth of them for spikes", { limit_mib: 500 }, [400, 500], [64, 80]],
  ["both in MiB", { limit_mib: 400, spike_limit_mib: 100 }, [300, 400], [60, 80]],
  ["MiB, which have precedence", { limit_mib: 500, limit_percentage: 10 }, [400, 500], [64, 80]],
] as const) {
  test(`the limits follow from ${name}`, () => {
    const thresholds = thresholdsOf(schema.parse(section), memory);
    const inMiB = ({ softBytes, hardBytes }: { softBytes: number; hardBytes: number }) =>
      [softBytes, hardBytes].map((bytes) => Math.round(bytes / mebibyte));
    expect([inMiB(thresholds.rss), inMiB(thresholds.heap)]).toEqual([rss, heap]);
  });
}

for (const [name, rssMiB, liveMiB, heapMiB, want, isSettled] of [
  ["both below their soft limits are normal", 599, 599, 59, "normal"],
  ["physical memory at its soft limit is soft if all of it holds something", 600, 600, 0, "soft"],
  ["physical memory that is kept for later is normal above the soft limit", 799, 599, 0, "normal"],
  ["heap at its soft limit is soft", 0, 0, 60, "soft"],
  [
    "physical memory at its hard limit is hard if it holds three quarters of the soft one",
    800,
    450,
    0,
    "hard",
  ],
  ["physical memory at its hard limit is normal if it holds less", 800, 449, 0, "normal"],
  ["or if it has settled, and holds less than the soft limit", 800, 599, 0, "normal", true],
  [
    "physical memory that has settled is hard if it holds the soft limit",
    800,
    600,
    0,
    "hard",
    true,
  ],
  ["heap at its limits counts beside physical memory that has settled", 800, 450, 60, "soft", true],
  ["heap at its hard limit is hard", 600, 600, 80, "hard"],
] as const) {
  test(name, () => {
    const thresholds = {
      rss: { softBytes: 600 * mebibyte, hardBytes: 800 * mebibyte },
      heap: { softBytes: 60 * mebibyte, hardBytes: 80 * mebibyte },
    };
    const usage = {
      rssBytes: rssMiB * mebibyte,
      liveBytes: liveMiB * mebibyte,
      heapBytes: heapMiB * mebibyte,
    };
    expect(levelOf(usage, thresholds, isSettled)).toBe(want);
  });
}
