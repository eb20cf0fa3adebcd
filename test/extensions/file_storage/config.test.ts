import { expect, test } from "vitest";
import { z } from "zod";
import { schema } from "../../../src/extensions/file_storage/config.ts";

test("the defaults keep state in a directory of this user alone", () => {
  expect(schema.parse({})).toEqual({
    directory: "./data",
    create_directory: true,
    directory_permissions: 0o700,
    timeout: 1_000,
    fsync: true,
    flush_interval: 10,
    max_segment_size: 32 * 1024 * 1024,
    compaction: { on_start: false },
  });
});

test("what is written back reads as the same", () => {
  const config = schema.parse({ directory_permissions: "750", flush_interval: "1s" });
  expect(config.directory_permissions).toBe(0o750);
  expect(z.encode(schema, config)).toMatchObject({ directory_permissions: "0750" });
  expect(schema.parse(z.encode(schema, config))).toEqual(config);
});

for (const [title, section, path, message] of [
  ["no directory", { directory: "" }, "directory", ">=1 characters"],
  [
    "permissions for everyone",
    { directory_permissions: "0755" },
    "directory_permissions",
    '"0755" gives access to everyone; the last digit must be 0, e.g. "0700".',
  ],
  [
    "permissions that keep the program out",
    { directory_permissions: "0070" },
    "directory_permissions",
    '"0070" denies access to this program itself',
  ],
  [
    "permissions in letters",
    { directory_permissions: "rwx------" },
    "directory_permissions",
    '"rwx------" is not octal permissions; write e.g. "0700".',
  ],
  ["permissions without quotes", { directory_permissions: 700 }, "directory_permissions", "string"],
  ["a timeout without unit", { timeout: 1 }, "timeout", '"1s"'],
  ["an endless flush interval", { flush_interval: "2h" }, "flush_interval", "must be at most 1m"],
  ["tiny segments", { max_segment_size: "1KiB" }, "max_segment_size", "must be at least 64KiB"],
  [
    "compaction the Collector's way",
    { compaction: { on_rebound: true } },
    "compaction",
    "on_rebound",
  ],
] as const) {
  test(`${title} is refused where it is written`, () => {
    const issues = schema.safeParse(section).error?.issues ?? [];
    expect(issues.map((issue) => issue.path.join("."))).toEqual([path]);
    expect(issues[0]?.message).toContain(message);
  });
}
