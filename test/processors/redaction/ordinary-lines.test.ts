import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { findValues } from "../../../src/processors/redaction/value-detectors.ts";

const lines = readFileSync("test/testdata/redaction/ordinary-lines.txt", "utf8")
  .trimEnd()
  .split("\n");

function partsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const parts: string[] = [];
  findValues(bytes, 0, bytes.length, (kind, start, end) =>
    parts.push(`${kind} ${bytes.subarray(start, end).toString()} in ${text}`),
  );
  return parts;
}

test("nothing is found in lines of logs, code, commands and prose that have no secret", () => {
  expect(lines.length).toBeGreaterThan(350);
  expect(lines.flatMap(partsOf)).toEqual([]);
});

test("nor where JSON quotes them", () => {
  const quoted = lines.map((line) => JSON.stringify({ line, next: [line] }));
  expect(quoted.flatMap(partsOf)).toEqual([]);
});

test("nor in a URL", () => {
  const quoted = lines.map((line) => `https://example.com/?q=${encodeURIComponent(line)}`);
  expect(quoted.flatMap(partsOf)).toEqual([]);
});
