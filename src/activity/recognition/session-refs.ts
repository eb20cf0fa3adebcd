import { sessionRef } from "../../privacy/session-ref.ts";

/** The sessions of the last requests. When there are more, all are forgotten and computed again. */
const maxKnown = 16_384;

/** How many bytes a random key has. */
export const refKeyBytes = 32;

/**
 * Under which reference a session may leave: `sessionRef` as a number of 48 bits. It is computed for each new session only, because
 * it takes some microseconds.
 *
 * Keeps references by the keyed hash of the session, 16 384 at most, and no raw session.
 */
export class SessionRefs {
  readonly #isConfigured: boolean;
  #key: string | Uint8Array;
  /** Lower word of the hash → the last session that has it. No sender can choose the words. */
  readonly #known = new Map<number, { readonly hi: number; readonly shown: number }>();

  /** Without a key of the config, `random` is the key, until a stored one takes its place. */
  constructor({
    configured,
    random,
  }: {
    readonly configured: string | undefined;
    readonly random: Uint8Array;
  }) {
    this.#isConfigured = configured !== undefined;
    this.#key = configured ?? random;
  }

  /** Uses the random key that was stored, unless the config has a key. */
  restoreKey(stored: Uint8Array): void {
    if (!this.#isConfigured) {
      this.#key = stored;
    }
    this.#known.clear();
  }

  /** The reference of the session that is `bytes` from `start` up to `end`, of which the keyed hash is `hi`, `lo`. Never 0. */
  of(
    { hi, lo }: { readonly hi: number; readonly lo: number },
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const known = this.#known.get(lo);
    if (known?.hi === hi) {
      return known.shown;
    }
    if (this.#known.size >= maxKnown) {
      this.#known.clear();
    }
    // 0 is none. That it comes out of the hash happens once in 2^48, and such a session is shown as 1.
    const shown = Number.parseInt(sessionRef(this.#key, bytes.subarray(start, end)), 16) || 1;
    this.#known.set(lo, { hi, shown });
    return shown;
  }
}
