import { z } from "zod";
import { wrongValueWords } from "./issue-words.ts";

/** One of `values` in any case, as the Collector reads levels: `INFO`, `Basic`. When read and when printed it is as in `values`. */
export function anyCase<const T extends readonly [string, ...string[]]>(values: T) {
  const written = z
    .string({ error: ({ input }) => wrongValueWords(values, input) })
    .meta({ enum: [...values] });
  return z.codec(written, z.enum(values), {
    decode: (text, context) => {
      const found = values.find((value) => value === text.toLowerCase());
      if (found !== undefined) return found;
      context.issues.push({
        code: "custom",
        input: text,
        message: wrongValueWords(values, text),
      });
      return z.NEVER;
    },
    encode: (value) => value,
  });
}
