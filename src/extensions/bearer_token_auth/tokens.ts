import { createHash, timingSafeEqual } from "node:crypto";

/** Tokens that are accepted. What a comparison takes does not depend on how much of a token is right. */
export class Tokens {
  readonly #digests: readonly Uint8Array[];
  /** The one that is sent. */
  readonly first: string;

  constructor(tokens: readonly [string, ...string[]]) {
    this.first = tokens[0];
    this.#digests = tokens.map(digestOf);
  }

  /** Who has this token, by its digest; undefined if it is none of these. */
  clientOf(token: string): string | undefined {
    const digest = digestOf(token);
    let isFound = false;
    for (const each of this.#digests) {
      isFound = timingSafeEqual(each, digest) || isFound;
    }
    return isFound ? digest.toString("hex") : undefined;
  }
}

/** Texts of any length become comparable in the same time. */
function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
