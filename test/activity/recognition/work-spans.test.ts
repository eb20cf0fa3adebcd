import { expect, test } from "vitest";
import {
  attributeRules,
  nameRules,
  notWorkNames,
} from "../../../src/activity/recognition/work-spans.ts";

test("no two built-in rules are for the same name or attribute", () => {
  const names = [...notWorkNames, ...nameRules.map(({ name }) => name)];
  const keys = attributeRules.map(({ key }) => key);
  expect(names).toEqual([...new Set(names)]);
  expect(keys).toEqual([...new Set(keys)]);
});
