import { z } from "zod";

export const schema = z.strictObject({
  verbosity: z
    .enum(["basic", "normal", "detailed"])
    .prefault("basic")
    .describe(
      "basic logs counts only; normal prints a line per record, detailed everything in it, both with the sender's ids and content.",
    ),
  sampling_initial: z
    .int()
    .min(0)
    .prefault(2)
    .describe("How many payloads of a signal are shown in each second before sampling begins."),
  sampling_thereafter: z
    .int()
    .min(0)
    .prefault(1)
    .describe(
      "After those, every how many-th payload of the second is shown: 1 shows all, 0 none.",
    ),
});

export type Config = z.output<typeof schema>;
