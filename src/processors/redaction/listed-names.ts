import { z } from "zod";
import { wrongValueWords } from "../../config/issue-words.ts";
import { nearestName } from "../../config/nearest-name.ts";

/**
 * A list of these names. One name without brackets is answered with the form to write; `wrong` says what to write instead of another name, and `nearest`
 * which one is probably meant.
 */
export function oneOf<const N extends string>(
  names: readonly N[],
  wrong: (name: string) => string = (name) => wrongValueWords(names, name),
  nearest: (name: string) => string | undefined = (name) => nearestName(name, names),
) {
  const name = z.enum(names, {
    error: ({ input }) => (typeof input === "string" ? wrong(input) : undefined),
  });
  return z.array(name, {
    error: ({ input }) => {
      const meant = typeof input === "string" ? nearest(input) : undefined;
      return meant === undefined ? undefined : `must be a list, but is text. Write [${meant}].`;
    },
  });
}
