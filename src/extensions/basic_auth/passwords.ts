import { createHash, createHmac } from "node:crypto";
import { OldestFirstMap } from "../../collections/oldest-first-map.ts";
import type { StoredPassword } from "./htpasswd.ts";
import { PasswordThread } from "./password-thread.ts";
import { isSamePassword } from "./same-password.ts";

/** How many results are kept, of right and of wrong passwords each. */
const maxKept = 1_000;

/**
 * Checks the passwords of users. What was checked once is remembered by a keyed hash, so that a sender costs one check however many requests it
 * sends, and one with a wrong password no more. It keeps the results of the last {@link maxKept} right and wrong passwords.
 */
export class Passwords {
  readonly #key: Uint8Array;
  readonly #thread = new PasswordThread();
  readonly #right = new KeptResults();
  readonly #wrong = new KeptResults();
  readonly #pending = new Map<string, Promise<boolean | "busy">>();

  /** `key`: random bytes. */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  check(
    user: string,
    password: string,
    stored: StoredPassword,
  ): boolean | "busy" | Promise<boolean | "busy"> {
    const { kind, text } = stored;
    switch (kind) {
      case "plain":
        return isSamePassword(password, text);
      case "sha":
        return isSamePassword(createHash("sha1").update(password).digest("base64"), text);
      case "ssha":
        return isSalted(password, text);
      case "bcrypt":
      case "apr1":
        return this.#checkSlowly(user, password, stored);
      default: {
        const never: never = kind;
        return never;
      }
    }
  }

  async close(): Promise<void> {
    await this.#thread.close();
  }

  #checkSlowly(
    user: string,
    password: string,
    stored: StoredPassword,
  ): boolean | Promise<boolean | "busy"> {
    // The hash is part of the key: a password that was changed is checked anew.
    const key = createHmac("sha256", this.#key)
      .update(JSON.stringify([user, password, stored.text]))
      .digest("base64");
    if (this.#right.has(key)) {
      return true;
    }
    if (this.#wrong.has(key)) {
      return false;
    }
    const pending = this.#pending.get(key) ?? this.#start(key, { user, password, stored });
    this.#pending.set(key, pending);
    return pending;
  }

  async #start(
    key: string,
    attempt: { readonly user: string; readonly password: string; readonly stored: StoredPassword },
  ): Promise<boolean | "busy"> {
    try {
      const result = await this.#thread.check(attempt);
      if (result !== "busy") {
        (result ? this.#right : this.#wrong).add(key);
      }
      return result;
    } finally {
      this.#pending.delete(key);
    }
  }
}

/** The last results; the one that was used longest ago gives way. */
class KeptResults {
  readonly #keys = new OldestFirstMap<string, true>(maxKept);

  has(key: string): boolean {
    const isKept = this.#keys.has(key);
    if (isKept) {
      this.#keys.set(key, true);
    }
    return isKept;
  }

  add(key: string): void {
    this.#keys.set(key, true);
  }
}

/** `{SSHA}`: a digest of the password and the salt that follows it. */
function isSalted(password: string, text: string): boolean {
  const bytes = Buffer.from(text, "base64");
  const digest = bytes.subarray(0, 20);
  const want = createHash("sha1").update(password).update(bytes.subarray(20)).digest();
  return isSamePassword(want.toString("base64"), digest.toString("base64"));
}
