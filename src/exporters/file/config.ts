import { z } from "zod";
import { duration } from "../../config/units.ts";

/** Octal permissions as the Collector writes them, e.g. `"0755"`; a number when read. */
const permissions = z.codec(
  z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be octal permissions in quotes, e.g. "0755".')
    .meta({ title: "permissions", examples: ["0755", "0700"] }),
  z.number(),
  {
    decode: (text) => Number.parseInt(text, 8),
    encode: (mode) => `0${mode.toString(8).padStart(3, "0")}`,
  },
);

const rotation = z.strictObject({
  max_megabytes: z
    .int()
    .min(1)
    .max(1_048_576)
    .prefault(100)
    .describe("The largest size of the file, in units of 1 MiB."),
  max_days: z
    .int()
    .min(0)
    .max(36_500)
    .prefault(0)
    .describe(
      "After how many days of 24 hours a rotated file is deleted, by the time in its name. 0: never.",
    ),
  max_backups: z
    .int()
    .min(0)
    .max(100_000)
    .prefault(100)
    .describe("How many rotated files are kept. 0: all."),
  localtime: z
    .boolean()
    .prefault(false)
    .describe("Whether the time in the name of a rotated file is local time instead of UTC."),
});

export type RotationConfig = z.output<typeof rotation>;

export const schema = z
  .strictObject({
    path: z
      .string()
      .min(1)
      .meta({ examples: ["./telemetry.jsonl"] })
      .describe(
        "The file. Only one exporter may write it. A relative path is relative to the working directory of the program.",
      ),
    format: z
      .enum(["json", "proto"])
      .prefault("json")
      .describe(
        "json: one request as OTLP JSON per line. proto: protobuf, each request after its length in 4 bytes.",
      ),
    compression: z
      .enum(["zstd"])
      .optional()
      .describe(
        "Compresses each request. The file then has no lines: each request follows its length in 4 bytes, also with json.",
      ),
    append: z
      .boolean()
      .prefault(false)
      .describe(
        "Whether the file is continued at the start. Otherwise it is emptied, unless rotation is set.",
      ),
    rotation: z
      .codec(rotation.nullable(), z.custom<RotationConfig>(), {
        decode: (section) => section ?? rotation.parse({}),
        encode: (section) => section,
      })
      .optional()
      .describe(
        "Renames the file when it is full and begins a new one. Off unless it is written; the key without a value takes the defaults.",
      ),
    flush_interval: duration({ min: "1ms", max: "1h" })
      .prefault("1s")
      .describe(
        "How often written data is synced to the disk. A power cut loses at most the data of this time, and a crash of the program none.",
      ),
    create_directory: z
      .boolean()
      .prefault(false)
      .describe("Whether to create the directory of the file if it does not exist."),
    directory_permissions: permissions
      .optional()
      .describe(
        "Permissions of directories that are created, by default 0755. The file gets 0600.",
      ),
  })
  .check((context) => {
    const { append, rotation, create_directory, directory_permissions } = context.value;
    if (append && rotation !== undefined) {
      context.issues.push({
        code: "custom",
        input: append,
        path: ["append"],
        message:
          "cannot be combined with rotation, which always continues the file. Remove append.",
      });
    }
    if (directory_permissions !== undefined && !create_directory) {
      context.issues.push({
        code: "custom",
        input: directory_permissions,
        path: ["directory_permissions"],
        message: "has no effect without create_directory: true. Add that or remove this.",
      });
    }
  });

export type Config = z.output<typeof schema>;
