import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";
import type { MemoryLimit, ProcessMemory } from "../component/memory.ts";
import { cgroupLimit } from "./cgroup-limit.ts";
import { readText } from "./system-files.ts";

/** The memory of this process. The limit is read once: it hardly ever changes while a process runs. `root` replaces `/` for tests. */
export function createProcessMemory(root = "/"): ProcessMemory {
  const { gc } = globalThis;
  return {
    limit: lowest(cgroupLimit(root), { bytes: totalmem(), source: "machine" }),
    heapLimitBytes: getHeapStatistics().heap_size_limit,
    usage() {
      const { rss, heapUsed } = process.memoryUsage();
      return {
        rssBytes: residentWithoutFiles(readText(root, "/proc/self/status")) ?? rss,
        heapBytes: heapUsed,
      };
    },
    ...(gc === undefined ? {} : { collectGarbage: () => void gc() }),
  };
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
