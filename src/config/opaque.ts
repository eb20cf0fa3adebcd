import { inspect } from "node:util";

/** The text shown in place of a secret. */
export const redacted = "[REDACTED]";

/**
 * A secret from the config. Printed, logged, joined to a string or put into JSON it is `[REDACTED]`;
 * only `reveal` gives the text, and only what sends it to where it belongs should ask.
 */
export class Opaque {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  reveal(): string {
    return this.#secret;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [inspect.custom](): string {
    return redacted;
  }
}
