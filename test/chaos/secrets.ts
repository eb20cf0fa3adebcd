import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import bcrypt from "bcryptjs";
import { type Authority, makeAuthority } from "../support/certificates.ts";
import { newSecret, receiverName } from "./transports.ts";

/** Tokens, passwords and certificates of the collector in files, and how an operator exchanges them. */
export class Secrets {
  readonly authority: Authority = makeAuthority("chaos authority");
  /** All that ever were in use: none of them may be in a log. */
  readonly all: string[] = [];
  token = newSecret();
  password = newSecret();
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.#write("authority.crt", this.authority.ca);
    this.#issueCertificate();
    this.#writeTokens([this.token]);
    this.#writePassword();
  }

  /** Each resolves when the old secret is no longer in use. */
  readonly rotations: readonly (() => Promise<void>)[] = [
    async () => {
      const next = newSecret();
      this.#writeTokens([this.token, next]);
      await pause(3_000);
      this.token = next;
      await pause(500);
      this.#writeTokens([next]);
    },
    async () => {
      this.password = newSecret();
      this.#writePassword();
      await pause(3_000);
    },
    async () => {
      this.#issueCertificate();
      await pause(1_500);
    },
  ];

  #issueCertificate(): void {
    const { cert, key } = this.authority.issue([receiverName]);
    this.#write("receiver.key", key);
    this.#write("receiver.crt", cert);
  }

  #writeTokens(tokens: readonly string[]): void {
    this.all.push(...tokens);
    this.#write("tokens", `${tokens.join("\n")}\n`);
  }

  #writePassword(): void {
    this.all.push(this.password);
    this.#write("htpasswd", `sender:${bcrypt.hashSync(this.password, 4)}\n`);
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#directory, name), text, { mode: 0o600 });
  }
}
