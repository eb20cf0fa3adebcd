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
      "The directory of the files. Only one collector may use it. A relative path is relative to the working directory of the program.",
    ),
  create_directory: z
    .boolean()
    .prefault(true)
    .describe("Whether to create the directory if it does not exist."),
  directory_permissions: permissions
    .prefault("0700")
    .describe(
      "Permissions of the directories that are created. Others must have none. Files get 0600.",
    ),
  timeout: duration({ min: "1ms", max: "10m" })
    .prefault("1s")
    .describe("How long to wait at the start for another process to release the directory."),
  fsync: z
    .boolean()
    .prefault(true)
    .describe(
      "Whether written records survive a power cut, and not only a crash of this program. Snapshots always survive both.",
    ),
  flush_interval: duration({ min: "1ms", max: "1m" })
    .prefault("10ms")
    .describe(
      "How long to collect records before one shared fsync, and before one shared write if no component waits for them. A power cut loses at most the records of the last two intervals.",
    ),
  max_segment_size: byteSize({ min: "64KiB", max: "1GiB" })
    .prefault("32MiB")
    .describe("When a log file reaches this size, a new one is started."),
  compaction: z
    .strictObject({
      on_start: z
        .boolean()
        .prefault(false)
        .describe(
          "Whether components write a snapshot after every start, so that the next start reads less.",
        ),
    })
    .prefault({})
    .describe("When a snapshot replaces the log, in addition to when the log has grown long."),
});

export type Config = z.output<typeof schema>;

/** The problem with the permissions of a directory, as the end of a sentence; `undefined` if there is none. */
function permissionsProblem(text: string): string | undefined {
  if (!/^0?[0-7]{3}$/.test(text)) {
    return `${JSON.stringify(text)} is not octal permissions; write e.g. "0700".`;
  }
  const mode = Number.parseInt(text, 8);
  if ((mode & 0o007) !== 0) {
    return `"${text}" gives access to everyone; the last digit must be 0, e.g. "0700".`;
  }
  return (mode & 0o700) === 0o700
    ? undefined
    : `"${text}" denies access to this program itself; the first digit must be 7, e.g. "0700".`;
}
