import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A cgroup with a memory limit that the kernel enforces. */
export interface MemoryCgroup {
  /** A command that runs the command that follows it in the cgroup; for `StartOptions.runner`. */
  readonly runner: readonly string[];
  /** How it was made. */
  readonly kind: "cgroup v2" | "cgroup v1" | "systemd scope";
  /** The most memory that was in use at one time; `undefined` where that is not known. */
  peakBytes(): number | undefined;
  /** Removes it. All its processes must have ended. */
  remove(): void;
}

let made = 0;

/**
 * Makes a cgroup below that of this process, or lets the service manager of the user make one; or the reasons why neither is possible
 * on this machine.
 */
export function memoryCgroup(limitBytes: number): MemoryCgroup | { readonly reasons: string[] } {
  const reasons: string[] = [];
  for (const make of [madeV2, madeV1, madeBySystemd]) {
    try {
      return make(limitBytes);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { reasons };
}

function madeV2(limitBytes: number): MemoryCgroup {
  const parent = folderOf("cgroup2", /^0::(.*)$/m);
  const name = join(parent, `test-${process.pid}-${++made}`);
  const controllers = readFileSync(join(parent, "cgroup.subtree_control"), "utf8");
  if (!controllers.split(/\s/).includes("memory")) {
    throw new Error(`cgroup v2: ${parent} does not delegate the memory controller.`);
  }
  mkdirSync(name);
  writeFileSync(join(name, "memory.max"), String(limitBytes));
  if (existsSync(join(name, "memory.swap.max"))) {
    writeFileSync(join(name, "memory.swap.max"), "0");
  }
  return inFolder(name, "cgroup v2", "memory.peak");
}

function madeV1(limitBytes: number): MemoryCgroup {
  const parent = folderOf("cgroup", /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m, "memory");
  const name = join(parent, `test-${process.pid}-${++made}`);
  mkdirSync(name);
  writeFileSync(join(name, "memory.limit_in_bytes"), String(limitBytes));
  if (existsSync(join(name, "memory.memsw.limit_in_bytes"))) {
    writeFileSync(join(name, "memory.memsw.limit_in_bytes"), String(limitBytes));
  }
  return inFolder(name, "cgroup v1", "memory.max_usage_in_bytes");
}

function madeBySystemd(limitBytes: number): MemoryCgroup {
  const scope = ["--user", "--scope", "--quiet", "-p", `MemoryMax=${limitBytes}`];
  const runner = ["systemd-run", ...scope, "-p", "MemorySwapMax=0", "--"];
  execFileSync(runner[0] ?? "", [...runner.slice(1), "true"], { stdio: "pipe", timeout: 10_000 });
  return { runner, kind: "systemd scope", peakBytes: () => undefined, remove() {} };
}

function inFolder(name: string, kind: MemoryCgroup["kind"], peak: string): MemoryCgroup {
  return {
    runner: ["sh", "-c", 'echo $$ > "$0" && exec "$@"', join(name, "cgroup.procs")],
    kind,
    peakBytes: () =>
      existsSync(join(name, peak)) ? Number(readFileSync(join(name, peak), "utf8")) : undefined,
    remove: () => rmdirSync(name),
  };
}

/** The folder of this process in a mounted hierarchy. */
function folderOf(type: string, line: RegExp, option?: string): string {
  const mount = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((each) => each.split(" "))
    .find(
      ([, , each, options = ""]) =>
        each === type && (option === undefined || options.split(",").includes(option)),
    );
  const [, path] = line.exec(readFileSync("/proc/self/cgroup", "utf8")) ?? [];
  if (mount?.[1] === undefined || path === undefined) {
    throw new Error(`${type}: no hierarchy with a memory controller is mounted.`);
  }
  return join(mount[1], path);
}
