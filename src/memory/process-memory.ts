import { totalmem } from "node:os";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { MemoryLimit, ProcessMemory } from "../component/memory.ts";
import { cgroupLimit } from "./cgroup-limit.ts";
import { readText } from "./system-files.ts";

/** The memory of this process. The limit is read once: it hardly ever changes while a process runs. `root` replaces `/` for tests. */
export function createProcessMemory(root = "/"): ProcessMemory {
  const gc = garbageCollector();
  const measure = () => {
    const { rss, heapUsed, external } = process.memoryUsage();
    const rssBytes = residentWithoutFiles(readText(root, "/proc/self/status")) ?? rss;
    return { rssBytes, heapBytes: heapUsed, keptBytes: heapUsed + external };
  };
  const atStart = measure();
  const overheadBytes = Math.max(0, atStart.rssBytes - atStart.keptBytes);
  return {
    limit: lowest(cgroupLimit(root), { bytes: totalmem(), source: "machine" }),
    heapLimitBytes: getHeapStatistics().heap_size_limit,
    usage() {
      const { rssBytes, heapBytes, keptBytes } = measure();
      return { rssBytes, heapBytes, liveBytes: Math.min(rssBytes, keptBytes + overheadBytes) };
    },
    ...(gc === undefined ? {} : { collectGarbage: gc }),
  };
}

/**
 * V8's collector of garbage. Without it a process that refuses all data would keep its garbage for ever: V8 collects when memory is
 * allocated, and little is while everything is refused. V8 also shows it to a process that was started without `--expose-gc`.
 */
function garbageCollector(): (() => void) | undefined {
  setFlagsFromString("--expose-gc");
  const gc: unknown = globalThis.gc ?? runInNewContext("globalThis.gc");
  return typeof gc === "function" ? () => void gc() : undefined;
}

/** The limit of a cgroup may be higher than what the machine has. */
function lowest(cgroup: MemoryLimit | undefined, machine: MemoryLimit): MemoryLimit {
  return cgroup === undefined || cgroup.bytes > machine.bytes ? machine : cgroup;
}

/** From the text of `/proc/self/status`, Linux 4.5 and newer. */
function residentWithoutFiles(status: string): number | undefined {
  const kibibytesOf = (name: string) =>
    new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  const [anonymous, shared] = [kibibytesOf("RssAnon"), kibibytesOf("RssShmem")];
  return anonymous === undefined || shared === undefined
    ? undefined
    : (Number(anonymous) + Number(shared)) * 1024;
}
