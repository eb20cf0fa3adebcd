import { z } from "zod";
import { Opaque } from "../../config/opaque.ts";
import { hiddenText, opaque } from "../../config/units.ts";

/** Each has its own name, and a file that is looked at. */
const maxClients = 100;

const clientSchema = z.strictObject({
  name: hiddenText(
    z.string().regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'must be a short name, e.g. "gateway-a".'),
  ).describe("The name of the client. It stays the same when tokens change, and is never shown."),
  token: opaque().optional().describe("The token of this client. It is never shown."),
  tokens: z
    .array(opaque())
    .min(1, "must have at least one token.")
    .optional()
    .describe("Several tokens of this client."),
  filename: filename("File with the tokens of this client, one per line."),
});

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
      .describe(
        "Several tokens; each of them is accepted, and the first one is sent. Anyone who has one of them is a client of its own.",
      ),
    filename: filename(
      "File with one token per line; each of them is accepted, and the first one is sent. A changed file is used within seconds. Its tokens are those of one client: an old one and the one that replaces it.",
    ),
    clients: z
      .array(clientSchema)
      .min(1, "must have at least one client.")
      .max(maxClients, `must have at most ${maxClients} clients.`)
      .optional()
      .describe(
        "Clients with a name, each with a token, tokens or a filename; their tokens are accepted and never sent.",
      ),
  })
  .check((context) => {
    const { token, tokens, filename, clients = [] } = context.value;
    const report = (path: readonly (string | number)[], message: string) =>
      context.issues.push({ code: "custom", input: undefined, path: [...path], message });
    if ((token ?? tokens ?? filename) === undefined && clients.length === 0) {
      report([], "must have a token, tokens, a filename or clients.");
    }
    const names = clients.map(({ name }) => nameOf(name));
    for (const [index, client] of clients.entries()) {
      if ((client.token ?? client.tokens ?? client.filename) === undefined) {
        report(["clients", index], "must have a token, tokens or a filename.");
      }
      const name = names[index];
      if (name !== undefined && names.indexOf(name) !== index) {
        report(
          ["clients", index, "name"],
          "is the name of another client, too. Choose another name.",
        );
      }
    }
    const known = new Set<string>();
    for (const { path, section } of [
      { path: [], section: context.value },
      ...clients.map((section, index) => ({ path: ["clients", index], section })),
    ]) {
      if (section.token !== undefined && section.tokens !== undefined) {
        report([...path, "tokens"], "is set beside token; keep one of them.");
      }
      if (section.filename !== undefined && (section.token ?? section.tokens) !== undefined) {
        report([...path, "filename"], "is set beside a token; keep one of them.");
      }
      for (const [inSection, each] of tokensIn(section)) {
        const text = each.reveal();
        const problem = tokenProblem(text) ?? (known.has(text) ? "is set twice" : undefined);
        if (problem !== undefined) {
          report([...path, ...inSection], `${problem}.`);
        }
        known.add(text);
      }
    }
  });

export type Config = z.output<typeof schema>;

/** Undefined for one that is not valid, which has a problem of its own. */
function nameOf(name: unknown): string | undefined {
  return name instanceof Opaque ? name.reveal() : undefined;
}

function filename(description: string) {
  return z
    .string()
    .min(1)
    .meta({ title: "path", examples: ["/etc/collector/tokens"] })
    .optional()
    .describe(description);
}

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
