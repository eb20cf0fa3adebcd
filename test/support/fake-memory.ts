import type { MemoryUsage, ProcessMemory } from "../../src/component/memory.ts";

export const mebibyte = 1024 * 1024;

export interface FakeMemory extends ProcessMemory {
  /** What `usage` returns. A test changes it. */
  used: MemoryUsage;
  /** How often garbage was collected. */
  readonly collections: number;
}

/** The memory of a process of which a test sets all figures. Without options it is short of nothing. */
export function fakeMemory(
  options: {
    readonly limitMiB?: number;
    readonly heapLimitMiB?: number;
    /** What is in use after each collection. Absent: garbage cannot be collected. */
    readonly afterCollection?: () => MemoryUsage;
  } = {},
): FakeMemory {
  const { afterCollection } = options;
  let collections = 0;
  const memory: FakeMemory = {
    limit: { bytes: (options.limitMiB ?? 65_536) * mebibyte, source: "cgroup_v2" },
    heapLimitBytes: (options.heapLimitMiB ?? 4_096) * mebibyte,
    used: { rssBytes: 50 * mebibyte, liveBytes: 50 * mebibyte, heapBytes: 10 * mebibyte },
    usage: () => memory.used,
    get collections() {
      return collections;
    },
    ...(afterCollection === undefined
      ? {}
      : {
          collectGarbage() {
            collections++;
            memory.used = afterCollection();
          },
        }),
  };
  return memory;
}
