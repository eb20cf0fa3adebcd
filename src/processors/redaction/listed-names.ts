import { z } from "zod";
import { wrongValueWords } from "../../config/issue-words.ts";

/** A list of these names. One name without brackets is answered with the form to write; `wrong` says what to write instead of another name. */
export function oneOf<const N extends string>(
  names: readonly N[],
  wrong: (name: string) => string = (name) => wrongValueWords(names, name),
) {
  const name = z.enum(names, {
    error: ({ input }) => (typeof input === "string" ? wrong(input) : undefined),
  });
  return z.array(name, {
    error: ({ input }) =>
      names.some((each) => each === input)
        ? `must be a list, but is text. Write [${String(input)}].`
        : undefined,
  });
}
