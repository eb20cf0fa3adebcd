import { z } from "zod";
import { byteSize, duration } from "../../config/units.ts";

/** Octal permissions as the Collector writes them, e.g. `"0700"`; a number when read. */
const permissions = z.codec(
  z.string().meta({ title: "permissions", pattern: "^0?[0-7]{3}$", examples: ["0700", "0750"] }),
  z.number(),
  {
    decode(text, context) {
      const problem = permissionsProblem(text);
      if (problem === undefined) return Number.parseInt(text, 8);
      context.issues.push({ code: "custom", input: text, message: problem });
      return z.NEVER;
    },
    encode: (mode) => `0${mode.toString(8).padStart(3, "0")}`,
  },
);

export const schema = z.strictObject({
  directory: z
    .string()
    .min(1)
    .prefault("./data")
    .describe(
      "Where the files are, for this program alone. A relative one starts from where the program was started.",
    ),
  create_directory: z
    .boolean()
    .prefault(true)
    .describe("Whether to make the directory when it is not there."),
  directory_permissions: permissions
    .prefault("0700")
    .describe("Permissions of directories that are made; nothing for others. Files are 0600."),
  timeout: duration({ min: "1ms", max: "10m" })
    .prefault("1s")
    .describe("How long to wait at the start for another process to let go of the directory."),
  fsync: z
    .boolean()
    .prefault(true)
    .describe(
      "Whether to make what was written survive a power cut, too, and not only the end of this program. Snapshots always do.",
    ),
  flush_interval: duration({ min: "1ms", max: "1m" })
    .prefault("10ms")
    .describe(
      "How long records wait for the fsync that all which come meanwhile share, and before that for being written when the component does not wait for it. A power cut takes what came within twice this time.",
    ),
  max_segment_size: byteSize({ min: "64KiB", max: "1GiB" })
    .prefault("32MiB")
    .describe("A file of the log that has this size is followed by a new one."),
  compaction: z
    .strictObject({
      on_start: z
        .boolean()
        .prefault(false)
        .describe(
          "Whether components shall write a snapshot after every start, so that the next one reads less.",
        ),
    })
    .prefault({})
    .describe("When the log is replaced by a snapshot, besides when a component finds it long."),
});

export type Config = z.output<typeof schema>;

/** What is wrong with permissions of a directory, as the end of a sentence. */
function permissionsProblem(text: string): string | undefined {
  if (!/^0?[0-7]{3}$/.test(text)) {
    return `${JSON.stringify(text)} is not octal permissions; write e.g. "0700".`;
  }
  const mode = Number.parseInt(text, 8);
  if ((mode & 0o007) !== 0) {
    return `"${text}" lets everyone in; the last digit must be 0, e.g. "0700".`;
  }
  return (mode & 0o700) === 0o700
    ? undefined
    : `"${text}" keeps this program itself out; the first digit must be 7, e.g. "0700".`;
}
