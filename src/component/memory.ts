/** What limits the memory of the process: its cgroup or one above it, or else the memory of the machine. */
export interface MemoryLimit {
  readonly bytes: number;
  readonly source: "cgroup_v2" | "cgroup_v1" | "machine";
}

export interface MemoryUsage {
  /**
   * Physical memory of the process, without the pages of files, such as the program of Node itself: the kernel drops those before it
   * ends a process. Where the system does not distinguish them, all physical memory.
   */
  readonly rssBytes: number;
  /**
   * What of it holds something: the JavaScript heap in use, buffers, and what the process had before it did anything. The rest is
   * memory that V8 and the C library keep for later.
   */
  readonly liveBytes: number;
  /** JavaScript heap in use, garbage that was not collected yet included. */
  readonly heapBytes: number;
}

/** The memory of the process: its limits, and how much is used. Tests use one whose figures they set. */
export interface ProcessMemory {
  readonly limit: MemoryLimit;
  /** The largest JavaScript heap that V8 allows; beyond it, V8 ends the process. */
  readonly heapLimitBytes: number;
  usage(): MemoryUsage;
  /** Collects garbage, which blocks the process meanwhile. Absent if V8 does not show its collector. */
  readonly collectGarbage?: () => void;
}
