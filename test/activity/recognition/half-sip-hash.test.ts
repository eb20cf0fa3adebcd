import { expect, test } from "vitest";
import { HalfSipHash } from "../../../src/activity/recognition/half-sip-hash.ts";

/** The first of the reference implementation's vectors for 64 bits: key 00..07, input 00, 01, … */
test("hashes as HalfSipHash-2-4 does", () => {
  const hash = new HalfSipHash(Uint8Array.from({ length: 8 }, (_, index) => index));
  hash.update(new Uint8Array(0), 0, 0);
  const out = Buffer.alloc(8);
  out.writeInt32LE(hash.hi, 0);
  out.writeInt32LE(hash.lo, 4);
  expect(out.toString("hex")).toBe("218d1f59b9b83cc8");
});

test("the same bytes give another hash under another key, and at any offset the same", () => {
  const text = new TextEncoder().encode("__agent:main:telegram:1234567");
  const words = (key: number, bytes: Uint8Array, start: number) => {
    const hash = new HalfSipHash(new Uint8Array(8).fill(key));
    hash.update(bytes, start, bytes.length);
    return [hash.hi, hash.lo];
  };
  expect(words(1, text, 2)).toEqual(words(1, text.slice(2), 0));
  expect(words(1, text, 2)).not.toEqual(words(2, text, 2));
  expect(words(1, text, 2)).not.toEqual(words(1, text, 1));
});

test("a hundred thousand references do not collide", () => {
  const hash = new HalfSipHash(new Uint8Array(8).fill(7));
  const seen = new Set<string>();
  for (let index = 0; index < 100_000; index++) {
    const bytes = new TextEncoder().encode(`agent:main:explicit:${index}`);
    hash.update(bytes, 0, bytes.length);
    seen.add(`${hash.hi},${hash.lo}`);
  }
  expect(seen.size).toBe(100_000);
});
