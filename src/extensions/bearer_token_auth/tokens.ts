import { createHash, timingSafeEqual } from "node:crypto";

/** Tokens of one source: an option of the config, or a file. */
export interface TokenSource {
  readonly tokens: readonly string[];
  /** Whose work is reported with these tokens: that of the client with this name, of `each` token's own client, or of no client in particular. */
  readonly account: { readonly name: string } | "each" | undefined;
}

/** Whose a token is, as `Authentication` has it. */
interface Holder {
  readonly client: string;
  readonly account: string;
}

interface KnownToken extends Holder {
  readonly digest: Buffer;
}

/** Tokens that are accepted. What a comparison takes does not depend on how much of a token is right. */
export class Tokens {
  readonly #known: readonly KnownToken[];

  constructor(sources: readonly TokenSource[]) {
    this.#known = sources.flatMap(({ tokens, account }) =>
      tokens.map((token) => {
        const digest = digestOf(token);
        // No name of the config has a blank.
        const client = `token ${digest.toString("hex")}`;
        return { digest, client, account: account === "each" ? client : (account?.name ?? "") };
      }),
    );
  }

  /** Whose a token is; undefined if it is not accepted. */
  find(token: string): Holder | undefined {
    const digest = digestOf(token);
    let found: KnownToken | undefined;
    for (const each of this.#known) {
      found = timingSafeEqual(each.digest, digest) ? (found ?? each) : found;
    }
    return found === undefined ? undefined : { client: found.client, account: found.account };
  }
}

/** Texts of any length become comparable in the same time. */
function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
