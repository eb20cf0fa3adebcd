import { z } from "zod";
import { anyCase } from "../../config/any-case.ts";

export const schema = z.strictObject({
  verbosity: anyCase(["basic", "normal", "detailed"])
    .prefault("basic")
    .describe(
      "basic logs only counts. normal also prints one line per record on stdout, detailed the whole record. Both show the sender's ids and content.",
    ),
  sampling_initial: z
    .int()
    .min(0)
    .prefault(2)
    .describe("How many payloads per signal and second are shown before sampling begins."),
  sampling_thereafter: z
    .int()
    .min(0)
    .prefault(1)
    .describe("Of the further payloads of that second, every n-th is shown: 1 shows all, 0 none."),
});

export type Config = z.output<typeof schema>;
