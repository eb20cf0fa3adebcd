import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { HalfSipHash } from "../../../src/activity/recognition/half-sip-hash.ts";
import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { SipHash } from "../../../src/activity/recognition/sip-hash.ts";

const text = "agent:main:telegram:direct:4711";
const bytes = Buffer.from(text);

function wordsOf(hash: KeyedHash, value: Uint8Array = bytes): readonly number[] {
  hash.update(value, 0, value.length);
  return [hash.hi, hash.lo];
}

describe("the hash of references and call ids", () => {
  test("is SipHash-2-4 of the bytes, or of the UTF-8 of a text", () => {
    const key = randomBytes(16);
    const hash = new KeyedHash(key);
    const plain = new SipHash(key);
    plain.hash64(bytes, 0, bytes.length);
    expect(wordsOf(hash)).toEqual([plain.word0, plain.word1]);
    hash.updateWithText(text);
    expect([hash.hi, hash.lo]).toEqual([plain.word0, plain.word1]);
  });

  test("is the former one of values that the state had, and of no other", () => {
    const former = randomBytes(8);
    const half = new HalfSipHash(former);
    half.update(bytes, 0, bytes.length);
    const key = randomBytes(16);
    const hash = new KeyedHash(key);
    const another = wordsOf(hash, Buffer.from("another"));
    hash.rekey(key, { key: former, values: new Set([`${half.hi}:${half.lo}`]) });
    expect(wordsOf(hash)).toEqual([half.hi, half.lo]);
    expect(wordsOf(hash, Buffer.from("another"))).toEqual(another);
    hash.rekey(key);
    expect(wordsOf(hash)).not.toEqual([half.hi, half.lo]);
  });

  test("of a hundred thousand references is never the same", () => {
    const hash = new KeyedHash(randomBytes(16));
    const seen = new Set<string>();
    for (let index = 0; index < 100_000; index++) {
      seen.add(wordsOf(hash, Buffer.from(`agent:main:explicit:${index}`)).join());
    }
    expect(seen.size).toBe(100_000);
  });
});
