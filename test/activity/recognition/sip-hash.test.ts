import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SipHash, sipHash13 } from "../../../src/activity/recognition/sip-hash.ts";

/** The vectors of the reference implementation: key 00..0f, input 00, 01, … of each length up to 63. */
const vectors: { readonly hash64: readonly string[]; readonly hash128: readonly string[] } =
  JSON.parse(readFileSync("test/testdata/siphash-2-4.json", "utf8"));
const key = Uint8Array.from({ length: 16 }, (_, index) => index);

function hex({ word0, word1, word2, word3 }: SipHash, words: 2 | 4): string {
  const out = Buffer.alloc(16);
  for (const [at, word] of [word0, word1, word2, word3].entries()) {
    out.writeInt32LE(word, at * 4);
  }
  return out.toString("hex", 0, words * 4);
}

describe("the keyed hash", () => {
  test("is SipHash-2-4 for inputs of every length, of 64 bits and of 128", () => {
    const hash = new SipHash(key);
    expect([vectors.hash64.length, vectors.hash128.length]).toEqual([64, 64]);
    for (let length = 0; length < 64; length++) {
      const input = Uint8Array.from({ length }, (_, index) => index);
      hash.hash64(input, 0, length);
      expect([length, hex(hash, 2)]).toEqual([length, vectors.hash64[length]]);
      hash.hash128(input, 0, length);
      expect([length, hex(hash, 4)]).toEqual([length, vectors.hash128[length]]);
    }
  });

  test("with fewer rounds is SipHash-1-3", () => {
    const hash = new SipHash(key, sipHash13);
    hash.hash64(key, 0, 0);
    expect(hex(hash, 2)).toBe("dcc40f055801acab");
    hash.hash64(key, 0, 15);
    expect(hex(hash, 2)).not.toBe(vectors.hash64[15]);
  });

  test("is the same at every offset of the bytes and depends on the key", () => {
    const text = new TextEncoder().encode("__agent:main:telegram:1234567");
    const hashOf = (under: SipHash, bytes: Uint8Array, start: number) => {
      under.hash128(bytes, start, bytes.length);
      return hex(under, 4);
    };
    const hash = new SipHash(randomBytes(16));
    const before = hashOf(hash, text, 2);
    expect(before).toBe(hashOf(hash, text.slice(2), 0));
    expect(before).not.toBe(hashOf(hash, text, 1));
    hash.rekey(randomBytes(16));
    expect(before).not.toBe(hashOf(hash, text, 2));
  });

  test("uses every bit of the key", () => {
    const seen = new Set<string>();
    for (let bit = 0; bit < 128; bit++) {
      const flipped = key.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const hash = new SipHash(flipped);
      hash.hash64(key, 0, 16);
      seen.add(hex(hash, 2));
    }
    expect(seen.size).toBe(128);
  });
});
