import { createHash, createHmac } from "node:crypto";
import type { Config } from "./config.ts";
import { anyOf, LinearRegex } from "./linear-regex.ts";
import { type MatchBudget, maxSearchedBytes } from "./value-search.ts";

const defaultMask = "****";
const hashNames = { md5: "md5", sha1: "sha1", sha3: "sha3-256" } as const;
/** As for the patterns of rules: what has more matches is masked as a whole. */
const maxMatches = 1_000;

/** The keys and values that the lists of the Collector's processor allow and block. */
export class CollectorLists {
  readonly #config: Config;
  readonly #allowedKeys: ReadonlySet<string>;
  readonly #ignoredKeys: ReadonlySet<string>;
  readonly #ignoredKeyPatterns;
  readonly #blockedKeyPatterns;
  readonly #allowedValues;
  readonly #anyBlocked;
  readonly #blockedValues: readonly LinearRegex[];
  /** What takes the place of a masked value, unless it is hashed. */
  readonly mask: string;

  constructor(config: Config) {
    this.#config = config;
    this.#allowedKeys = new Set(config.allowed_keys);
    this.#ignoredKeys = new Set(config.ignored_keys);
    this.#ignoredKeyPatterns = anyOf(config.ignored_key_patterns);
    this.#blockedKeyPatterns = anyOf(config.blocked_key_patterns);
    this.#allowedValues = anyOf(config.allowed_values);
    this.#anyBlocked = anyOf(config.blocked_values);
    this.#blockedValues = config.blocked_values.map((pattern) => new LinearRegex(pattern));
    this.mask = config.masking_string === "" ? defaultMask : config.masking_string;
  }

  /** Whether values are looked at. */
  get hasValues(): boolean {
    return this.#allowedValues !== undefined || this.#anyBlocked !== undefined;
  }

  /** Whether values are masked for what is in them. */
  get blocksValues(): boolean {
    return this.#anyBlocked !== undefined;
  }

  get redactsAllTypes(): boolean {
    return this.#config.redact_all_types;
  }

  isIgnored(key: string): boolean {
    return this.#ignoredKeys.has(key) || this.#ignoredKeyPatterns?.test(key) === true;
  }

  isAllowed(key: string): boolean {
    return this.#config.allow_all_keys || this.#allowedKeys.has(key);
  }

  isBlocked(key: string): boolean {
    return this.#blockedKeyPatterns?.test(key) === true;
  }

  /** Whether `allowed_values` match. A text that is too long to be searched is not allowed. */
  isAllowedValue(text: string): boolean {
    return text.length <= maxSearchedBytes && this.#allowedValues?.test(text) === true;
  }

  /** The text with what `blocked_values` matches masked, one pattern after the other; the same text if nothing is. */
  withBlockedMasked(text: string, budget: MatchBudget): string {
    if (this.#anyBlocked === undefined) {
      return text;
    }
    if (text.length > maxSearchedBytes) {
      return this.masked(text);
    }
    if (!this.#anyBlocked.test(text)) {
      return text;
    }
    let result = text;
    for (const pattern of this.#blockedValues) {
      if (pattern.test(result)) {
        const replaced = pattern.replaceAll(
          result,
          Math.min(maxMatches, budget.matchesLeft),
          (match) => {
            budget.matchesLeft -= 1;
            return this.masked(match);
          },
        );
        if (replaced === undefined) {
          return this.masked(text);
        }
        result = replaced;
      }
    }
    return result;
  }

  /** What takes the place of a text: the masking string, or its hash. */
  masked(text: string | Uint8Array): string {
    const { hash_function: name, hmac_key: key } = this.#config;
    switch (name) {
      case "":
        return this.mask;
      case "hmac-sha256":
      case "hmac-sha512":
        return createHmac(name.slice("hmac-".length), key?.reveal() ?? "")
          .update(text)
          .digest("hex");
      default:
        return createHash(hashNames[name]).update(text).digest("hex");
    }
  }
}
