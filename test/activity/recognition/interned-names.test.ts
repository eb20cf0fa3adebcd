import { expect, test } from "vitest";
import { InternedNames } from "../../../src/activity/recognition/interned-names.ts";

test("a text has one number for as long as it has a holder", () => {
  const names = new InternedNames();
  expect([names.acquire("a"), names.acquire("b"), names.acquire("a")]).toEqual([1, 2, 1]);
  names.release("a");
  expect(names.acquire("c")).toBe(3);
  names.release("a");
  expect([names.acquire("d"), names.acquire("a")]).toEqual([1, 4]);
});

test("releasing a text that has no holder changes nothing", () => {
  const names = new InternedNames();
  names.release("a");
  expect(names.acquire("b")).toBe(1);
});

test("a restored text has its old number, and the numbers below it are free", () => {
  const names = new InternedNames();
  names.restore("a", 3);
  names.restore("a", 3);
  expect([names.acquire("b"), names.acquire("c"), names.acquire("d")].toSorted()).toEqual([
    1, 2, 4,
  ]);
  names.release("a");
  expect(names.acquire("a")).toBe(3);
});

test("a text that has a number keeps it when it is restored with another one", () => {
  const names = new InternedNames();
  names.acquire("a");
  names.restore("a", 9);
  expect(names.acquire("a")).toBe(1);
});
