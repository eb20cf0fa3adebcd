import { describe, expect, test } from "vitest";
import {
  compareIdentity,
  hostKeyOf,
  identityOf,
  identityText,
  isIdentified,
  lookupKeysOf,
} from "../../../src/activity/recognition/sender-identity.ts";

describe("a second identity", () => {
  for (const [known, other, want] of [
    [["s", "", "box", "7", ""], ["s", "", "box", "7", ""], "repeats"],
    [["s", "x", "box", "7", "a"], ["s", "", "", "", "a"], "repeats"],
    [["s", "", "box", "7", ""], ["s", "", "box", "7", "a"], "extends"],
    [["s", "", "box", "7", "a"], ["s", "", "box", "8", "a"], "contradicts"],
    [["s", "", "box", "", "a"], ["s", "x", "pod", "", "a"], "contradicts"],
    [["s", "", "", "7", "a"], ["t", "x", "", "7", "a"], "contradicts"],
  ] as const) {
    test(`${other.join("/")} ${want} ${known.join("/")}`, () => {
      expect(compareIdentity(known, other)).toBe(want);
    });
  }
});

describe("the lookup keys of an identity", () => {
  for (const [identity, kinds] of [
    [
      ["s", "x", "box", "7", "a"],
      ["instance pid", "instance host", "instance", "name", "id"],
    ],
    [["s", "", "", "", "a"], ["instance"]],
    [["s", "", "box", "7", ""], ["name"]],
    [["s", "x", "", "7", ""], ["id"]],
    [["s", "x", "box", "", ""], ["all"]],
    [["s", "", "", "7", ""], ["all"]],
  ] as const) {
    test(`${identity.join("/")} are ${kinds.join(", ")}, in this order`, () => {
      expect(lookupKeysOf(identity).map((key) => key.split("\n")[0])).toEqual(kinds);
    });
  }

  test("all have the service", () => {
    const keys = lookupKeysOf(["s", "x", "box", "7", "a"]);
    const others = lookupKeysOf(["t", "x", "box", "7", "a"]);
    expect(keys.filter((key) => others.includes(key))).toEqual([]);
  });
});

for (const [identity, want] of [
  [["s", "", "", "", "a"], true],
  [["s", "", "box", "7", ""], true],
  [["s", "x", "", "7", ""], true],
  [["s", "x", "box", "", ""], false],
  [["s", "", "", "7", ""], false],
] as const) {
  test(`${identity.join("/")} is ${want ? "" : "not "}distinguished from its siblings`, () => {
    expect(isIdentified(identity)).toBe(want);
  });
}

test("a host is its id and its name together", () => {
  expect(hostKeyOf(["s", "", "", "7", "a"])).toBe("");
  expect(hostKeyOf(["s", "x", "", "", ""])).not.toBe(hostKeyOf(["s", "", "x", "", ""]));
});

test("a value of up to 256 bytes is kept whole, scanned or decoded alike", () => {
  const longest = "é".repeat(128);
  const bytes = Buffer.from(`-${longest}`);
  expect(identityText(bytes, 1, bytes.length)).toBe(longest);
  expect(identityOf({ stringValue: longest })).toBe(longest);
  expect(identityOf({ stringValue: "box" })).toBe("box");
});

test("a longer value is its beginning and a hash, so that ids which begin alike differ", () => {
  const long = `${"é".repeat(128)}a`;
  const sibling = `${"é".repeat(128)}b`;
  const bytes = Buffer.from(`-${long}`);
  const text = identityText(bytes, 1, bytes.length);
  expect(text).toMatch(/^é{96}[0-9a-f]{64}$/);
  expect(identityOf({ stringValue: long })).toBe(text);
  expect(identityOf({ stringValue: sibling })).not.toBe(text);
});

test("an int is its two words; any other value is none", () => {
  expect(identityOf({ intValue: { high: 1, low: 7 } as never })).toBe("1,7");
  expect(identityOf({ boolValue: true })).toBe("");
  expect(identityOf(undefined)).toBe("");
});
