import { z } from "zod";
import type { Opaque } from "../../config/opaque.ts";
import { opaque } from "../../config/units.ts";

export const schema = z
  .strictObject({
    scheme: z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]*$/, 'must be one word, e.g. "Bearer".')
      .prefault("Bearer")
      .describe("The word before the token. Empty: the header has only the token."),
    header: z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be the name of a header, e.g. "Authorization".')
      .prefault("Authorization")
      .describe("The header that has the token."),
    token: opaque().optional().describe("The token. It is never shown."),
    tokens: z
      .array(opaque())
      .min(1, "must have at least one token.")
      .optional()
      .describe("Several tokens; each of them is accepted, and the first one is sent."),
    filename: z
      .string()
      .min(1)
      .meta({ title: "path", examples: ["/etc/collector/tokens"] })
      .optional()
      .describe(
        "File with one token per line; each of them is accepted, and the first one is sent. A changed file is used within seconds.",
      ),
  })
  .check((context) => {
    const { token, tokens, filename } = context.value;
    const report = (path: readonly (string | number)[], message: string) =>
      context.issues.push({ code: "custom", input: undefined, path: [...path], message });
    if (token === undefined && tokens === undefined && filename === undefined) {
      report([], "must have a token, tokens or a filename.");
    }
    if (token !== undefined && tokens !== undefined) {
      report(["tokens"], "is set beside token; keep one of them.");
    }
    if (filename !== undefined && (token ?? tokens) !== undefined) {
      report(["filename"], "is set beside a token; keep one of them.");
    }
    for (const [path, each] of tokensIn(context.value)) {
      const problem = tokenProblem(each.reveal());
      if (problem !== undefined) {
        report(path, `${problem}.`);
      }
    }
  });

export type Config = z.output<typeof schema>;

function tokensIn({
  token,
  tokens = [],
}: {
  readonly token?: Opaque | undefined;
  readonly tokens?: readonly Opaque[] | undefined;
}): readonly (readonly [path: readonly (string | number)[], token: Opaque])[] {
  return [
    ...(token === undefined ? [] : [[["token"], token] as const]),
    ...tokens.map((each, index) => [["tokens", index], each] as const),
  ];
}

/** What is wrong with a token, as the rest of a sentence; it quotes nothing of it. */
export function tokenProblem(token: string): string | undefined {
  if (token === "") {
    return "is empty";
  }
  return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(token)
    ? undefined
    : "contains a character that is not allowed in a header, or a blank at its end";
}
