import { join, posix } from "node:path";
import type { MemoryLimit } from "../component/memory.ts";
import { readText } from "./system-files.ts";

/**
 * Finds the lowest memory limit of the cgroup of this process and of those above it, as far as the process can see them; version 2
 * and version 1, whichever has a limit. `undefined` if none has one, or outside Linux.
 *
 * `process.constrainedMemory()` reads only the cgroup of the process itself, but the limit is often that of a parent: a
 * systemd slice, the pod of a container.
 *
 * `root` replaces `/` for tests.
 */
export function cgroupLimit(root = "/"): MemoryLimit | undefined {
  const paths = parseCgroupPaths(readText(root, "/proc/self/cgroup"));
  const mounts = parseCgroupMounts(readText(root, "/proc/self/mountinfo"));
  const limits = versions.flatMap((version) => {
    const path = paths.get(version.source);
    const mount = mounts.get(version.source);
    return path === undefined || mount === undefined
      ? []
      : foldersOf(path, mount)
          .flatMap((folder) => version.files.map((file) => readText(root, join(folder, file))))
          .map(parseLimit)
          .filter((bytes) => bytes !== undefined)
          .map((bytes) => ({ bytes, source: version.source }));
  });
  return limits.toSorted((a, b) => a.bytes - b.bytes)[0];
}

type CgroupSource = Exclude<MemoryLimit["source"], "machine">;

/** Above `memory.high` the kernel slows a process down until it hardly runs, so it is a limit too. */
const versions = [
  { source: "cgroup_v2", files: ["memory.max", "memory.high"] },
  { source: "cgroup_v1", files: ["memory.limit_in_bytes"] },
] as const satisfies readonly {
  readonly source: CgroupSource;
  readonly files: readonly string[];
}[];

/** Version 1 writes the largest number of pages for "no limit"; no machine has that much memory. */
const unlimitedBytes = 2 ** 60;

/** The path of the process in each hierarchy. A line is `id:controllers:path`; version 2 has id 0 and no controllers. */
function parseCgroupPaths(text: string): ReadonlyMap<CgroupSource, string> {
  const paths = new Map<CgroupSource, string>();
  for (const line of text.split("\n")) {
    const [, id, controllers = "", path = ""] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (id === "0" && controllers === "") {
      paths.set("cgroup_v2", path);
    } else if (controllers.split(",").includes("memory")) {
      paths.set("cgroup_v1", path);
    }
  }
  return paths;
}

/** Where a hierarchy is mounted, and which of its folders is visible there. */
interface CgroupMount {
  readonly folder: string;
  readonly shows: string;
}

/**
 * A line is `id parent device shows folder options… - type source super-options`; proc_pid_mountinfo(5). Spaces in paths are
 * octal escapes.
 */
function parseCgroupMounts(text: string): ReadonlyMap<CgroupSource, CgroupMount> {
  const mounts = new Map<CgroupSource, CgroupMount>();
  for (const line of text.split("\n")) {
    const [head = "", tail = ""] = line.split(" - ", 2);
    const [, , , shows = "", folder = ""] = head.split(" ").map(unescapeOctal);
    const [type, , superOptions = ""] = tail.split(" ");
    if (type === "cgroup2") {
      mounts.set("cgroup_v2", { folder, shows });
    } else if (type === "cgroup" && superOptions.split(",").includes("memory")) {
      mounts.set("cgroup_v1", { folder, shows });
    }
  }
  return mounts;
}

/**
 * The visible folders of a cgroup and of those above it. A container may see only its own cgroup, under a path that its mount does not
 * have: then it is the mount itself.
 */
function foldersOf(path: string, { folder, shows }: CgroupMount): readonly string[] {
  const relative = posix.relative(shows, path);
  const isVisible = !relative.split("/").includes("..");
  const names = isVisible ? relative.split("/").filter((name) => name !== "") : [];
  return [folder, ...names.map((_, index) => join(folder, ...names.slice(0, index + 1)))];
}

function parseLimit(text: string): number | undefined {
  const trimmed = text.trim();
  const bytes = /^\d+$/.test(trimmed) ? Number(trimmed) : Number.POSITIVE_INFINITY;
  return bytes > 0 && bytes < unlimitedBytes ? bytes : undefined;
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
