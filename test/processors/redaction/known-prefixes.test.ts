import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { prefixes } from "../../../src/processors/redaction/known-prefixes.ts";

test("the README lists every prefix that is recognized", () => {
  const readme = readFileSync("src/processors/redaction/README.md", "utf8");
  const [, listed = ""] = /Known prefixes: ([\s\S]*?)\. At least/.exec(readme) ?? [];
  expect(listed.split(/,\s+/).sort()).toEqual(prefixes.map(([prefix]) => `\`${prefix}\``).sort());
});
