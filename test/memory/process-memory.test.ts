import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createProcessMemory } from "../../src/memory/process-memory.ts";

const root = mkdtempSync(join(tmpdir(), "memory-"));
afterAll(() => rmSync(root, { recursive: true }));

function machine(options: { readonly limit: string; readonly status: string }) {
  for (const folder of ["proc/self", "sys/fs/cgroup"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  writeFileSync(join(root, "proc/self/cgroup"), "0::/\n");
  writeFileSync(
    join(root, "proc/self/mountinfo"),
    "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
  );
  writeFileSync(join(root, "sys/fs/cgroup/memory.max"), options.limit);
  writeFileSync(join(root, "proc/self/status"), options.status);
  return createProcessMemory(root);
}

test("the memory limit of a process is that of its cgroup", () => {
  expect(machine({ limit: "1048576", status: "" }).limit).toEqual({
    bytes: 1_048_576,
    source: "cgroup_v2",
  });
});

for (const [name, limit] of [
  ["without a cgroup that limits it", "max"],
  ["in a cgroup that may use more than there is", String(2 * totalmem())],
] as const) {
  test(`the memory limit of a process ${name} is the memory of the machine`, () => {
    expect(machine({ limit, status: "" }).limit).toEqual({
      bytes: totalmem(),
      source: "machine",
    });
  });
}

test("pages of files are not counted, because the kernel can drop them", () => {
  const status =
    "VmRSS:\t    4000 kB\nRssAnon:\t    1000 kB\nRssFile:\t    2900 kB\nRssShmem:\t     100 kB\n";
  expect(machine({ limit: "max", status }).usage().rssBytes).toBe(1_100 * 1024);
});

test("all physical memory counts where the system does not distinguish its kinds", () => {
  const { rssBytes } = machine({ limit: "max", status: "VmRSS:\t 4000 kB\n" }).usage();
  // That of this process, which node:process knows.
  expect(rssBytes).toBeGreaterThan(process.memoryUsage.rss() / 2);
  expect(rssBytes).toBeLessThan(process.memoryUsage.rss() * 2);
});

test("a buffer that is written to shows in the usage of this process", () => {
  const memory = createProcessMemory();
  const before = memory.usage();
  const buffer = Buffer.alloc(200 * 1024 * 1024, 1);
  const after = memory.usage();
  expect(after.rssBytes - before.rssBytes).toBeGreaterThan(100 * 1024 * 1024);
  expect(after.liveBytes - before.liveBytes).toBeGreaterThan(100 * 1024 * 1024);
  expect(buffer[5]).toBe(1);
});

test("garbage can be collected without an option of Node, and is not live any more", async () => {
  const memory = createProcessMemory();
  const before = memory.usage().liveBytes;
  const allocate = () => Buffer.alloc(200 * 1024 * 1024, 1)[5];
  expect(allocate()).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  memory.collectGarbage!();
  expect(memory.usage().liveBytes - before).toBeLessThan(50 * 1024 * 1024);
});
