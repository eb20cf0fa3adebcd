import { hash } from "node:crypto";

/** What stands for raw ids outside this process. Equal input gives equal output for as long as the process lives. */
export interface Pseudonyms {
  /** 32 lower-case hex digits, never all zero. */
  traceId(of: string): string;
  /** 16 lower-case hex digits, never all zero. */
  spanId(of: string): string;
  /** 16 lower-case hex digits. */
  session(of: string): string;
  /** 16 lower-case hex digits. */
  pause(of: string): string;
}

/**
 * SHA-256 over a secret and the text, cut to the length asked for. The cut keeps the hash from being carried on, which
 * is the known weakness of a key put in front; a full HMAC takes four times as long.
 *
 * @param key at least 32 random bytes, made anew by every process and kept nowhere
 */
export function createPseudonyms(key: Uint8Array): Pseudonyms {
  const secret = Buffer.from(key).toString("hex");
  const digest = (use: string, of: string, digits: number) => {
    const cut = hash("sha256", `${secret}\0${use}\0${of}`, "hex").slice(0, digits);
    // One in 2^64: OTLP takes an id of zeros for none at all.
    return /^0+$/.test(cut) ? `${cut.slice(1)}1` : cut;
  };
  return {
    traceId: (of) => digest("trace", of, 32),
    spanId: (of) => digest("span", of, 16),
    session: (of) => digest("session", of, 16),
    pause: (of) => digest("pause", of, 16),
  };
}
