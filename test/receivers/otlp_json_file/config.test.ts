import { expect, test } from "vitest";
import { schema } from "../../../src/receivers/otlp_json_file/config.ts";

test("the defaults are the Collector's, but for the longest line", () => {
  expect(schema.parse({ include: ["*.jsonl"] })).toEqual({
    include: ["*.jsonl"],
    exclude: [],
    start_at: "end",
    poll_interval: 200,
    max_log_size: 20 * 1024 * 1024,
    max_concurrent_files: 1024,
    delete_after_read: false,
    replay_file: false,
  });
});

const include = ["*.jsonl"];

for (const [title, section, path, message] of [
  ["no include", {}, "include", "expected array"],
  ["an include of nothing", { include: [] }, "include", ">=1 items"],
  ["an unknown start", { include, start_at: "middle" }, "start_at", "expected one of"],
  [
    "deleting what is not read",
    { include, delete_after_read: true },
    "delete_after_read",
    "cannot be used with start_at: end",
  ],
  [
    "offsets that a replay does not need",
    { include, replay_file: true, storage: "file_storage" },
    "replay_file",
    "cannot be combined with storage",
  ],
  [
    "a replay of what is deleted",
    { include, replay_file: true, start_at: "beginning", delete_after_read: true },
    "replay_file",
    "cannot be combined with delete_after_read",
  ],
] as const) {
  test(`${title} is a mistake`, () => {
    const { error } = schema.safeParse(section);
    expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
    expect(error?.issues[0]?.message).toContain(message);
  });
}
