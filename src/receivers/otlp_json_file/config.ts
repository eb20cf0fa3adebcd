import { z } from "zod";
import { storageId } from "../../config/storage-id.ts";
import { byteSize, duration } from "../../config/units.ts";

const glob = z
  .string()
  .min(1)
  .meta({ title: "glob", examples: ["/var/log/otel/*.jsonl"] });

export const schema = z
  .strictObject({
    include: z
      .array(glob)
      .min(1)
      .describe(
        "Globs of the files to read. Two asterisks stand for any number of directories. Relative ones are relative to the working directory of the program.",
      ),
    exclude: z.array(glob).prefault([]).describe("Globs of files that are not read, out of those."),
    start_at: z
      .enum(["beginning", "end"])
      .prefault("end")
      .describe(
        "Where to begin in files that are there at the start. Files that appear later are read from the beginning, and with stored offsets all unknown ones.",
      ),
    poll_interval: duration({ min: "10ms", max: "1h" })
      .prefault("200ms")
      .describe("How often to look for new files and new data."),
    max_log_size: byteSize({ min: "1KiB", max: "256MiB" })
      .prefault("20MiB")
      .describe(
        "The longest line. A longer one is skipped and counted. A line in work takes several times its size of memory.",
      ),
    max_concurrent_files: z
      .int()
      .min(2)
      .max(65_536)
      .prefault(1024)
      .describe("How many files are kept open at the most. More files are read, but opened anew."),
    delete_after_read: z
      .boolean()
      .prefault(false)
      .describe(
        "Whether a file is deleted when all of its lines are done. Only with start_at: beginning, and only for files that are not written any more.",
      ),
    replay_file: z
      .boolean()
      .prefault(false)
      .describe(
        "Whether every file is read again from the beginning at each poll_interval, e.g. to make load.",
      ),
    storage: storageId().describe(
      "The storage extension that keeps the offsets of the files across restarts. Without it, a restart begins as start_at says.",
    ),
  })
  .check((context) => {
    const { delete_after_read, start_at, replay_file, storage } = context.value;
    const refuse = (key: string, message: string) =>
      context.issues.push({ code: "custom", input: true, path: [key], message });
    if (delete_after_read && start_at === "end") {
      refuse(
        "delete_after_read",
        "cannot be used with start_at: end, because data before the end would be deleted unread. Set start_at: beginning.",
      );
    }
    if (replay_file && storage !== undefined) {
      refuse(
        "replay_file",
        "cannot be combined with storage, because it needs no offsets. Remove one.",
      );
    }
    if (replay_file && delete_after_read) {
      refuse("replay_file", "cannot be combined with delete_after_read. Remove one.");
    }
  });

export type Config = z.output<typeof schema>;
