import type { Authentication, RequestHeaders } from "../../component/authenticator.ts";
import type { Component } from "../../component/component.ts";
import type { Settings } from "../../component/settings.ts";
import { UnusableFile, WatchedFile } from "../../serving/watched-file.ts";
import { type Config, tokenProblem } from "./config.ts";
import { Tokens } from "./tokens.ts";

const refused: Authentication = {
  ok: false,
  refused: "unauthenticated",
  message: "The request has no token that is accepted here.",
};

/** More tokens than a file should have; each is compared for each request. */
const maxTokens = 1_000;

/**
 * Accepts requests that have one of the tokens, and adds the first token of its own, not of a client, to requests that are sent. The tokens of a
 * file, like those of a client with a name, are one client's, so that exchanging them makes nobody another client.
 */
export function createBearerTokenAuth(settings: Settings, config: Config): Component {
  const header = config.header.toLowerCase();
  const { scheme } = config;
  const sections = [
    {
      section: config,
      option: "filename",
      account: config.tokens === undefined ? undefined : "each",
    },
    ...(config.clients ?? []).map((section, index) => ({
      section,
      option: `clients[${index}].filename`,
      account: { name: section.name.reveal() },
    })),
  ] as const;
  let isStarted = false;
  /** The tokens of each section; of those with a file, the ones it had when it was read last. */
  const read: (readonly string[])[] = sections.map(({ section: { token, tokens = [] } }) =>
    [token, ...tokens].flatMap((each) => (each === undefined ? [] : [each.reveal()])),
  );
  let tokens = new Tokens([]);
  const files = sections.flatMap(({ section: { filename: path }, option }, index) =>
    path === undefined
      ? []
      : [
          new WatchedFile(settings, {
            option,
            path,
            use: (text) => {
              const found = tokensIn(text);
              if (
                read.some(
                  (others, at) => at !== index && others.some((each) => found.includes(each)),
                )
              ) {
                throw new UnusableFile("The file has a token that another client has, too.");
              }
              read[index] = found;
              accept();
            },
          }),
        ],
  );

  function accept(): void {
    tokens = new Tokens(
      sections.map(({ account }, index) => ({ account, tokens: read[index] ?? [] })),
    );
  }

  return {
    authenticator: {
      server: {
        challenge: `${scheme || "Bearer"} realm="activity-collector"`,
        authenticate(headers) {
          const token = tokenOf(headers, header, scheme);
          const found = isStarted && token !== undefined ? tokens.find(token) : undefined;
          return found === undefined ? refused : { ok: true, ...found };
        },
      },
      client: {
        headers() {
          const [first] = isStarted ? (read[0] ?? []) : [];
          return first === undefined
            ? {}
            : { [header]: scheme === "" ? first : `${scheme} ${first}` };
        },
      },
    },
    async start() {
      accept();
      for (const file of files) {
        await file.open();
      }
      isStarted = true;
    },
    async shutdown() {
      for (const file of files) {
        file.close();
      }
      isStarted = false;
      tokens = new Tokens([]);
    },
  };
}

/** The token of a request. The case of the scheme does not matter (RFC 9110, 11.1). */
function tokenOf(headers: RequestHeaders, header: string, scheme: string): string | undefined {
  const [value] = [headers[header]].flat();
  if (value === undefined || scheme === "") {
    return value;
  }
  const prefix = `${scheme} `;
  return value.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase()
    ? value.slice(prefix.length).trimStart()
    : undefined;
}

function tokensIn(text: string): readonly string[] {
  const lines = text.split("\n").map((line) => line.trim());
  const [first, ...more] = lines.filter((line) => line !== "");
  if (first === undefined) {
    throw new UnusableFile("The file has no token; write one per line.");
  }
  if (more.length >= maxTokens) {
    throw new UnusableFile(`The file has more than ${maxTokens} tokens.`);
  }
  for (const [index, line] of lines.entries()) {
    const problem = line === "" ? undefined : tokenProblem(line);
    if (problem !== undefined) {
      throw new UnusableFile(`The token in line ${index + 1} ${problem}.`);
    }
  }
  return [first, ...more];
}
