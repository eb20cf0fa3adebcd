import { describe, expect, test } from "vitest";
import { hashKey } from "../../src/privacy/hash-key.ts";

const schema = hashKey();

describe("a hash key in the config", () => {
  test("is a secret that shows nothing when printed", () => {
    const key = schema.parse("00112233445566778899aabbccddeeff");
    expect(`${key} ${JSON.stringify({ key })}`).toBe('[REDACTED] {"key":"[REDACTED]"}');
    expect(key.reveal()).toBe("00112233445566778899aabbccddeeff");
  });

  for (const [name, key, message] of [
    ["is empty", "", "must be a key of at least 32 characters, but has 0."],
    [
      "is shorter than 128 bits",
      "x1y2z3-secret",
      "must be a key of at least 32 characters, but has 13.",
    ],
    [
      "has blanks",
      "00112233445566778899aabbccddeeff 00112233445566778899aabbccddeeff",
      "must be a key of letters, digits and signs without blanks.",
    ],
    ["repeats a few characters", "ab".repeat(20), "is no random key: it has only 2 different"],
  ] as const) {
    test(`that ${name} is refused, and not quoted`, () => {
      const result = schema.safeParse(key);
      const said = result.error?.issues.map((issue) => issue.message).join() ?? "";
      expect(said).toContain(message);
      expect(said).toContain("openssl rand -hex 32");
      expect(key !== "" && said.includes(key)).toBe(false);
    });
  }
});
