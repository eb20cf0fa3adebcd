import { describe, expect, test } from "vitest";
import { IdentityHash } from "../../../src/exporters/prometheus/identity-hash.ts";

const bytes = (text: string) => Buffer.from(text);

describe("the hash of a list", () => {
  const hash = new IdentityHash(bytes("key"));

  test("is the same whatever was hashed before, and for a text and its bytes", () => {
    const first = hash.of(["a", bytes("bc")]);
    hash.of(["x".repeat(3_000_000)]);
    expect([hash.of([bytes("a"), "bc"]), hash.of(["é"])]).toEqual([first, hash.of([bytes("é")])]);
  });

  for (const [what, other] of [
    ["whose parts are cut elsewhere", ["ab", "c"]],
    ["with an empty part", ["a", "", "bc"]],
    ["in another order", ["bc", "a"]],
  ] as const) {
    test(`is not that of one ${what}`, () => {
      expect(hash.of(other)).not.toBe(hash.of(["a", "bc"]));
    });
  }

  test("depends on the key", () => {
    expect(new IdentityHash(bytes("kez")).of(["a"])).not.toBe(hash.of(["a"]));
  });
});
