import { expect, test } from "vitest";
import { KeySet } from "../../src/otlp/keys.ts";
import fc from "../support/fast-check.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Short, long, of few letters, so that many share a length, a middle and an end. */
const key = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 9 }),
  fc.string({ unit: fc.constantFrom("a", "b", ".", "é", "🙂"), maxLength: 30 }),
);

test("a key is found where it stands among other bytes, and nothing else is found", () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 60 }), fc.array(key), key, (names, others, before) => {
      const set = new KeySet(names);
      for (const name of [...names, ...others]) {
        const bytes = utf8(`${before}${name}${before}`);
        const start = utf8(before).length;
        const found = set.match(bytes, start, start + utf8(name).length);
        expect(found).toBe(names.indexOf(name));
      }
    }),
    { numRuns: 500 },
  );
});

test("keys that differ in one byte anywhere are told apart", () => {
  const long = "gen_ai.usage.cache_read.input_tokens";
  const names = [...long].map((_, i) => `${long.slice(0, i)}X${long.slice(i + 1)}`);
  const set = new KeySet(names);
  expect(names.map((name) => set.match(utf8(name), 0, name.length))).toEqual([...names.keys()]);
  expect(set.match(utf8(long), 0, long.length)).toBe(-1);
});

test("keys that share length, middle and end are all found", () => {
  const names = Array.from({ length: 200 }, (_, i) => `${String(i).padStart(4, "0")}.middle.end`);
  const set = new KeySet(names);
  expect(names.map((name) => set.match(utf8(name), 0, name.length))).toEqual([...names.keys()]);
});

test("a set of no keys finds none", () => {
  expect(new KeySet([]).match(utf8("a"), 0, 1)).toBe(-1);
  expect(new KeySet([]).match(utf8(""), 0, 0)).toBe(-1);
});

test("a set keeps its names when the list it was made of changes", () => {
  const names = ["a", "b"];
  const set = new KeySet(names);
  names[0] = "c";
  expect(set.names).toEqual(["a", "b"]);
});
