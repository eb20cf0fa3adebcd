import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cgroupLimit } from "../../src/memory/cgroup-limit.ts";

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) {
    rmSync(root, { recursive: true });
  }
});

/** A folder with the files of a machine. */
function rootWith(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "cgroup-"));
  roots.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const v2Mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
const v1Mounts =
  "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n" +
  "32 31 0:29 / /sys/fs/cgroup/cpu rw shared:10 - cgroup cgroup rw,cpu\n" +
  "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
  "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
const v1Paths = "9:name=systemd:/\n4:memory:/app\n2:cpu,cpuacct:/other\n0::/\n";
const unlimited = "9223372036854771712\n";

for (const [name, files, want] of [
  [
    "version 2: the cgroup of the process",
    {
      "proc/self/cgroup": "0::/system.slice/app.service\n",
      "proc/self/mountinfo": v2Mount,
      "sys/fs/cgroup/system.slice/app.service/memory.max": "268435456\n",
    },
    { bytes: 268_435_456, source: "cgroup_v2" },
  ],
  [
    "version 2: a cgroup above it, when that has the lower limit",
    {
      "proc/self/cgroup": "0::/a/b/c\n",
      "proc/self/mountinfo": v2Mount,
      "sys/fs/cgroup/a/memory.max": "100000000\n",
      "sys/fs/cgroup/a/b/memory.max": "max\n",
      "sys/fs/cgroup/a/b/c/memory.max": "200000000\n",
    },
    { bytes: 100_000_000, source: "cgroup_v2" },
  ],
  [
    "version 2: memory.high, from which on the kernel slows the process down",
    {
      "proc/self/cgroup": "0::/a\n",
      "proc/self/mountinfo": v2Mount,
      "sys/fs/cgroup/a/memory.max": "200000000\n",
      "sys/fs/cgroup/a/memory.high": "150000000\n",
    },
    { bytes: 150_000_000, source: "cgroup_v2" },
  ],
  [
    "version 2 in a container that sees its own cgroup as the root",
    {
      "proc/self/cgroup": "0::/\n",
      "proc/self/mountinfo": v2Mount,
      "sys/fs/cgroup/memory.max": "300000000\n",
    },
    { bytes: 300_000_000, source: "cgroup_v2" },
  ],
  [
    "version 2 in a container whose mount shows only its own cgroup",
    {
      "proc/self/cgroup": "0::/docker/abc/inner\n",
      "proc/self/mountinfo": v2Mount.replace(" / /sys", " /docker/abc /sys"),
      "sys/fs/cgroup/memory.max": "300000000\n",
      "sys/fs/cgroup/inner/memory.max": "200000000\n",
    },
    { bytes: 200_000_000, source: "cgroup_v2" },
  ],
  [
    "version 2 under a path that its mount does not have",
    {
      "proc/self/cgroup": "0::/../../elsewhere\n",
      "proc/self/mountinfo": v2Mount.replace(" / /sys", " /docker/abc /sys"),
      "sys/fs/cgroup/memory.max": "300000000\n",
    },
    { bytes: 300_000_000, source: "cgroup_v2" },
  ],
  [
    "version 2 mounted at a path with a space",
    {
      "proc/self/cgroup": "0::/a\n",
      "proc/self/mountinfo": v2Mount.replace("/sys/fs/cgroup", "/my\\040cgroups"),
      "my cgroups/a/memory.max": "300000000\n",
    },
    { bytes: 300_000_000, source: "cgroup_v2" },
  ],
  [
    "version 1: the cgroup of the process",
    {
      "proc/self/cgroup": v1Paths,
      "proc/self/mountinfo": v1Mounts,
      "sys/fs/cgroup/memory/memory.limit_in_bytes": unlimited,
      "sys/fs/cgroup/memory/app/memory.limit_in_bytes": "268435456\n",
    },
    { bytes: 268_435_456, source: "cgroup_v1" },
  ],
  [
    "version 1: a cgroup above it, when that has the lower limit",
    {
      "proc/self/cgroup": v1Paths.replace("/app", "/pod/app"),
      "proc/self/mountinfo": v1Mounts,
      "sys/fs/cgroup/memory/pod/memory.limit_in_bytes": "100000000\n",
      "sys/fs/cgroup/memory/pod/app/memory.limit_in_bytes": unlimited,
    },
    { bytes: 100_000_000, source: "cgroup_v1" },
  ],
  [
    "version 1 in a container whose mount shows only its own cgroup",
    {
      "proc/self/cgroup": v1Paths.replace("/app", "/docker/abc"),
      "proc/self/mountinfo": v1Mounts.replace("0:32 / ", "0:32 /docker/abc "),
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "100000000\n",
    },
    { bytes: 100_000_000, source: "cgroup_v1" },
  ],
  [
    "both versions: the lower limit",
    {
      "proc/self/cgroup": v1Paths.replace("0::/", "0::/b"),
      "proc/self/mountinfo": v1Mounts,
      "sys/fs/cgroup/memory/app/memory.limit_in_bytes": "200000000\n",
      "sys/fs/cgroup/unified/b/memory.max": "100000000\n",
    },
    { bytes: 100_000_000, source: "cgroup_v2" },
  ],
  [
    "no limit anywhere",
    {
      "proc/self/cgroup": v1Paths,
      "proc/self/mountinfo": v1Mounts,
      "sys/fs/cgroup/memory/app/memory.limit_in_bytes": unlimited,
      "sys/fs/cgroup/unified/memory.max": "max\n",
    },
    undefined,
  ],
  [
    "files with something else in them",
    {
      "proc/self/cgroup": "not a cgroup\n0::/\n",
      "proc/self/mountinfo": `garbage\n${v2Mount}`,
      "sys/fs/cgroup/memory.max": "-5 apples\n",
      "sys/fs/cgroup/memory.high": "0\n",
    },
    undefined,
  ],
  ["a machine that is not Linux", {}, undefined],
] as const) {
  test(`the limit of a cgroup is found: ${name}`, () => {
    expect(cgroupLimit(rootWith(files))).toEqual(want);
  });
}

test("the files of this machine are read without an error", () => {
  const limit = cgroupLimit();
  expect(limit === undefined || limit.bytes > 0).toBe(true);
});
