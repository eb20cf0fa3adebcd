import { expect, test } from "vitest";
import { schema } from "../../../src/exporters/file/config.ts";

test("the defaults are the Collector's", () => {
  expect(schema.parse({ path: "out" })).toEqual({
    path: "out",
    format: "json",
    append: false,
    flush_interval: 1_000,
    create_directory: false,
  });
});

test("rotation without a value has the Collector's defaults", () => {
  expect(schema.parse({ path: "out", rotation: null }).rotation).toEqual({
    max_megabytes: 100,
    max_days: 0,
    max_backups: 100,
    localtime: false,
  });
});

for (const [title, section, path, message] of [
  ["no path", {}, "path", "expected string"],
  ["an empty path", { path: "" }, "path", "expected string to have >=1 characters"],
  [
    "append beside rotation",
    { path: "out", append: true, rotation: {} },
    "append",
    "cannot be combined with rotation, which always continues the file. Remove append.",
  ],
  [
    "permissions without the making of directories",
    { path: "out", directory_permissions: "0700" },
    "directory_permissions",
    "has no effect without create_directory: true. Add that or remove this.",
  ],
  [
    "permissions that are none",
    { path: "out", create_directory: true, directory_permissions: "rwx" },
    "directory_permissions",
    'must be octal permissions in quotes, e.g. "0755".',
  ],
  ["another format", { path: "out", format: "text" }, "format", "expected one of"],
  ["another compression", { path: "out", compression: "gzip" }, "compression", 'expected "zstd"'],
] as const) {
  test(`${title} is a mistake`, () => {
    const { error } = schema.safeParse(section);
    expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
    expect(error?.issues[0]?.message).toContain(message);
  });
}
