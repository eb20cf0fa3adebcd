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

/** Accepts requests that have one of the tokens, and adds the first token to requests that are sent. */
export function createBearerTokenAuth(settings: Settings, config: Config): Component {
  const header = config.header.toLowerCase();
  const { scheme, filename } = config;
  let tokens: Tokens | undefined;
  const file =
    filename === undefined
      ? undefined
      : new WatchedFile(settings, {
          option: "filename",
          path: filename,
          use: (text) => {
            tokens = tokensIn(text);
          },
        });

  return {
    authenticator: {
      server: {
        challenge: `${scheme || "Bearer"} realm="activity-collector"`,
        authenticate(headers) {
          const token = tokenOf(headers, header, scheme);
          const client = token === undefined ? undefined : tokens?.clientOf(token);
          return client === undefined ? refused : { ok: true, client };
        },
      },
      client: {
        headers() {
          return tokens === undefined
            ? {}
            : { [header]: scheme === "" ? tokens.first : `${scheme} ${tokens.first}` };
        },
      },
    },
    async start() {
      if (file !== undefined) {
        await file.open();
        return;
      }
      const [first, ...more] = [config.token, ...(config.tokens ?? [])].flatMap((each) =>
        each === undefined ? [] : [each.reveal()],
      );
      tokens = first === undefined ? undefined : new Tokens([first, ...more]);
    },
    async shutdown() {
      file?.close();
      tokens = undefined;
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

function tokensIn(text: string): Tokens {
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
  return new Tokens([first, ...more]);
}
