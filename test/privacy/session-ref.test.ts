import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { sessionRef } from "../../src/privacy/session-ref.ts";

const key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

describe("a session reference", () => {
  // RFC 4231, test cases 1, 2 and 6 of HMAC-SHA-256.
  for (const [name, keyBytes, value, digest] of [
    [
      "a key of 20 bytes",
      Buffer.alloc(20, 0x0b),
      "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      "a text as key",
      "Jefe",
      "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [
      "a key longer than a block",
      Buffer.alloc(131, 0xaa),
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
  ] as const) {
    test(`is the beginning of HMAC-SHA-256, with ${name}`, () => {
      expect(sessionRef(keyBytes, value)).toBe(digest.slice(0, 12));
    });
  }

  test("is the same for a text and for its UTF-8", () => {
    const text = "agent:main:télégram:😀";
    expect(sessionRef(key, Buffer.from(text))).toBe(sessionRef(key, text));
    expect(sessionRef(Buffer.from(key), text)).toBe(sessionRef(key, text));
  });

  test("is what openssl computes", () => {
    const shell = `printf %s "$VALUE" | openssl dgst -sha256 -hmac "$KEY" | sed 's/.*= //' | cut -c1-12`;
    const env = { ...process.env, KEY: key, VALUE: "agent:main:telegram:direct:4711" };
    const computed = execFileSync("sh", ["-c", shell], { env, encoding: "utf8" }).trim();
    expect(computed).toBe(sessionRef(env.KEY, env.VALUE));
  });
});
