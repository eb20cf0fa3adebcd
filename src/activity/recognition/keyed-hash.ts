import { HalfSipHash } from "./half-sip-hash.ts";
import type { SessionRefs } from "./session-refs.ts";
import { SipHash } from "./sip-hash.ts";

/** How many bytes the key has. */
export const hashKeyBytes = 16;

/** Values that were hashed before the program had a longer key. */
export interface FormerHashes {
  /** 8 bytes. */
  readonly key: Uint8Array;
  /** What the state has of them, each as `hi:lo`. */
  readonly values: ReadonlySet<string>;
}

/**
 * The hash under which session references, call ids and pauses are kept, as two int32 words: SipHash-2-4 with a key of 128 bits.
 * Without the key a reference can be neither read nor guessed, nor can two be found that have the same hash. With as many
 * references as are kept at most, 400 000, two have the same one by chance in one of 200 million cases.
 *
 * The state outlasts the process, so the key does, too: it is in the journal. What a journal of version 3 or before has was hashed with
 * another function. Such values keep their hash, so that a session that was open during an upgrade stays one session.
 */
export class KeyedHash {
  hi = 0;
  lo = 0;
  /** Absent if events do not show sessions. */
  readonly refs: SessionRefs | undefined;
  readonly #hash: SipHash;
  #former: { readonly hash: HalfSipHash; readonly values: ReadonlySet<string> } | undefined;

  /** `key`: `hashKeyBytes` random bytes. */
  constructor(key: Uint8Array, refs?: SessionRefs) {
    this.#hash = new SipHash(key);
    this.refs = refs;
  }

  /** Hashes with another key from now on, except for what `former` has. */
  rekey(key: Uint8Array, former?: FormerHashes): void {
    this.#hash.rekey(key);
    this.#former =
      former === undefined || former.values.size === 0
        ? undefined
        : { hash: new HalfSipHash(former.key), values: former.values };
  }

  /** Hashes `bytes` from `start` up to `end` into `hi` and `lo`. */
  update(bytes: Uint8Array, start: number, end: number): void {
    if (this.#former !== undefined) {
      const { hash, values } = this.#former;
      hash.update(bytes, start, end);
      if (values.has(`${hash.hi}:${hash.lo}`)) {
        this.hi = hash.hi;
        this.lo = hash.lo;
        return;
      }
    }
    this.#hash.hash64(bytes, start, end);
    this.hi = this.#hash.word0;
    this.lo = this.#hash.word1;
  }

  /** Hashes a text, as UTF-8. */
  updateWithText(text: string): void {
    const bytes = Buffer.from(text);
    this.update(bytes, 0, bytes.length);
  }
}
